"""Every segment is spoken, whatever fails: by the voice, by the voice once more, or by the fallback voice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial

import numpy as np

from wyoming_k2so.engine import EngineError, reason
from wyoming_k2so.voices.catalog import Choice

from .stats import ReplyStats
from .voice_session import Piece, VoiceSession
from .watchdog import Watchdog

_LOGGER = logging.getLogger(__name__)

_NOTHING = Piece(np.zeros(0, np.float32))


class Failover:
    """A voice and, if there is one, its fallback.

    A segment that fails is tried once more, then spoken by the fallback voice at the same rate. A voice that hangs is
    not tried again. The synthesis thread uses it; any thread may call `interrupt`.
    """

    def __init__(
        self,
        choice: Choice,
        fallback: Choice | None,
        stats: ReplyStats,
        *,
        loudness: float | None,
        current: Callable[[Choice], Choice],
        watchdog: Watchdog | None,
        clock: Callable[[], float],
    ) -> None:
        """Prepare the voices; none is opened yet.

        Args:
            choice: the voice.
            fallback: the voice that takes over.
            stats: where time spent, retries and fallbacks are counted.
            loudness: LUFS to bring each voice to; None: leave it.
            current: turns a choice into one by the engine that has replaced the chosen one.
            watchdog: how long a call into an engine may take; None: forever.
            clock: seconds.
        """
        session = partial(VoiceSession, stats=stats, loudness=loudness, current=current, watchdog=watchdog, clock=clock)
        self._voices = [session(each) for each in (choice, fallback) if each]
        self._stats = stats
        self._interrupted = False

    @property
    def engines(self) -> list[str]:
        """Names of the engines, in the order in which they are tried."""
        return [voice.engine for voice in self._voices]

    @property
    def mode(self) -> str:
        """Numeric precision of the first engine."""
        return self._voices[0].mode

    @property
    def note(self) -> str:
        """Why that is not the precision asked for; empty when it is."""
        return self._voices[0].note

    def fall_back(self) -> None:
        """Leave everything to the fallback voice. Before the first segment."""
        self._voices.pop(0)

    def rate(self) -> int:
        """Samples per second of the first voice that can be opened. Raises EngineError: none can."""
        for voice in self._voices:
            try:
                return voice.rate()
            except Exception as error:  # noqa: BLE001  an engine may raise anything
                _LOGGER.warning("%s cannot start: %s", voice, reason(error))
        raise EngineError(f"{self._voices[0]} cannot start, and no other voice can; see the server's log")

    def say(self, text: str, rate: int, upcoming: Callable[[], str | None] = lambda: None) -> Generator[Piece]:
        """Yield the sound of a segment at `rate` as it is made. Closing the generator cancels the work.

        `upcoming` returns the segment after this one, as soon as it is known.

        Raises:
            EngineError: no voice can speak it.
        """
        main, *fallback = self._voices
        sent = 0  # samples of this segment that have been yielded
        for attempt, voice in enumerate((main, main, *fallback)):
            if voice.hung:
                continue
            if attempt == 1:
                self._stats.retries += 1
            if voice is not main:
                self._stats.fallbacks += 1
                sent = 0  # another voice has another timing: better to repeat some words than to lose one
            position = 0
            try:
                with closing(voice.say(text, rate)) as pieces:
                    for piece in pieces:
                        yield Piece(piece.samples[max(0, sent - position) :], piece.seconds, piece.took_s)
                        voice.expect(upcoming())
                        position += len(piece.samples)
                        sent = max(sent, position)
                return
            except Exception as error:
                voice.close()
                if self._interrupted:
                    return  # a generator that fails while it is being closed must not yield
                _LOGGER.warning("%s failed to speak a segment: %s", voice, reason(error))
                _LOGGER.debug("the failure", exc_info=error)
            yield _NOTHING  # a chance to cancel before the next attempt
        raise EngineError("no voice could speak part of the reply; see the server's log")

    def interrupt(self) -> None:
        """Abort what the engines compute, if they can. From any thread."""
        self._interrupted = True
        for voice in self._voices:
            voice.interrupt()

    def end(self) -> None:
        """Free what the voices hold."""
        for voice in self._voices:
            voice.end()

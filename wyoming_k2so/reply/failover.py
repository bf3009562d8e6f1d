"""The voice of a reply and the one that takes over: each segment is spoken, whatever fails.

A segment that fails is tried once more, then spoken by the fallback voice at the same rate. A voice that hangs is not
tried again. An engine that was loaded anew, say in another precision, speaks from the next segment on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from wyoming_k2so.audio.chunks import Resampler
from wyoming_k2so.audio.loudness import Leveller
from wyoming_k2so.engine import EngineError, Foresighted, Interruptible, Samples, Utterance, reason
from wyoming_k2so.voices.catalog import Choice

from .stats import Figures
from .watchdog import Caller, Watchdog

_LOGGER = logging.getLogger(__name__)

_NOTHING: Samples = np.zeros(0, np.float32)

T = TypeVar("T")


@dataclass(frozen=True)
class Piece:
    """A piece of a segment's sound."""

    samples: Samples
    """At the rate that was asked for; may be empty."""

    seconds: float = 0.0
    """What the engine made for it, in seconds of sound."""

    took_s: float = 0.0
    """How long that took."""


class Failover:
    """Who speaks a reply: a voice and, if there is one, its fallback. One thread uses it; any may interrupt it."""

    def __init__(
        self,
        choice: Choice,
        fallback: Choice | None,
        figures: Figures,
        *,
        loudness: float | None,
        current: Callable[[Choice], Choice],
        watchdog: Watchdog | None,
        clock: Callable[[], float],
    ) -> None:
        """`figures` is told of time spent, retries and fallbacks; `loudness`: LUFS to bring each voice to.

        `current`: a choice by the engine that has taken the place of the chosen one meanwhile.
        """
        self._speakers = [_Speaker(who, current, watchdog) for who in (choice, fallback) if who]
        self._figures = figures
        self._loudness = loudness
        self._clock = clock
        self._interrupted = False

    @property
    def names(self) -> list[str]:
        """Names of the engines, in the order in which they are tried."""
        return [speaker.engine for speaker in self._speakers]

    @property
    def mode(self) -> str:
        """Numeric precision of the engine that speaks, or would if it did not fail."""
        return self._speakers[0].mode

    @property
    def note(self) -> str:
        """Why that is not the precision asked for; empty when it is."""
        return self._speakers[0].note

    def fall_back(self) -> None:
        """Leave everything to the fallback voice. Before the first segment."""
        self._speakers.pop(0)

    def rate(self) -> int:
        """The rate of the first voice that can be opened. Raises EngineError: none can."""
        for speaker in self._speakers:
            try:
                return speaker.open().rate
            except Exception as error:  # noqa: BLE001  an engine may raise anything
                _LOGGER.warning("%s cannot start: %s", speaker, reason(error))
        raise EngineError(f"{self._speakers[0]} cannot speak, and there is no other voice that can")

    def say(self, text: str, rate: int, following: Callable[[], str | None] = lambda: None) -> Generator[Piece]:
        """Sound of a segment, as it is made. Closing the generator cancels the work.

        `following` tells the segment after this one as soon as it is known.

        Raises:
            EngineError: no voice can speak it.
        """
        voice, *fallback = self._speakers
        heard = 0  # samples of this segment that are on their way already
        for attempt, speaker in enumerate((voice, voice, *fallback)):
            if speaker.hung:
                continue
            if attempt == 1:
                self._figures.retries += 1
            if speaker is not voice:
                self._figures.fallbacks += 1
                heard = 0  # another voice has another timing: better to hear some words twice than to lose one
            position = 0
            try:
                with closing(self._pieces(speaker, text, rate)) as pieces:
                    for piece in pieces:
                        yield Piece(piece.samples[max(0, heard - position) :], piece.seconds, piece.took_s)
                        speaker.expect(following())
                        position += len(piece.samples)
                        heard = max(heard, position)
                return
            except Exception as error:
                speaker.close()
                if self._interrupted:
                    return  # nobody wants the rest, and a generator that fails while it is closed may not yield
                _LOGGER.warning("%s failed to speak a segment: %s", speaker, reason(error))
                _LOGGER.debug("The failure", exc_info=error)
            yield Piece(_NOTHING)  # who does not want the rest can leave before the next attempt
        raise EngineError("no voice could speak a part of the reply; the server's log says why")

    def interrupt(self) -> None:
        """Break off what the engines compute, if they can: nobody wants the rest. From any thread."""
        self._interrupted = True
        for speaker in self._speakers:
            speaker.interrupt()

    def end(self) -> None:
        """Free what the voices hold."""
        for speaker in self._speakers:
            speaker.end()

    def _pieces(self, speaker: _Speaker, text: str, rate: int) -> Generator[Piece]:
        """One voice's sound of a segment. Raises whatever its engine does, or EngineError when there is no sound."""
        began = self._clock()
        self._timed(speaker.renew)
        utterance = self._timed(speaker.open)
        leveller = speaker.leveller(utterance.rate, self._loudness)
        resampler = Resampler(utterance.rate, rate)
        produced = 0
        with closing(speaker.say(text)) as sounds:
            while (samples := self._timed(lambda: next(sounds, None))) is not None:
                if not np.isfinite(samples).all():
                    raise EngineError("the sound holds values that are no numbers")
                produced += len(samples)
                took_s = self._clock() - began
                sound = resampler.push(leveller.push(samples) if leveller else samples)
                yield Piece(sound, len(samples) / utterance.rate, took_s)
                if len(samples):
                    began = self._clock()
        if not produced:
            raise EngineError("no sound came")
        yield Piece(resampler.flush())

    def _timed(self, work: Callable[[], T]) -> T:
        began = self._clock()
        try:
            return work()
        finally:
            self._figures.busy_s += self._clock() - began


class _Speaker:
    """A choice and its utterance, opened when first needed and opened anew after a failure or by another engine."""

    def __init__(self, choice: Choice, current: Callable[[Choice], Choice], watchdog: Watchdog | None) -> None:
        self._choice = choice
        self._current = current
        self._watchdog = watchdog
        self._utterance: Utterance | None = None
        self._expected: str | None = None
        self._caller = Caller(choice.engine, watchdog)

    def __str__(self) -> str:
        return f"{self._choice.engine.name}/{self._choice.request.voice}"

    @property
    def engine(self) -> str:
        return self._choice.engine.name

    @property
    def mode(self) -> str:
        return self._choice.engine.mode

    @property
    def note(self) -> str:
        return self._choice.engine.note

    @property
    def hung(self) -> bool:
        """Whether it will never speak again."""
        return self._caller.hung

    def renew(self) -> None:
        """Between segments: leave an engine whose place another one has taken, so that it can be freed."""
        choice = self._current(self._choice)
        if choice.engine is self._choice.engine:
            return
        try:
            self.end()
        finally:
            self._choice, self._caller = choice, Caller(choice.engine, self._watchdog)
        _LOGGER.info("%s goes on in %s", self, choice.engine.mode)

    def open(self) -> Utterance:
        return self._caller.call(self._open)

    def say(self, segment: str) -> Generator[Samples]:
        """The engine's own sound of a segment."""
        sounds = self._caller.call(lambda: self._open().say(segment))
        try:
            while (samples := self._caller.call(lambda: next(sounds, None))) is not None:
                yield samples
        finally:
            self._caller.clean_up(sounds.close)

    def expect(self, segment: str | None) -> None:
        """Tell the engine what comes next. Only a hint: what goes wrong here is heard of when the segment is said."""
        if segment is None or segment == self._expected:
            return
        self._expected, utterance = segment, self._utterance
        if isinstance(utterance, Foresighted):
            try:
                self._caller.call(lambda: utterance.expect(segment))
            except Exception as error:  # noqa: BLE001  an engine may raise anything
                _LOGGER.debug("%s cannot prepare the next segment: %s", self, reason(error))

    def interrupt(self) -> None:
        if isinstance(utterance := self._utterance, Interruptible):
            utterance.interrupt()

    def leveller(self, rate: int, target: float | None) -> Leveller | None:
        return None if target is None else Leveller(self._choice.meter, target, rate)

    def close(self) -> None:
        try:
            self._caller.clean_up(self._close)
        except Exception as error:  # noqa: BLE001  an engine may raise anything, and the reply goes on
            _LOGGER.warning("%s cannot be closed: %s", self, reason(error))

    def end(self) -> None:
        """Close for good."""
        try:
            self.close()
        finally:
            self._caller.end()

    def _open(self) -> Utterance:
        if self._utterance is None:
            self._utterance = self._choice.engine.open(self._choice.request)
        return self._utterance

    def _close(self) -> None:
        utterance, self._utterance, self._expected = self._utterance, None, None
        if utterance is not None:
            utterance.close()

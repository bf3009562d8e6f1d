"""One voice in one reply: its open utterance, and its sound at the rate and loudness of the stream."""

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

from .stats import ReplyStats
from .watchdog import Caller, Watchdog

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Piece:
    """A piece of a segment's sound."""

    samples: Samples
    """At the rate that was asked for; may be empty."""

    seconds: float = 0.0
    """How much sound the engine made for it."""

    took_s: float = 0.0
    """How long that took."""


class VoiceSession:
    """A voice and its utterance, which is opened when first needed, and again after a failure or a reload.

    The synthesis thread uses it; any thread may call `interrupt`.
    """

    def __init__(
        self,
        choice: Choice,
        stats: ReplyStats,
        *,
        loudness: float | None,
        current: Callable[[Choice], Choice],
        watchdog: Watchdog | None,
        clock: Callable[[], float],
    ) -> None:
        """See `Failover`."""
        self._choice = choice
        self._stats = stats
        self._loudness = loudness
        self._current = current
        self._watchdog = watchdog
        self._clock = clock
        self._utterance: Utterance | None = None
        self._expected: str | None = None
        self._caller = Caller(choice.engine, watchdog)

    def __str__(self) -> str:
        return f"{self._choice.engine.name}/{self._choice.request.voice}"

    @property
    def engine(self) -> str:
        """Name of the engine."""
        return self._choice.engine.name

    @property
    def mode(self) -> str:
        """Numeric precision of the engine."""
        return self._choice.engine.mode

    @property
    def note(self) -> str:
        """Why that is not the precision asked for; empty when it is."""
        return self._choice.engine.note

    @property
    def hung(self) -> bool:
        """Whether a call into the engine timed out: this voice will not speak again."""
        return self._caller.hung

    def rate(self) -> int:
        """The voice's own samples per second. Raises whatever the engine does."""
        return self._caller.call(self._open).rate

    def say(self, text: str, rate: int) -> Generator[Piece]:
        """Yield a segment's sound at `rate`. Raises whatever the engine does, or EngineError when there is no sound."""
        began = self._clock()
        self._timed(self._follow_reload)
        own_rate = self._timed(self.rate)
        leveller = None if self._loudness is None else Leveller(self._choice.meter, self._loudness, own_rate)
        resampler = Resampler(own_rate, rate)
        produced = 0
        with closing(self._sound(text)) as sound:
            while (samples := self._timed(lambda: next(sound, None))) is not None:
                if not np.isfinite(samples).all():
                    raise EngineError("the engine produced NaN or infinity")
                produced += len(samples)
                took_s = self._clock() - began
                levelled = leveller.push(samples) if leveller else samples
                yield Piece(resampler.push(levelled), len(samples) / own_rate, took_s)
                if len(samples):
                    began = self._clock()
        if not produced:
            raise EngineError("the engine produced no sound")
        yield Piece(resampler.flush())

    def expect(self, text: str | None) -> None:
        """Tell the engine which segment comes next. This is only a hint, so a failure is not an error."""
        if text is None or text == self._expected:
            return
        self._expected, utterance = text, self._utterance
        if isinstance(utterance, Foresighted):
            try:
                self._caller.call(lambda: utterance.expect(text))
            except Exception as error:  # noqa: BLE001  an engine may raise anything
                _LOGGER.debug("%s cannot prepare the next segment: %s", self, reason(error))

    def interrupt(self) -> None:
        """Abort what the engine computes, if it can."""
        if isinstance(utterance := self._utterance, Interruptible):
            utterance.interrupt()

    def close(self) -> None:
        """Close the utterance; the next segment opens another one."""
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

    def _follow_reload(self) -> None:
        """Move to the engine that has replaced this one, if any, so that the old one can be freed."""
        choice = self._current(self._choice)
        if choice.engine is self._choice.engine:
            return
        try:
            self.end()
        finally:
            self._choice, self._caller = choice, Caller(choice.engine, self._watchdog)
        _LOGGER.info("%s continues with the %s model", self, choice.engine.mode)

    def _sound(self, text: str) -> Generator[Samples]:
        """The engine's own sound of a segment, each piece by a call that the watchdog watches."""
        sound = self._caller.call(lambda: self._open().say(text))
        try:
            while (samples := self._caller.call(lambda: next(sound, None))) is not None:
                yield samples
        finally:
            self._caller.clean_up(sound.close)

    def _open(self) -> Utterance:
        if self._utterance is None:
            self._utterance = self._choice.engine.open(self._choice.request)
        return self._utterance

    def _close(self) -> None:
        utterance, self._utterance, self._expected = self._utterance, None, None
        if utterance is not None:
            utterance.close()

    def _timed(self, work: Callable[[], T]) -> T:
        began = self._clock()
        try:
            return work()
        finally:
            self._stats.busy_s += self._clock() - began

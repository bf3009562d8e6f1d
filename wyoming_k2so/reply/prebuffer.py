"""When the sound of a reply may leave: early enough to feel prompt, late enough not to run dry.

Pure: times are passed in, and nothing here waits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from .speed_model import Speed, SpeedModel
from .stats import AUDIBLE_GAP_S

LETTER_S = 0.065
"""Seconds of speech per letter while nothing was heard of a voice yet."""
SEGMENT_LETTERS = 80
"""Text that waits is thought of in segments of this length."""
SAFETY = 2.7
"""How many standard deviations worse than expected things may go."""
LENGTH_SPREAD = 0.1
"""How far the length of speech is off the one predicted from its text, as a share of it."""
MORE_TEXT = 1.5
"""While text still comes: how much more is expected, as a share of what came so far."""
STARVED_S = 1.0
"""A machine slower than speech waits so long for more text before it lets go of what it has."""
HORIZON_S = 300.0
"""So much speech is thought of in advance."""
MAX_HOLD_S = 20.0
"""Longer than this no reply is held back, though it will stutter: clients give up a server that is silent for 30 s."""
_NOTHING_S = 0.01


@dataclass(frozen=True)
class Moment:
    """What is known when it is asked whether sound that is held back may leave. Times are in seconds."""

    now: float
    chunks: int
    """Chunks that are held back."""

    held_s: float
    """Their playing time."""

    pending_s: float = 0.0
    """Sound that does not fill a chunk yet."""

    waiting: int = 0
    """Text that has come and whose synthesis has not begun, in letters."""

    complete: bool = False
    """No more text will come."""

    starved_s: float = 0.0
    """How long synthesis has been waiting for text; 0 while it works."""


class Prebuffer(Protocol):
    """Decides when sound leaves. Told of each piece of sound, and asked whenever some is held back."""

    def segment(self, length: int) -> None:
        """The synthesis of a segment of `length` letters begins."""

    def made(self, sound_s: float, took_s: float) -> None:
        """The next piece of the segment is there: its length, and the time that it took, in seconds."""

    def release(self, moment: Moment) -> bool:
        """Whether everything that is held back may leave now."""

    def end(self) -> None:
        """The reply has ended."""


def make_prebuffer(setting: int | str, speed_model: SpeedModel | None) -> Prebuffer:
    """What the setting asks for: a number of chunks, or `auto`."""
    return FixedPrebuffer(setting) if isinstance(setting, int) else AutoPrebuffer(speed_model or SpeedModel())


class FixedPrebuffer:
    """Holds back until a fixed number of chunks is there, once."""

    def __init__(self, chunks: int) -> None:
        self._chunks = chunks
        self._released = False

    def segment(self, length: int) -> None:
        """Of no interest."""

    def made(self, sound_s: float, took_s: float) -> None:
        """Of no interest."""

    def release(self, moment: Moment) -> bool:
        """Whether enough chunks are there, or no more will come for now."""
        self._released = self._released or moment.starved_s > 0 or moment.chunks >= self._chunks
        return self._released

    def end(self) -> None:
        """Of no interest."""


class AutoPrebuffer:
    """Lets sound go once it is likely to last to the end of the reply, at the speed that is measured.

    Looks again at each segment: when the words have run out, or are all but certain to run out inside the segment, it
    is held back in turn, so that the pause falls between sentences.
    """

    def __init__(self, pace: SpeedModel) -> None:
        self._pace = pace
        self._letters = 0
        self._segment = 0
        self._made: list[float] = []
        self._latency = 0.0
        self._holding = True
        self._dry = True  # nothing is being heard
        self._asked: float | None = None
        self._ends = -math.inf  # when the listener has heard everything that left

    def segment(self, length: int) -> None:
        """Learn from the segment before, and hold this one back if need be."""
        if self._made and self._segment:
            self._pace.letter_s.add(sum(self._made) / self._segment, self._segment)
        self._pace.speaking.add(self)
        self._letters += length
        self._segment = length
        self._made = []
        self._holding, self._dry, self._asked = True, False, self._asked if self._holding else None

    def made(self, sound_s: float, took_s: float) -> None:
        """Learn the speed."""
        if sound_s > 0:
            self._pace.learn(len(self._made), sound_s, took_s, following=self._letters > self._segment)
            if not self._made:
                self._latency = took_s
            self._made.append(sound_s)

    def release(self, moment: Moment) -> bool:
        """Whether playback would last; once so, it stays so for the rest of the segment."""
        if self._holding:
            self._holding = not self._lasts(moment)
        if not self._holding:
            self._ends = max(moment.now, self._ends) + moment.held_s
        return not self._holding

    def end(self) -> None:
        """Slow nobody down any more."""
        self._pace.speaking.discard(self)

    def _lasts(self, moment: Moment) -> bool:
        if moment.starved_s:
            self.end()
            return self._pace.speed.usual <= 1 or moment.starved_s >= STARVED_S
        if self._asked is None:
            self._asked = moment.now
        if moment.now - self._asked >= MAX_HOLD_S:
            return True
        self._dry = self._dry or moment.now >= self._ends
        ahead = moment.held_s + max(0.0, self._ends - moment.now)
        return ahead >= self._cushion(moment, SAFETY if self._dry else -1.0)

    def _cushion(self, moment: Moment, safety: float) -> float:
        """Seconds of sound that must be there for playback to begin now and last.

        Plays the rest of the reply through, piece by piece: each chunk has to be full before those ahead of it have
        been heard. `need` is the most that one comes too late, at so many standard deviations of what is not known.
        """
        pace, speed, chunk_s = self._pace, self._speed(), moment.held_s / moment.chunks
        latency = self._latency if pace.latency.mean is None else pace.latency.mean
        slower = max(speed.usual - 1, 0.0)
        need, prefills, made_s, spoken_s, variance = -math.inf, 0.0, moment.pending_s, 0.0, 0.0

        def lacks(chunks: float) -> float:
            work, wander = speed.ahead(spoken_s)
            return prefills + work + safety * math.sqrt(variance + wander) - chunks * chunk_s

        index = len(self._made)
        for length, unmade in self._segments(moment):
            left = unmade
            while left > _NOTHING_S:
                piece = min(pace.piece(index), left)
                if index:
                    usual_s = speed.usual_s(index, piece)
                    spoken_s += usual_s
                    variance += speed.noise * usual_s**2
                else:
                    prefills += latency
                    variance += pace.latency.variance
                full = made_s // chunk_s
                made_s += piece
                if made_s // chunk_s > full:
                    need = max(need, lacks(full))
                left -= piece
                index += 1
            variance += (LENGTH_SPREAD * slower * length) ** 2
            index = 0
        return max(need, lacks(made_s // chunk_s)) - AUDIBLE_GAP_S

    def _segments(self, moment: Moment) -> Iterator[tuple[float, float]]:
        """Seconds of speech in this segment and those to come, and how many of them are still to be made."""
        letter_s = self._pace.letter_s.mean or LETTER_S
        length = letter_s * self._segment
        yield length, max(0.0, length - sum(self._made))
        more = float(moment.waiting)
        if not moment.complete:
            more += MORE_TEXT * (self._letters + more)
        more = min(more, HORIZON_S / letter_s)
        for start in range(0, round(more), SEGMENT_LETTERS):
            length = letter_s * min(SEGMENT_LETTERS, more - start)
            yield length, length

    def _speed(self) -> Speed:
        """As learnt, or for the very first sound as that sound has it."""
        speed = self._pace.speed
        if not speed.known:
            speed = Speed()
            speed.learn(0, sum(self._made) or self._pace.piece(0), self._latency)
        return speed

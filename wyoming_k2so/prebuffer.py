"""When the sound of a reply may leave: early enough to feel prompt, late enough not to run dry.

Pure: times are passed in, and nothing here waits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

DIGIT_LETTERS = 4
"""A digit is spoken as a word of so many letters."""
WIDE_LETTERS = 3
"""So is a character of a script without letters."""
_WIDE_FROM = 0x2E80

LETTER_S = 0.065
"""Seconds of speech per letter while nothing was heard of a voice yet."""
SEGMENT_LETTERS = 80
"""Text that waits is thought of in segments of this length."""
SAFETY = 2.5
"""How many standard deviations worse than expected things may go."""
LENGTH_SPREAD = 0.12
"""How far the length of speech is off the one predicted from its text, as a share of it."""
UNSURE = 0.3
"""How far the speed measured in one second of speech may be off, as a share of it."""
DRIFT = 0.5
"""How much of the spread of single pieces is a change of speed that lasts."""
MORE_TEXT = 0.5
"""While text still comes: how much more is expected, as a share of what came so far."""
STARVED_S = 1.0
"""A machine slower than speech waits so long for more text before it lets go of what it has."""
MAX_HOLD_S = 20.0
"""Longer than this no reply is held back, though it will stutter: clients give up a server that is silent for 30 s."""

_PIECES = 8
_LARGEST_PIECE_S = 1.3
_FORGETTING = 0.02


def letters(text: str) -> int:
    """How much there is to speak in a text, in letters."""
    return sum(DIGIT_LETTERS if c.isdigit() else WIDE_LETTERS if ord(c) >= _WIDE_FROM else 1 for c in text)


@dataclass(frozen=True)
class Moment:
    """What is known when it is asked whether sound that is held back may leave. Times are in seconds."""

    now: float
    chunks: int
    """Chunks that are held back."""

    held_s: float
    """Their playing time."""

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


class Average:
    """Mean and variance of late values: older ones fade with the weight that came after them."""

    def __init__(self, span: float) -> None:
        self._span = span
        self.weight = 0.0
        self.mean: float | None = None
        self.variance = 0.0

    def add(self, value: float, weight: float = 1.0) -> None:
        """Take a value into account."""
        self.weight += weight
        if self.mean is None:
            self.mean = value
            return
        share = max(1 - math.exp(-weight / self._span), weight / self.weight)
        off = value - self.mean
        self.variance = (1 - share) * (self.variance + share * off * off)
        self.mean += share * off


@dataclass
class Pace:
    """How fast an engine has been lately; its replies share it and all learn from each other.

    The sound of a segment comes in pieces. The first takes `latency`, prefill included, each other one its own length
    times `rtf`.
    """

    rtf: Average = field(default_factory=lambda: Average(10.0))
    latency: Average = field(default_factory=lambda: Average(4.0))
    letter_s: Average = field(default_factory=lambda: Average(400.0))
    pieces: list[float] = field(default_factory=list)
    """Seconds of sound in a segment's first, second, ... piece."""

    def learn(self, index: int, sound_s: float, took_s: float) -> None:
        """Take the piece number `index` of a segment into account."""
        if index == 0:
            self.latency.add(took_s)
        else:
            self.rtf.add(took_s / sound_s, sound_s)
        if index < len(self.pieces):
            # a segment's last piece is cut short, so the larger ones tell the size
            self.pieces[index] = max(sound_s, self.pieces[index] + _FORGETTING * (sound_s - self.pieces[index]))
        elif index < _PIECES:
            self.pieces.append(sound_s)

    def piece(self, index: int) -> float:
        """Expected seconds of sound in a segment's piece; pieces never seen are thought to double."""
        if index < len(self.pieces):
            return self.pieces[index]
        last = self.pieces[-1] if self.pieces else 0.1
        if len(self.pieces) == _PIECES:
            return last
        return max(last, min(_LARGEST_PIECE_S, last * 2.0 ** (index - len(self.pieces) + 1)))


class AutoPrebuffer:
    """Lets sound go once it is likely to last to the end of the reply, at the speed that is measured.

    Looks again at each segment: when the words have run out, or are all but certain to run out inside the segment, it
    is held back in turn, so that the pause falls between sentences.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._letters = 0
        self._segment = 0
        self._made: list[float] = []
        self._holding = True
        self._dry = True  # nothing is being heard
        self._asked: float | None = None
        self._ends = -math.inf  # when the listener has heard everything that left

    def segment(self, length: int) -> None:
        """Learn from the segment before, and hold this one back if need be."""
        if self._made and self._segment:
            self._pace.letter_s.add(sum(self._made) / self._segment, self._segment)
        self._letters += length
        self._segment = length
        self._made = []
        self._holding, self._dry, self._asked = True, False, self._asked if self._holding else None

    def made(self, sound_s: float, took_s: float) -> None:
        """Learn the speed."""
        if sound_s > 0:
            self._pace.learn(len(self._made), sound_s, took_s)
            self._made.append(sound_s)

    def release(self, moment: Moment) -> bool:
        """Whether playback would last; once so, it stays so for the rest of the segment."""
        if self._holding:
            self._holding = not self._lasts(moment)
        if not self._holding:
            self._ends = max(moment.now, self._ends) + moment.held_s
        return not self._holding

    def _lasts(self, moment: Moment) -> bool:
        if moment.starved_s:
            slow = (self._pace.rtf.mean or 0.0) > 1
            return not slow or moment.starved_s >= STARVED_S
        if self._asked is None:
            self._asked = moment.now
        if moment.now - self._asked >= MAX_HOLD_S:
            return True
        self._dry = self._dry or moment.now >= self._ends
        ahead = moment.held_s + max(0.0, self._ends - moment.now)
        return ahead >= self._cushion(moment, SAFETY if self._dry else -1.0)

    def _cushion(self, moment: Moment, safety: float) -> float:
        """Seconds of sound that must be there for playback to begin now and last.

        Plays the rest of the reply through, piece by piece: `lag` is how far its sound is behind playback then, and
        its variance grows with what is not known. The largest lag on the way is the answer.
        """
        pace = self._pace
        rtf, spread = self._speed()
        latency = pace.latency.mean or 0.0
        letter_s = pace.letter_s.mean or LETTER_S
        more = (
            float(moment.waiting) if moment.complete else moment.waiting + MORE_TEXT * (self._letters + moment.waiting)
        )
        segments = [max(0.0, letter_s * self._segment - sum(self._made))]
        segments += [letter_s * min(SEGMENT_LETTERS, more - start) for start in range(0, round(more), SEGMENT_LETTERS)]
        lag = need = speech = variance = 0.0
        for number, length in enumerate(segments):
            unsure = LENGTH_SPREAD * max(rtf - 1, 0.0) * (length if number else letter_s * self._segment)
            index, left = 0 if number else len(self._made), length
            while left > 0.01:
                piece = min(pace.piece(index), left)
                lag += rtf * piece if index else latency
                variance += (spread * piece) ** 2 if index else pace.latency.variance
                first, speech = not speech, speech + piece
                need = max(need, lag + safety * math.sqrt(variance + (DRIFT * spread * speech) ** 2))
                if first:
                    lag += moment.held_s / max(1, moment.chunks) / 2  # what does not fill a chunk stays behind
                lag -= piece
                left -= piece
                index += 1
            variance += unsure**2
        return max(need, lag + safety * math.sqrt(variance + (DRIFT * spread * speech) ** 2))

    def _speed(self) -> tuple[float, float]:
        """Seconds of work per second of sound, and its spread."""
        pace = self._pace
        rtf = pace.rtf.mean
        if rtf is None:
            rtf = (pace.latency.mean or 0.0) / (sum(self._made) or pace.piece(0))
        return rtf, math.sqrt(pace.rtf.variance + (UNSURE * rtf) ** 2 / (1 + pace.rtf.weight))

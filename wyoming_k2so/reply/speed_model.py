"""How fast an engine speaks: averages over what it did lately.

Pure: times are passed in.
"""

from __future__ import annotations

import math

_SPEED_SPAN_S = 20.0
"""Seconds of sound over which the speed is averaged."""

_GUESS_S = 0.5
"""Weight of a guess at the speed, in seconds of sound."""

_FIRST_PIECES = 4.0
"""First pieces over which their time is averaged."""

_TEXT_CHARS = 400.0
"""Characters over which the length of speech is averaged."""

_SMALLEST_PIECE_S = 0.1
_LARGEST_PIECE_S = 1.3


class Average:
    """Mean and variance of recent values: older ones fade with the weight that comes after them."""

    def __init__(self, span: float) -> None:
        """`span`: the weight that fades a value to 1/e."""
        self._span = span
        self.weight = 0.0
        self.mean: float | None = None
        self.variance = 0.0

    def add(self, value: float, weight: float = 1.0) -> None:
        """Add a value."""
        self.weight += weight
        if self.mean is None:
            self.mean = value
            return
        share = max(1 - math.exp(-weight / self._span), weight / self.weight)
        off = value - self.mean
        self.variance = (1 - share) * (self.variance + share * off * off)
        self.mean += share * off


class SpeedModel:
    """How fast an engine has been lately. Its replies share one model, and all of them teach it.

    The sound of a segment comes in pieces. The first one takes `first_piece_s`, prefill included; the others come at
    `rtf`. Both depend on how many replies are spoken at once, so each number of replies has its own averages.
    """

    def __init__(self) -> None:
        self.char_s = Average(_TEXT_CHARS)
        """Seconds of speech per character."""

        self.speaking: set[object] = set()
        """The replies being spoken now."""

        self._rtfs: dict[int, Average] = {}
        self._first_pieces: dict[int, Average] = {}
        self._sizes: list[float] = []  # seconds of sound in a segment's first, second, ... piece

    @property
    def rtf(self) -> Average:
        """Seconds of work per second of sound, for the present number of replies; the mean is None while unknown.

        A first guess at a number of replies is the speed of fewer replies, slower in proportion.
        """
        replies = max(1, len(self.speaking))
        if replies not in self._rtfs:
            fewer = max((known for known in self._rtfs if known < replies), default=0)
            self._rtfs[replies] = Average(_SPEED_SPAN_S)
            if fewer and (mean := self._rtfs[fewer].mean) is not None:
                self._rtfs[replies].add(mean * replies / fewer, _GUESS_S)
        return self._rtfs[replies]

    @property
    def first_piece_s(self) -> Average:
        """Seconds until the first piece of a segment that follows another, for the present number of replies."""
        return self._first_pieces.setdefault(max(1, len(self.speaking)), Average(_FIRST_PIECES))

    def learn(self, earlier: list[float], sound_s: float, took_s: float, *, following: bool) -> None:
        """Learn from a piece of a segment.

        Args:
            earlier: seconds of sound in the segment's pieces before this one.
            sound_s: seconds of sound in this one.
            took_s: seconds of work for it.
            following: the segment follows another, so that the engine may have prepared it.
        """
        index = len(earlier)
        if index:
            self.rtf.add(took_s / sound_s, sound_s)
            self._sizes[index - 1 : index] = earlier[-1:]  # now known not to be cut short by the end of the segment
        elif following:
            self.first_piece_s.add(took_s)

    def piece_s(self, index: int) -> float:
        """Expected seconds of sound in piece number `index` of a segment; pieces never seen are expected to double."""
        if index < len(self._sizes):
            return self._sizes[index]
        last = self._sizes[-1] if self._sizes else _SMALLEST_PIECE_S
        return max(last, min(_LARGEST_PIECE_S, last * 2.0 ** (index - len(self._sizes) + 1)))

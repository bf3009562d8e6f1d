"""How fast an engine speaks: learned from each piece of its sound, and what may be expected of the next ones.

Pure: times are passed in.
"""

from __future__ import annotations

import math

_USUAL_S = 100.0
"""Seconds of sound after which what was usual is forgotten."""
_LASTS_S = 5.0
"""Seconds of sound after which a departure from the usual speed has faded."""
_UNSURE = 0.2
"""How far a speed measured in a moment may be off, as a share of it."""
_DRIFT = 0.25
"""The least drift of the speed, as a share of the variance from one piece to the next."""
_GUESS_S = 0.5
"""What a guess at the speed weighs, in seconds of sound."""
_PIECES = 8
"""So many of a segment's pieces are told apart."""
_PLACES = 20.0
"""Segments after which it is forgotten how much slower a piece is than others."""
_FEW = 2.0
"""So many segments are needed to believe half of that."""
_LARGEST_PIECE_S = 1.3
_FORGETTING = 0.02


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


class Speed:
    """Seconds of work per second of sound: a usual value, a drift that comes and goes, and noise in each piece.

    The drift is an Ornstein-Uhlenbeck process over seconds of sound, and a Kalman filter follows it. Work is counted in
    seconds of usual sound: the first pieces of a segment are small ones, and a second of them may take longer.
    """

    def __init__(self) -> None:
        self._all = Average(_USUAL_S)
        self._places = [Average(_PLACES) for _ in range(_PIECES)]
        self._usual = Average(_USUAL_S)
        self._noise = Average(_USUAL_S)
        self._last: float | None = None
        self._drift = 0.0
        self._unsure = 0.0

    def usual_s(self, index: int, sound_s: float) -> float:
        """How many seconds of usual sound take as long as so many of a segment's piece number `index`."""
        place = self._places[min(index, _PIECES - 1)]
        if place.mean is None or not self._all.mean:
            return sound_s
        return sound_s * (1 + (place.mean / self._all.mean - 1) * place.weight / (place.weight + _FEW))

    @property
    def known(self) -> bool:
        """Whether anything has been learnt."""
        return self._last is not None

    @property
    def usual(self) -> float:
        """Seconds of work per second of sound; 0 while unknown."""
        return self._usual.mean or 0.0

    @property
    def noise(self) -> float:
        """Variance from one piece to the next, drift left out."""
        return self._noise.mean or 0.0

    def slower(self, times: float) -> Speed:
        """A guess at the speed of a machine that is so many times slower; what is learnt will soon outweigh it."""
        guess = Speed()
        if self.known:
            guess.learn(0, _GUESS_S, self.usual * times * _GUESS_S)
        return guess

    def learn(self, index: int, sound_s: float, took_s: float) -> None:
        """Take a segment's piece number `index` into account."""
        self._all.add(took_s / sound_s, sound_s)
        self._places[min(index, _PIECES - 1)].add(took_s / sound_s)
        value = took_s / self.usual_s(index, sound_s)
        self._usual.add(value, sound_s)
        if self._last is not None:
            self._noise.add((value - self._last) ** 2 / 2, sound_s)
        self._last = value
        keep = math.exp(-sound_s / _LASTS_S)
        self._drift *= keep
        self._unsure = keep**2 * self._unsure + (1 - keep**2) * self._drifts
        gain = self._unsure / (self._unsure + self.noise) if self._unsure else 0.0
        self._drift += gain * (value - self.usual - self._drift)
        self._unsure *= 1 - gain

    def ahead(self, sound_s: float) -> tuple[float, float]:
        """Seconds of work for the next seconds of usual sound, and their variance without the pieces' noise.

        Mean and variance are those of the integral of an Ornstein-Uhlenbeck process from its present value.
        """
        x = sound_s / _LASTS_S
        keep = math.exp(-x)
        reach = _LASTS_S * (1 - keep)
        work = self.usual * sound_s + self._drift * reach
        wander = self._drifts * _LASTS_S**2 * (2 * x - 3 + 4 * keep - keep**2) + self._unsure * reach**2
        heard = self._usual.weight
        usual = self._drifts / (1 + heard / (2 * _LASTS_S)) + (_UNSURE * self.usual / (1 + heard)) ** 2
        return work, wander + usual * sound_s**2

    @property
    def _drifts(self) -> float:
        """Variance of the drift."""
        return max(_DRIFT * self.noise, self._usual.variance - self.noise)


class SpeedModel:
    """How fast an engine has been lately; its replies share it and all learn from each other.

    The sound of a segment comes in pieces. The first takes `latency`, prefill included, the others come at `speed`.
    Both depend on how many replies are spoken at once, so each number has its own.
    """

    def __init__(self) -> None:
        self.letter_s = Average(400.0)
        """Seconds of speech per letter."""
        self.speaking: set[object] = set()
        """The replies that the engine works for."""
        self._pieces: list[float] = []  # seconds of sound in a segment's first, second, ... piece
        self._speeds: dict[int, Speed] = {}
        self._latencies: dict[int, Average] = {}

    @property
    def speed(self) -> Speed:
        """At so many replies as there are now; if never seen, of fewer replies, slower in proportion."""
        rooms = max(1, len(self.speaking))
        if rooms not in self._speeds:
            fewer = max((known for known in self._speeds if known < rooms), default=0)
            self._speeds[rooms] = self._speeds[fewer].slower(rooms / fewer) if fewer else Speed()
        return self._speeds[rooms]

    @property
    def latency(self) -> Average:
        """Seconds until the first piece of a segment that follows another, at so many replies as there are now."""
        return self._latencies.setdefault(max(1, len(self.speaking)), Average(4.0))

    def learn(self, index: int, sound_s: float, took_s: float, *, following: bool = True) -> None:
        """Take the piece number `index` of a segment into account; `following`: the segment follows another."""
        if index == 0:
            if following:  # an engine may have worked ahead at those
                self.latency.add(took_s)
        else:
            self.speed.learn(index, sound_s, took_s)
        pieces = self._pieces
        if index < len(pieces):
            # a segment's last piece is cut short, so the larger ones tell the size
            pieces[index] = max(sound_s, pieces[index] + _FORGETTING * (sound_s - pieces[index]))
        elif index < _PIECES:
            pieces.append(sound_s)

    def piece(self, index: int) -> float:
        """Expected seconds of sound in a segment's piece; pieces never seen are thought to double."""
        if index < len(self._pieces):
            return self._pieces[index]
        last = self._pieces[-1] if self._pieces else 0.1
        if len(self._pieces) == _PIECES:
            return last
        return max(last, min(_LARGEST_PIECE_S, last * 2.0 ** (index - len(self._pieces) + 1)))

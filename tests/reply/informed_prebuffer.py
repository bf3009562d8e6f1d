"""A prebuffer that knows the simulated machine and how replies are made, everything except the random draws.

It shows how well a prebuffer could do at best.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.reply.simulation import (
    CHUNK_S,
    LENGTH_SPREAD,
    LETTERS,
    LETTERS_PER_S,
    LOAD_CHANGES,
    LOAD_KEEPS,
    LOAD_MOST,
    PAUSES,
    SEGMENTS,
    STARVED_AFTER_S,
    Machine,
    Segment,
    Text,
)
from wyoming_k2so.reply.auto_prebuffer import LATE_TEXT_S, MAX_HOLD_S
from wyoming_k2so.reply.prebuffer import Moment, Prebuffer
from wyoming_k2so.reply.stats import AUDIBLE_GAP_S

FUTURES = 300
_SOON_S = 0.1

Floats = NDArray[np.float64]


class Informed(Prebuffer):
    """Plays many futures of a reply, and starts when at most a share `risk` of them would have a gap."""

    def __init__(self, machine: Machine, reply: list[Segment], text: Text, risk: float) -> None:
        self._machine, self._reply, self._text, self._risk = machine, reply, text, risk
        self._random = np.random.default_rng(1)
        self._segment, self._index = -1, 0
        self._said_s = 0.0  # of this segment
        self._made_s = 0.0
        self._released = self._starved = False
        self._ask_again = 0.0

    def begin_segment(self, chars: int) -> None:
        self._segment += 1
        self._index, self._said_s = 0, 0.0
        if self._starved:  # everything has been sent, and a pause is excused
            self._released = self._starved = False
            self._made_s = self._ask_again = 0.0

    def add_piece(self, sound_s: float, took_s: float) -> None:
        self._index += 1
        self._said_s += sound_s
        self._made_s += sound_s

    def release(self, moment: Moment) -> bool:
        self._starved = moment.starved_s > 0
        if not self._released:
            self._released = self._lasts(moment)
        return self._released

    def end(self) -> None:
        pass

    def _lasts(self, moment: Moment) -> bool:
        if moment.now >= MAX_HOLD_S:
            return True
        if moment.starved_s:
            return self._machine.rtf <= 1 or moment.starved_s >= LATE_TEXT_S
        if moment.now < self._ask_again:
            return False
        start = float(np.quantile(self._starts(moment), 1 - self._risk))
        self._ask_again = min(start, moment.now + max(_SOON_S, 0.3 * (start - moment.now)))
        return moment.now >= start

    def _starts(self, moment: Moment) -> Floats:
        """The earliest start without a gap in each future, up to the next pause of the text."""
        machine, r, now = self._machine, self._random, moment.now
        come = sum(segment.arrives <= now for segment in self._reply)
        last = self._reply[self._segment].pieces[self._index - 1]
        more = [count for count in SEGMENTS if count > come]
        counts = np.full(FUTURES, come) if moment.complete or not more else r.choice(more, FUTURES)
        number, index = np.full(FUTURES, self._segment), np.full(FUTURES, self._index)
        time, made, load = np.full(FUTURES, now), np.full(FUTURES, self._made_s), np.full(FUTURES, last.load)
        arrived = np.full(FUTURES, self._reply[come - 1].arrives)
        left = self._left()
        starts, goes_on = np.full(FUTURES, -np.inf), np.ones(FUTURES, bool)
        sizes = np.array(machine.pieces)

        def needs(which: NDArray[np.bool_], made_s: Floats) -> None:
            start = time - made_s // CHUNK_S * CHUNK_S - AUDIBLE_GAP_S
            starts[which] = np.maximum(starts, start)[which]

        while goes_on.any():
            done = goes_on & (left <= 0)
            number += done
            ended = done & (number >= counts)
            needs(ended, made)
            goes_on &= ~ended
            at = np.flatnonzero(done & ~ended)
            if len(at):
                known = number[at] < come
                lengths = np.clip(r.lognormal(*LETTERS, len(at)), 12, 250).astype(int)
                lengths[known] = [self._reply[n].length for n in number[at][known]]
                arrived[at] = np.where(known, arrived[at], np.maximum(now, arrived[at] + self._written(lengths)))
                goes_on[at[arrived[at] - time[at] > STARVED_AFTER_S]] = False
                time[at] = np.maximum(time[at], arrived[at])
                left[at] = lengths * machine.letter_s * r.lognormal(0, LENGTH_SPREAD, len(at))
                index[at] = 0
            sound = np.minimum(sizes[np.minimum(index, len(sizes) - 1)], left)
            change = r.normal(0, LOAD_CHANGES * machine.jitter, FUTURES)
            load = np.clip(LOAD_KEEPS * load + change, -LOAD_MOST, LOAD_MOST)
            noise = r.lognormal(0, machine.jitter, FUTURES)
            later = sound * (1 + load) * noise * np.exp(-(machine.jitter**2) / 2)
            took = np.where(index > 0, later, sound + machine.latency * noise)
            time += machine.rtf * took
            needs(goes_on & ((made + sound) // CHUNK_S > made // CHUNK_S), made)
            made += sound
            left -= sound
            index += 1
        return starts

    def _left(self) -> Floats:
        """Seconds of speech left in this segment, in each future."""
        expected = self._reply[self._segment].length * self._machine.letter_s
        lengths = expected * self._random.lognormal(0, LENGTH_SPREAD, 20 * FUTURES)
        possible = lengths[lengths > self._said_s][:FUTURES]
        return np.resize(possible, FUTURES) - self._said_s if len(possible) else np.zeros(FUTURES)

    def _written(self, lengths: NDArray[np.int_]) -> Floats:
        """Seconds until texts of these lengths have arrived."""
        r, (often, pause) = self._random, PAUSES.get(self._text, (0.0, (0.0, 0.0)))
        return lengths / r.uniform(*LETTERS_PER_S, len(lengths)) + (r.random(len(lengths)) < often) * r.uniform(
            *pause, len(lengths)
        )

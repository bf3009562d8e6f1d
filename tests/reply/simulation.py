"""Simulated replies, without engine, threads or clock: when a prebuffer starts them, and when an oracle would."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from wyoming_k2so.reply.prebuffer import Moment, Prebuffer
from wyoming_k2so.reply.stats import AUDIBLE_GAP_S

CHUNK_S = 4096 / 22_050
STARVED_AFTER_S = 0.1

Text = Literal["whole", "bursty", "stalling"]


SEGMENTS = (1, 1, 2, 2, 3, 4, 5, 6, 8)
LETTERS = (4.2, 0.5)
LETTERS_PER_S = (60, 250)
LENGTH_SPREAD = 0.1
LOAD_KEEPS, LOAD_CHANGES, LOAD_MOST = 0.95, 0.15, 0.25
PAUSES: dict[Text, tuple[float, tuple[float, float]]] = {
    "bursty": (0.3, (0.2, 1.0)),
    "stalling": (0.25, (1.0, 6.0)),
}
"""How often the text pauses before a segment, and for how many seconds."""


class Piece(NamedTuple):
    """Seconds of work and of sound, and how much slower than usual the machine was."""

    took_s: float
    sound_s: float
    load: float


@dataclass
class Segment:
    arrives: float
    length: int
    pieces: list[Piece]


@dataclass
class Machine:
    """How fast an engine works: pieces vary by `jitter`, and the speed drifts by half of that."""

    random: random.Random
    rtf: float
    jitter: float
    latency: float
    letter_s: float
    pieces: tuple[float, ...]
    load: float = 0.0

    def reply(self, text: Text) -> list[Segment]:
        """The segments of a reply; their text arrives as from a language model."""
        r, now, segments = self.random, 0.0, list[Segment]()
        for number in range(r.choice(SEGMENTS)):
            length = int(min(250, max(12, r.lognormvariate(*LETTERS))))
            if text != "whole":
                now += length / r.uniform(*LETTERS_PER_S)
                often, pause = PAUSES[text]
                if number and r.random() < often:
                    now += r.uniform(*pause)
            speech = length * self.letter_s * r.lognormvariate(0, LENGTH_SPREAD)
            segments.append(Segment(now, length, list(self._pieces(speech))))
        return segments

    def _pieces(self, left: float) -> Iterator[Piece]:
        index, r = 0, self.random
        while left > 0:
            sound = min(self.pieces[min(index, len(self.pieces) - 1)], left)
            load = LOAD_KEEPS * self.load + r.gauss(0, LOAD_CHANGES * self.jitter)
            self.load = max(-LOAD_MOST, min(LOAD_MOST, load))
            if index:
                noise = r.lognormvariate(-(self.jitter**2) / 2, self.jitter)
                took = self.rtf * sound * (1 + self.load) * noise
            else:
                took = self.rtf * (sound + self.latency * r.lognormvariate(0, self.jitter))
            yield Piece(took, sound, self.load)
            left -= sound
            index += 1


class After(Prebuffer):
    """Releases at a given time."""

    def __init__(self, start: float) -> None:
        self._start = start

    def begin_segment(self, chars: int) -> None:
        pass

    def add_piece(self, sound_s: float, took_s: float) -> None:
        pass

    def release(self, moment: Moment) -> bool:
        return moment.now >= self._start

    def end(self) -> None:
        pass


def times(reply: list[Segment]) -> list[float]:
    """The times at which a piece is ready, or late text is waited for."""
    now, found = 0.0, list[float]()
    for segment in reply:
        found += [now + STARVED_AFTER_S * n for n in range(1, int((segment.arrives - now) / STARVED_AFTER_S) + 1)]
        now = max(now, segment.arrives)
        for piece in segment.pieces:
            now += piece.took_s
            found.append(now)
    return found


def play(reply: list[Segment], prebuffer: Prebuffer) -> tuple[float, int]:
    """When the reply starts, and how many gaps the listener hears that late text does not excuse."""
    held, sent = list[tuple[float, bool]](), list[tuple[float, float, bool]]()
    now = pending = 0.0
    stalled = False
    begun = 0
    for segment in reply:
        waited = STARVED_AFTER_S
        while now + waited < segment.arrives:
            if pending > 0:
                held.append((CHUNK_S, stalled))
                pending, stalled = 0.0, False
            _ask(prebuffer, reply, now + waited, held, sent, begun, waited, 0.0)
            stalled = True
            waited += STARVED_AFTER_S
        now = max(now, segment.arrives)
        begun += segment.length
        prebuffer.begin_segment(segment.length)
        for took, sound, _ in segment.pieces:
            now += took
            pending += sound
            prebuffer.add_piece(sound, took)
            while pending >= CHUNK_S:
                pending -= CHUNK_S
                held.append((CHUNK_S, stalled))
                stalled = False
            _ask(prebuffer, reply, now, held, sent, begun, 0.0, pending)
    prebuffer.end()
    sent += [(now, *chunk) for chunk in (*held, (pending, stalled))]
    ends, gaps = sent[0][0], 0
    for time, seconds, excused in sent:
        gaps += time - ends > AUDIBLE_GAP_S and not excused
        ends = max(ends, time) + seconds
    return sent[0][0], gaps


def _ask(
    prebuffer: Prebuffer,
    reply: list[Segment],
    now: float,
    held: list[tuple[float, bool]],
    sent: list[tuple[float, float, bool]],
    begun: int,
    starved: float,
    pending: float,
) -> None:
    if not held:
        return
    come = sum(segment.length for segment in reply if segment.arrives <= now)
    seconds = sum(chunk[0] for chunk in held)
    moment = Moment(now, len(held), seconds, pending, max(0, come - begun), now >= reply[-1].arrives, starved)
    if prebuffer.release(moment):
        sent += [(now, *chunk) for chunk in held]
        held.clear()


def oracle(reply: list[Segment]) -> float:
    """The earliest start without a gap, knowing the future."""
    starts = (play(reply, After(time)) for time in times(reply))
    return next((start for start, gaps in starts if not gaps), times(reply)[-1])

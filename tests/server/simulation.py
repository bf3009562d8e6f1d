"""Replies without an engine, a thread or time: what a prebuffer makes of them, and what an oracle would."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wyoming_k2so.metrics import AUDIBLE_GAP_S
from wyoming_k2so.prebuffer import Moment, Prebuffer

CHUNK_S = 4096 / 22_050
STARVED_AFTER_S = 0.1

Text = Literal["whole", "bursty", "stalling"]


@dataclass
class Segment:
    arrives: float
    length: int
    pieces: list[tuple[float, float]]
    """Seconds of work and of sound."""


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
        """The segments of a reply; their text comes as from a language model."""
        r, now, segments = self.random, 0.0, list[Segment]()
        for number in range(r.choice((1, 1, 2, 2, 3, 4, 5, 6, 8))):
            length = int(min(250, max(12, r.lognormvariate(4.2, 0.5))))
            if text != "whole":
                now += length / r.uniform(60, 250)
            if number and text == "stalling" and r.random() < 0.25:
                now += r.uniform(1, 6)
            elif text == "bursty" and r.random() < 0.3:
                now += r.uniform(0.2, 1)
            segments.append(Segment(now, length, list(self._pieces(length * self.letter_s * r.lognormvariate(0, 0.1)))))
        return segments

    def _pieces(self, left: float) -> Iterator[tuple[float, float]]:
        index, r = 0, self.random
        while left > 0:
            sound = min(self.pieces[min(index, len(self.pieces) - 1)], left)
            self.load = max(-0.25, min(0.25, 0.95 * self.load + r.gauss(0, 0.15 * self.jitter)))
            if index:
                yield self.rtf * sound * (1 + self.load) * r.lognormvariate(-(self.jitter**2) / 2, self.jitter), sound
            else:
                yield self.latency * self.rtf * r.lognormvariate(0, self.jitter) + self.rtf * sound, sound
            left -= sound
            index += 1


class After(Prebuffer):
    """Releases at a time."""

    def __init__(self, start: float) -> None:
        self._start = start

    def segment(self, length: int) -> None:
        pass

    def made(self, sound_s: float, took_s: float) -> None:
        pass

    def release(self, moment: Moment) -> bool:
        return moment.now >= self._start


def times(reply: list[Segment]) -> list[float]:
    """When something is ready."""
    now, found = 0.0, list[float]()
    for segment in reply:
        found += [now + STARVED_AFTER_S * n for n in range(1, int((segment.arrives - now) / STARVED_AFTER_S) + 1)]
        now = max(now, segment.arrives)
        for took, _ in segment.pieces:
            now += took
            found.append(now)
    return found


def play(reply: list[Segment], prebuffer: Prebuffer) -> tuple[float, int]:
    """When the reply starts, and how often the listener hears a gap that late text does not excuse."""
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
            _ask(prebuffer, reply, now + waited, held, sent, begun, waited)
            stalled = True
            waited += STARVED_AFTER_S
        now = max(now, segment.arrives)
        begun += segment.length
        prebuffer.segment(segment.length)
        for took, sound in segment.pieces:
            now += took
            pending += sound
            prebuffer.made(sound, took)
            while pending >= CHUNK_S:
                pending -= CHUNK_S
                held.append((CHUNK_S, stalled))
                stalled = False
            _ask(prebuffer, reply, now, held, sent, begun, 0.0)
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
) -> None:
    if not held:
        return
    come = sum(segment.length for segment in reply if segment.arrives <= now)
    seconds = sum(chunk[0] for chunk in held)
    moment = Moment(now, len(held), seconds, max(0, come - begun), now >= reply[-1].arrives, starved)
    if prebuffer.release(moment):
        sent += [(now, *chunk) for chunk in held]
        held.clear()


def oracle(reply: list[Segment]) -> float:
    """The earliest start without a gap, for one that knows the future."""
    starts = (play(reply, After(time)) for time in times(reply))
    return next((start for start, gaps in starts if not gaps), times(reply)[-1])

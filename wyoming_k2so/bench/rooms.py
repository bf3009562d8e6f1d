"""How many rooms a Wyoming server can speak to at once: clients ask for a text together and play it as it comes."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass

from .local import json_line
from .remote import Heard, Peer


@dataclass(frozen=True)
class Row:
    """So many rooms at once, over all rounds. Times in seconds."""

    rooms: int
    rtf: float
    """Of each reply, in the mean."""

    rtf_worst: float
    first_audio_s: float
    first_audio_worst_s: float
    replies: int
    replies_with_gaps: int
    underruns: int
    """How often a listener heard nothing in the middle of a reply, in all replies together."""

    longest_gap_s: float
    gaps_s: float
    """All gaps together, per reply."""

    audio_s: float


async def measure(
    peer: Callable[[], Peer], rooms: int, text: str, *, rounds: int, voice: str | None = None
) -> list[Row]:
    """Speak a text to 1, 2, ... `rooms` clients at once, `rounds` times each, after a warm-up.

    `peer` makes a connection to the server. Raises EngineError when a reply fails.
    """
    async with peer() as one:
        await one.speak(text, voice)
    rows = []
    for count in range(1, rooms + 1):
        async with AsyncExitStack() as stack:
            peers = [await stack.enter_async_context(peer()) for _ in range(count)]
            heard: list[Heard] = []
            for _ in range(rounds):
                heard += await asyncio.gather(*(each.speak(text, voice) for each in peers))
        rows.append(_row(count, heard))
    return rows


def table(rows: Iterable[Row]) -> str:
    """The rows for people."""
    titles = f"{'with gaps':>10} {'gaps':>5} {'longest':>9} {'speech':>8}"
    head = f"{'rooms':>5} {'RTF of each':>11} {'first audio':>21} {titles}"
    lines = [
        f"{r.rooms:5} {r.rtf:11.3f} {r.first_audio_s:7.2f} s, worst {r.first_audio_worst_s:4.2f}"
        f" {r.replies_with_gaps:4} of {r.replies:<2} {r.underruns:5} {r.longest_gap_s:7.2f} s {r.audio_s:6.1f} s"
        for r in rows
    ]
    return "\n".join((head, *lines))


def as_json(rows: Iterable[Row]) -> str:
    """The rows for programs: one line."""
    return json_line({"rooms": [asdict(row) for row in rows]})


def _row(rooms: int, replies: list[Heard]) -> Row:
    gaps = [gap for reply in replies for gap in reply.gaps_s]
    return Row(
        rooms,
        rtf=round(statistics.fmean(reply.rtf for reply in replies), 4),
        rtf_worst=round(max(reply.rtf for reply in replies), 4),
        first_audio_s=round(statistics.fmean(reply.first_audio_s for reply in replies), 4),
        first_audio_worst_s=round(max(reply.first_audio_s for reply in replies), 4),
        replies=len(replies),
        replies_with_gaps=sum(bool(reply.gaps_s) for reply in replies),
        underruns=len(gaps),
        longest_gap_s=round(max(gaps, default=0.0), 4),
        gaps_s=round(sum(gaps) / len(replies), 4),
        audio_s=round(statistics.fmean(reply.audio_s for reply in replies), 2),
    )

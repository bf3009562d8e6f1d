"""How many rooms a Wyoming server can speak to at once: clients request a text together and play it as it arrives."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from contextlib import AsyncExitStack

from .percentiles import times
from .remote import Client, Heard
from .report import Columns, Row

COLUMNS: Columns = {
    "rooms": lambda row: str(row["rooms"]),
    "RTF of each": lambda row: f"{row['rtf']:.3f}",
    "first audio": lambda row: f"{row['first_audio_s']:.2f} s",
    "worst": lambda row: f"{row['first_audio_worst_s']:.2f} s",
    "with gaps": lambda row: f"{row['replies_with_gaps']} of {row['replies']}",
    "gaps": lambda row: str(row["underruns"]),
    "longest": lambda row: f"{row['longest_gap_s']:.2f} s",
    "speech": lambda row: f"{row['audio_s']:.1f} s",
}


async def measure(
    client: Callable[[], Client], rooms: int, text: str, *, rounds: int, voice: str | None = None
) -> list[Row]:
    """Speak a text to 1, 2, ... `rooms` clients at once, `rounds` times each, after a warm-up.

    There is a row for each number of rooms. `rtf`, `first_audio_s` and `audio_s` are means over its replies,
    `underruns` counts the gaps in all of them, `gaps_s` is the length of all gaps per reply.

    Args:
        client: makes a connection to the server.

    Raises:
        UserError: a reply failed.
    """
    async with client() as one:
        await one.speak(text, voice)
    rows = []
    for count in range(1, rooms + 1):
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(client()) for _ in range(count)]
            heard: list[Heard] = []
            for _ in range(rounds):
                heard += await asyncio.gather(*(each.speak(text, voice) for each in clients))
        rows.append(_row(count, heard))
    return rows


def _row(rooms: int, replies: list[Heard]) -> Row:
    gaps = [gap for reply in replies for gap in reply.gaps_s]
    return {
        "rooms": rooms,
        "replies": len(replies),
        "rtf": round(statistics.fmean(reply.rtf for reply in replies), 4),
        "rtf_worst": round(max(reply.rtf for reply in replies), 4),
        **times("first_audio", [reply.first_audio_s for reply in replies], statistics.fmean),
        "replies_with_gaps": sum(bool(reply.gaps_s) for reply in replies),
        "underruns": len(gaps),
        "longest_gap_s": round(max(gaps, default=0.0), 4),
        "gaps_s": round(sum(gaps) / len(replies), 4),
        "audio_s": round(statistics.fmean(reply.audio_s for reply in replies), 2),
    }

"""How fast this machine speaks: the pipeline without sockets, over texts of three lengths."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wyoming_k2so.engine import EngineError
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.settings.config import StreamConfig
from wyoming_k2so.text import Segmenter
from wyoming_k2so.voices.catalog import Choice

TEXTS = {
    "short": "The front door is locked and all the lights are off.",
    "medium": (
        "It is twenty one degrees in the living room, and the window has been open since nine this morning, "
        "so I have turned the heating down for now."
    ),
    "long": (
        "Good morning. It will be mostly sunny today, with a light breeze from the west and a high of nineteen "
        "degrees in the afternoon. You have two appointments: the dentist at half past ten, and lunch with your "
        "sister at one o'clock. The washing machine finished during the night, the car is charged to eighty per "
        "cent, and the bin in the kitchen wants to go out before the collection tomorrow."
    ),
}


WORDS_PER_S = 20.0
"""How fast text comes in the timeline: some 25 tokens of a language model."""


@dataclass(frozen=True)
class Row:
    """One line of the table. Times in seconds, medians over the rounds; memory in MB."""

    engine: str
    mode: str
    text: str
    first_audio_s: float
    first_audio_p95_s: float
    rtf: float
    audio_s: float
    peak_mb: float


def measure(choice: Choice, name: str, stream: StreamConfig, rounds: int) -> Row:
    """Speak one of TEXTS `rounds` times, after a warm-up. Raises EngineError when a reply fails."""
    replies = [_speak(choice, TEXTS[name], stream) for _ in range(rounds + 1)][1:]
    first = [reply.figures.first_audio_s or 0.0 for reply in replies]
    return Row(
        engine=choice.engine.name,
        mode=choice.engine.mode,
        text=name,
        first_audio_s=round(statistics.median(first), 4),
        first_audio_p95_s=round(percentile(first, 0.95), 4),
        rtf=round(statistics.median(reply.figures.rtf or 0.0 for reply in replies), 4),
        audio_s=round(statistics.median(reply.figures.audio_s for reply in replies), 2),
        peak_mb=round(peak_mb(), 1),
    )


@dataclass(frozen=True)
class Timeline:
    """One reply as it happened, in seconds from its first word on."""

    engine: str
    mode: str
    text: list[float]
    """When each word came."""

    chunks: list[tuple[float, float]]
    """When each chunk left, and how long it plays."""


def follow(choice: Choice, text: str, stream: StreamConfig, words_per_s: float = WORDS_PER_S) -> Timeline:
    """Speak a text that comes word by word, after a warm-up. Raises EngineError when the reply fails."""
    _speak(choice, "Ready.", stream)
    reply = Reply(choice, stream=stream)
    words: list[float] = []
    began = time.monotonic()

    def write() -> None:
        for word in re.findall(r"\S+\s*", text):
            time.sleep(max(0.0, began + len(words) / words_per_s - time.monotonic()))
            words.append(round(time.monotonic() - began, 4))
            reply.feed(word)
        reply.finish()

    reply.start()
    threading.Thread(target=write, name="words", daemon=True).start()
    try:
        chunks = [(round(time.monotonic() - began, 4), round(chunk.seconds, 4)) for chunk in reply]
    finally:
        reply.cancel()
    if reply.figures.error is not None:
        raise EngineError(reply.figures.error)
    return Timeline(choice.engine.name, choice.engine.mode, words, chunks)


def table(rows: Iterable[Row]) -> str:
    """The rows for people."""
    head = (
        f"{'engine':8} {'mode':6} {'text':7} {'first audio':>11} {'p95':>9} {'RTF':>6} {'ms/s audio':>10} {'peak':>8}"
    )
    lines = [
        f"{r.engine:8} {r.mode:6} {r.text:7} {r.first_audio_s * 1000:8.0f} ms {r.first_audio_p95_s * 1000:6.0f} ms "
        f"{r.rtf:6.3f} {r.rtf * 1000:10.0f} {r.peak_mb:5.0f} MB"
        for r in rows
    ]
    return "\n".join((head, *lines))


def as_json(rows: Iterable[Row], timeline: Timeline | None = None) -> str:
    """The rows for programs: one line."""
    return json_line({"rows": [asdict(row) for row in rows]} | ({"timeline": asdict(timeline)} if timeline else {}))


def json_line(figures: dict[str, Any]) -> str:
    """Figures and the machine that they were taken on."""
    return json.dumps({"machine": machine(), **figures})


def segments(text: str, max_chars: int, *, early_clause: bool) -> list[str]:
    """The segments that the pipeline would hand to an engine."""
    segmenter = Segmenter(max_chars=max_chars, text_format="text", early_clause=early_clause)
    return [segment.text for segment in (*segmenter.feed(text), *segmenter.flush()) if segment.text]


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = (line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line)
        cpu = next(names, cpu)
    return {"cpu": cpu, "cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}


def peak_mb() -> float:
    """The most memory that this process has held so far; 0 where the system does not tell."""
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return 0.0
    # Linux counts in kilobytes, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _speak(choice: Choice, text: str, stream: StreamConfig) -> Reply:
    reply = Reply(choice, stream=stream)
    reply.start()
    reply.feed(text)
    reply.finish()
    try:
        for _ in reply:
            pass
    finally:
        reply.cancel()
    if reply.figures.error is not None:
        raise EngineError(reply.figures.error)
    return reply


def percentile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]

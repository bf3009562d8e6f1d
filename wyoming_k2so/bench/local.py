"""How fast this machine speaks: an engine through the pipeline, without sockets."""

from __future__ import annotations

import re
import statistics
import threading
import time

from wyoming_k2so.engine import EngineError
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.settings.config import StreamConfig
from wyoming_k2so.text import Segmenter
from wyoming_k2so.voices.catalog import Choice

from .percentiles import slow, times
from .report import Columns, Row, ms
from .resources import memory

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
"""How fast text arrives in the timeline: about 25 tokens of a language model per second."""

COLUMNS: Columns = {
    "engine": "engine",
    "mode": "mode",
    "text": "text",
    "first audio": lambda row: ms(row["first_audio_s"]),
    "slow replies": lambda row: slow(row, "first_audio"),
    "RTF": lambda row: f"{row['rtf']:.3f}",
    "CPU per s": lambda row: ms(row["cpu_rtf"]),
    "speech": lambda row: f"{row['audio_s']:.1f} s",
    "peak memory": lambda row: f"{row['peak_mb']:.0f} MB",
}


def measure(choice: Choice, name: str, stream: StreamConfig, rounds: int) -> Row:
    """Speak one of TEXTS `rounds` times, after a warm-up.

    The row holds medians over the rounds. `rtf` is time, `cpu_rtf` processor time per second of speech.

    Raises:
        EngineError: a reply failed.
    """
    _speak(choice, TEXTS[name], stream)
    cpu = time.process_time()
    replies = [_speak(choice, TEXTS[name], stream).figures for _ in range(rounds)]
    cpu = time.process_time() - cpu
    return {
        "engine": choice.engine.name,
        "mode": choice.engine.mode,
        "text": name,
        "replies": rounds,
        **times("first_audio", [figures.first_audio_s or 0.0 for figures in replies]),
        "rtf": round(statistics.median(figures.rtf or 0.0 for figures in replies), 4),
        "cpu_rtf": round(cpu / sum(figures.audio_s for figures in replies), 4),
        "audio_s": round(statistics.median(figures.audio_s for figures in replies), 2),
        **memory(),
    }


def follow(choice: Choice, text: str, stream: StreamConfig, words_per_s: float = WORDS_PER_S) -> Row:
    """Speak a text that arrives word by word, after a warm-up, and return its timeline.

    `text` holds when each word arrived, `chunks` when each chunk left and how long it plays. Times count from the first
    word, in seconds.

    Raises:
        EngineError: the reply failed.
    """
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
    chunks = [(round(left - began, 4), round(seconds, 4)) for left, seconds in _receive(reply)]
    return {"engine": choice.engine.name, "mode": choice.engine.mode, "text": words, "chunks": chunks}


def segments(text: str, max_chars: int, *, early_clause: bool) -> list[str]:
    """The segments that the pipeline would pass to an engine."""
    segmenter = Segmenter(max_chars=max_chars, text_format="text", early_clause=early_clause)
    return [segment.text for segment in (*segmenter.feed(text), *segmenter.flush()) if segment.text]


def _speak(choice: Choice, text: str, stream: StreamConfig) -> Reply:
    reply = Reply(choice, stream=stream)
    reply.start()
    reply.feed(text)
    reply.finish()
    _receive(reply)
    return reply


def _receive(reply: Reply) -> list[tuple[float, float]]:
    """When each chunk left, and how long it plays. Raises EngineError if the reply fails."""
    try:
        chunks = [(time.monotonic(), chunk.seconds) for chunk in reply]
    finally:
        reply.cancel()
    if reply.figures.error is not None:
        raise EngineError(reply.figures.error)
    return chunks

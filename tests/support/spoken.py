"""Replies by an engine that follows a script, and the sound they make."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tests.support.fakes import ScriptedEngine
from wyoming_k2so.audio.chunks import Chunk
from wyoming_k2so.engine import Engine, Request, Samples
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.reply.watchdog import Watchdog
from wyoming_k2so.settings.config import StreamConfig
from wyoming_k2so.voices.catalog import Choice

FULL_SCALE = 32767

FIVE_SENTENCES = (
    "The first sentence is here. The second one follows it. Then comes the third. "
    "After that you hear the fourth. And this is the fifth."
)


def choose(engine: Engine) -> Choice:
    voice = engine.voices()[0]
    return Choice(engine, Request(voice.name, voice.languages[0]))


def make_reply(
    engine: Engine, fallback: Engine | None = None, *, watchdog: Watchdog | None = None, **stream: Any
) -> Reply:
    stream.setdefault("chunk_samples", 2048)
    stream.setdefault("prebuffer", 0)
    return Reply(
        choose(engine),
        choose(fallback) if fallback else None,
        stream=StreamConfig(early_clause=False, **stream),
        watchdog=watchdog,
    )


def speak(reply: Reply, *texts: str) -> list[Chunk]:
    reply.start()
    for text in texts:
        reply.feed(text)
    reply.finish()
    return list(reply)


def samples(chunks: Iterable[Chunk]) -> Samples:
    pcm = np.frombuffer(b"".join(chunk.audio for chunk in chunks), "<i2")
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)


def expected(engine: ScriptedEngine, voice: str = "test") -> Samples:
    return np.concatenate([engine.sound(segment, voice) for segment in engine.said])


def assert_heard(chunks: list[Chunk], sound: Samples) -> None:
    heard = samples(chunks)
    assert len(heard) == len(sound)
    assert np.abs(heard - sound).max() <= 1 / FULL_SCALE

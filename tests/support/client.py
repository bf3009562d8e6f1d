"""A Wyoming client built on wyoming's own classes: send a request, collect the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from wyoming.audio import AudioChunk, AudioStart
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

TIMEOUT_S = 30


@dataclass
class Answer:
    """The events of one reply, in order."""

    events: list[Event] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        """Event types in order; consecutive audio chunks count as one."""
        types: list[str] = []
        for event in self.events:
            if not (event.type == "audio-chunk" and types and types[-1] == "audio-chunk"):
                types.append(event.type)
        return types

    @property
    def chunks(self) -> list[AudioChunk]:
        return [AudioChunk.from_event(event) for event in self.events if AudioChunk.is_type(event.type)]

    @property
    def start(self) -> AudioStart:
        return next(AudioStart.from_event(event) for event in self.events if AudioStart.is_type(event.type))

    @property
    def audio(self) -> NDArray[np.int16]:
        return np.frombuffer(b"".join(chunk.audio for chunk in self.chunks), "<i2")

    @property
    def seconds(self) -> float:
        return len(self.audio) / self.start.rate

    @property
    def error(self) -> str | None:
        return next((str(event.data["text"]) for event in self.events if event.type == "error"), None)


async def read_event(client: AsyncClient) -> Event | None:
    return await asyncio.wait_for(client.read_event(), TIMEOUT_S)


async def read_until(client: AsyncClient, last: str) -> Answer:
    """Collect events up to the first one of type `last`, or to the end of the connection."""
    answer = Answer()
    while (event := await read_event(client)) is not None:
        answer.events.append(event)
        if event.type == last:
            break
    return answer


async def synthesize(client: AsyncClient, text: str, voice: SynthesizeVoice | None = None, **fields: Any) -> Answer:
    """Request a whole text."""
    await client.write_event(Synthesize(text, voice, **fields).event())
    return await read_until(client, "audio-stop")


async def synthesize_stream(
    client: AsyncClient, pieces: Iterable[str], voice: SynthesizeVoice | None = None, **fields: Any
) -> Answer:
    """Send a text in pieces as Home Assistant does, which repeats the whole text before the end."""
    pieces = list(pieces)
    await client.write_event(SynthesizeStart(voice, **fields).event())
    for piece in pieces:
        await client.write_event(SynthesizeChunk(piece).event())
    await client.write_event(Synthesize("".join(pieces), voice).event())
    await client.write_event(SynthesizeStop().event())
    return await read_until(client, "synthesize-stopped")

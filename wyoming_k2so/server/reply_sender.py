"""Sends one reply to a client as Wyoming audio events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from wyoming.audio import AudioChunk, AudioStart
from wyoming.error import Error

from wyoming_k2so.audio.chunks import Chunk
from wyoming_k2so.engine import AudioFormat
from wyoming_k2so.reply.pipeline import Reply

from .client_writer import ClientWriter
from .metrics import Metrics

_LOGGER = logging.getLogger(__name__)


async def send_reply(reply: Reply, client: ClientWriter, metrics: Metrics) -> int:
    """Start a reply and send its audio, and an error if it fails; `audio-stop` is left to the caller.

    Returns the reply's length in milliseconds. Raises OSError if the client is gone.
    """
    figures = reply.figures
    started = False
    reply.start()
    metrics.active_streams.inc()
    try:
        async with aclosing(_chunks(reply)) as chunks:
            async for chunk in chunks:
                if not started:
                    await client.write(_audio_start(chunk.format))
                    started = True
                await client.write(_audio_chunk(chunk))
        if reply.format is not None and not started:
            await client.write(_audio_start(reply.format))
        if figures.error is not None:
            await client.write(Error(figures.error, "synthesis-failed"))
    finally:
        reply.cancel()
        metrics.active_streams.dec()
        metrics.observe(figures)
        _LOGGER.log(logging.WARNING if figures.error else logging.INFO, "%s", figures.summary())
    return round((figures.audio_s + figures.silence_s) * 1000)


async def _chunks(reply: Reply) -> AsyncGenerator[Chunk, None]:
    """Yield the chunks of a reply without blocking the event loop."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(changed.set)

    reply.notify(wake)
    try:
        while True:
            changed.clear()
            while (chunk := reply.poll()) is not None:
                yield chunk
            if reply.ended:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), reply.silence_in())
    finally:
        reply.notify(None)


def _audio_start(format: AudioFormat) -> AudioStart:
    return AudioStart(rate=format.rate, width=format.width, channels=format.channels, timestamp=0)


def _audio_chunk(chunk: Chunk) -> AudioChunk:
    return AudioChunk(
        rate=chunk.format.rate,
        width=chunk.format.width,
        channels=chunk.format.channels,
        audio=chunk.audio,
        timestamp=chunk.timestamp_ms,
    )

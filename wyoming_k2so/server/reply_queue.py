"""The replies of one client, spoken one after another in the order in which they were asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.tts import SynthesizeStopped

from wyoming_k2so.audio.chunks import Chunk
from wyoming_k2so.engine import AudioFormat
from wyoming_k2so.reply.pipeline import Reply

from .admission import Busy, Turn
from .client_writer import ClientWriter
from .context import ServerContext
from .framing import FrameError
from .speech_job import SpeechJob

_LOGGER = logging.getLogger(__name__)

MOST_WAITING = 8

LEND_AFTER_S = 5.0
"""A text that pauses for so long lets others have its turn."""


class ReplyQueue:
    """Jobs that wait, and the one that is spoken."""

    def __init__(self, context: ServerContext, client: ClientWriter) -> None:
        self._context = context
        self._client = client
        self._jobs: asyncio.Queue[SpeechJob | None] = asyncio.Queue()
        self._current: SpeechJob | None = None

    @property
    def busy(self) -> bool:
        """Whether there is a reply to speak."""
        return self._current is not None or not self._jobs.empty()

    def check(self) -> None:
        """Raise FrameError when too many replies wait."""
        if self._jobs.qsize() >= MOST_WAITING:
            raise FrameError(f"{MOST_WAITING} replies are waiting on this connection already", fatal=True)

    def put(self, job: SpeechJob) -> None:
        """Speak this after the others."""
        self._jobs.put_nowait(job)

    def finish(self) -> None:
        """No more jobs will come: `run` ends when all have been spoken."""
        self._jobs.put_nowait(None)

    def stop(self) -> None:
        """End what is spoken and what waits with an error, then `run`."""
        waiting = [] if self._current is None else [self._current]
        while not self._jobs.empty():
            if (job := self._jobs.get_nowait()) is not None:
                waiting.append(job)
        for job in waiting:
            job.refuse("the server is shutting down", "shutdown")
        for job in waiting[1:] if self._current else waiting:
            self._jobs.put_nowait(job)
        self.finish()

    async def run(self) -> None:
        """Speak. Raises OSError when the client is gone."""
        while (job := await self._jobs.get()) is not None:
            self._current = job
            try:
                timestamp = await self._take_turn(job, job.reply) if job.reply and not job.refusal else 0
                if job.refusal is not None:
                    _LOGGER.warning("Refused a request of %s: %s", self._client, job.refusal.text)
                    if job.reply is None:
                        self._context.metrics.refuse()
                    await self._client.write(job.refusal)
                await self._client.write(AudioStop(timestamp=timestamp))
                if job.streaming:
                    await self._client.write(SynthesizeStopped())
            finally:
                if job.reply is not None:
                    job.reply.cancel()
                self._current = job = None  # a reply holds its model, and the next one may never come

    async def _take_turn(self, job: SpeechJob, reply: Reply) -> int:
        """Speak a reply when its engine has room for it, or in the fallback voice at once if that is the choice."""
        admission, server = self._context.admission, self._context.live_settings.config.server
        if (
            server.when_busy == "fallback"
            and admission.full(reply.engine)
            and reply.fallback not in (None, reply.engine)
        ):
            reply.fall_back()
        try:
            async with admission.turn(reply.engine) as turn:
                lending = asyncio.create_task(self._lend(turn, job, reply), name="wyoming turn")
                try:
                    return await self._speak(reply)
                finally:
                    lending.cancel()
                    await asyncio.wait({lending})
        except Busy as error:
            self._refuse(job, error)
            return 0

    async def _lend(self, turn: Turn, job: SpeechJob, reply: Reply) -> None:
        """Let others have the turn while the text pauses."""
        try:
            while True:
                if (left := LEND_AFTER_S - reply.waiting_s) > 0:
                    await asyncio.sleep(left)
                    continue
                turn.give_back()
                await job.pause()
                await turn.take(again=True)
                job.go_on()
        except Busy as error:
            self._refuse(job, error)

    def _refuse(self, job: SpeechJob, error: Busy) -> None:
        job.refuse(str(error), "busy")
        self._context.metrics.refuse()

    async def _speak(self, reply: Reply) -> int:
        """Send the sound of a reply; returns its length in milliseconds."""
        metrics, figures = self._context.metrics, reply.figures
        started = False
        reply.start()
        metrics.active_streams.inc()
        try:
            async with aclosing(_stream(reply)) as chunks:
                async for chunk in chunks:
                    if not started:
                        await self._client.write(_audio_start(chunk.format))
                        started = True
                    await self._client.write(_audio_chunk(chunk))
            if reply.format is not None and not started:
                await self._client.write(_audio_start(reply.format))
            if figures.error is not None:
                await self._client.write(Error(figures.error, "synthesis-failed"))
        finally:
            reply.cancel()
            metrics.active_streams.dec()
            metrics.observe(figures)
            _LOGGER.log(logging.WARNING if figures.error else logging.INFO, "%s", figures.summary())
        return round((figures.audio_s + figures.silence_s) * 1000)


async def _stream(reply: Reply) -> AsyncGenerator[Chunk, None]:
    """The chunks of a reply, without blocking the event loop."""
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

"""One client: its events in, its replies out.

Events are read all the time, also while a reply is spoken: that is how a `describe`, more text or a client's leaving is
noticed at once. Replies are spoken one after another in a task of their own, in the order in which they were asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_write_event
from wyoming.ping import Pong
from wyoming.tts import SynthesizeStopped

from . import info
from .admission import Admission, Busy
from .audio import Chunk
from .catalog import Catalog, UnknownVoice
from .control import Control, Refused
from .engine import AudioFormat, Engine
from .frames import FrameError, Limits, read_event
from .metrics import Metrics
from .pipeline import Reply
from .prebuffer import Pace
from .requests import BadRequest, parse_speech, parse_text, parse_voice
from .watchdog import Watchdog

_LOGGER = logging.getLogger(__name__)

MAX_WAITING_REPLIES = 8
MAX_WAITING_CHANGES = 8
MAX_TEXT_CHARS = 100_000
CLOSING_S = 2.0

# A client that takes nothing for so long is dropped. A player that pauses may take this long.
READER_PATIENCE_S = 60.0

ADD_VOICE = "k2so-add-voice"
MAX_CLIP_BYTES = 16 * 1024 * 1024


@dataclass
class Service:
    """What all connections share."""

    catalog: Catalog
    control: Control
    metrics: Metrics
    paces: WeakKeyDictionary[Engine, Pace] = field(default_factory=WeakKeyDictionary)
    admission: Admission = field(init=False)
    watchdog: Watchdog | None = field(init=False)
    limits: Limits = field(default_factory=lambda: Limits(payload_of={ADD_VOICE: MAX_CLIP_BYTES}))

    def __post_init__(self) -> None:
        """Make what depends on the settings."""
        settings = self.control.config.server
        self.admission = Admission(settings.max_streams)
        self.watchdog = Watchdog(settings.watchdog, self.control.restart) if settings.watchdog else None


@dataclass
class _Job:
    """A reply that was asked for, or the reason why there will be none."""

    streaming: bool
    """Asked for by synthesize-start, so it ends with synthesize-stopped."""

    reply: Reply | None = None
    refusal: Error | None = None
    chars: int = 0

    def refuse(self, message: str, code: str) -> None:
        """End the job with an error; the first reason counts."""
        self.refusal = self.refusal or Error(message, code)
        if self.reply is not None:
            self.reply.cancel()


class Connection:
    """Serves one client until it leaves or `stop` is called."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Service) -> None:
        self._reader = reader
        self._writer = writer
        self._service = service
        self._engine: str | None = None
        self._jobs: asyncio.Queue[_Job | None] = asyncio.Queue()
        self._current: _Job | None = None
        self._open_stream: _Job | None = None
        self._changes: list[asyncio.Task[None]] = []
        self._handlers: dict[str, Callable[[Event], Awaitable[None]]] = {
            "describe": self._describe,
            "ping": self._ping,
            "select-program": self._select_program,
            "synthesize": self._synthesize,
            "synthesize-start": self._synthesize_start,
            "synthesize-chunk": self._synthesize_chunk,
            "synthesize-stop": self._synthesize_stop,
            "k2so-describe": self._describe_control,
            "k2so-configure": self._configure,
            ADD_VOICE: self._add_voice,
            "k2so-remove-voice": self._remove_voice,
        }

    async def run(self, *, finish_at_eof: bool = False) -> None:
        """Serve the client.

        `finish_at_eof`: the end of the input ends the requests but not the client, as when a file is piped in.
        """
        reading = asyncio.create_task(self._read(), name="wyoming reader")
        speaking = asyncio.create_task(self._speak(), name="wyoming speaker")
        try:
            await asyncio.wait({reading, speaking}, return_when=asyncio.FIRST_COMPLETED)
            if finish_at_eof and not speaking.done():
                self._finish_stream()
                self._jobs.put_nowait(None)
                await asyncio.wait({speaking})
        finally:
            for task in (reading, speaking):
                task.cancel()
            for result in await asyncio.gather(reading, speaking, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, OSError):
                    _LOGGER.error("Connection lost by a fault of the server: %r", result)
                    _LOGGER.debug("The fault", exc_info=result)
            await self._close()

    def stop(self) -> None:
        """End the running replies properly, then the connection."""
        waiting = [] if self._current is None else [self._current]
        while not self._jobs.empty():
            if (job := self._jobs.get_nowait()) is not None:
                waiting.append(job)
        for job in waiting:
            job.refuse("the server is shutting down", "shutdown")
        for job in waiting[1:] if self._current else waiting:
            self._jobs.put_nowait(job)
        self._jobs.put_nowait(None)

    # ---- events in ----------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            try:
                event = await read_event(self._reader, self._service.limits)
                if event is None:
                    return
                handler = self._handlers.get(event.type)
                if handler is None:
                    _LOGGER.debug("Ignored an event of type %.40r", event.type)
                else:
                    await handler(event)
            except (FrameError, BadRequest) as error:
                _LOGGER.warning("Bad event from %s: %s", self._peer(), error)
                await self._write(Error(str(error), "bad-request"))
                if isinstance(error, FrameError) and error.fatal:
                    return

    async def _describe(self, _event: Event) -> None:
        await self._write(info.describe(self._service.catalog))

    async def _ping(self, event: Event) -> None:
        await self._write(Pong(parse_text(event.data) if event.data.get("text") is not None else None))

    async def _select_program(self, event: Event) -> None:
        engines = [engine.name for engine in self._service.catalog.engines]
        name = event.data.get("name")
        if name not in (info.PROGRAM, *engines):
            raise BadRequest(f"there is no such program; there are: {', '.join((info.PROGRAM, *engines))}")
        self._engine = None if name == info.PROGRAM else name

    async def _describe_control(self, _event: Event) -> None:
        await async_write_event(Event("k2so-info", self._service.control.describe()), self._writer)

    async def _configure(self, event: Event) -> None:
        if not isinstance(settings := event.data.get("settings"), dict):
            raise BadRequest("settings must be an object")
        self._begin_change(self._service.control.change(settings))

    async def _add_voice(self, event: Event) -> None:
        name, language = parse_voice(event.data)
        if not event.payload:
            raise BadRequest("the clip is missing; it is the payload of the event")
        self._begin_change(self._service.control.add_voice(name, language, event.payload), most=1)

    async def _remove_voice(self, event: Event) -> None:
        name, _ = parse_voice(event.data)
        self._begin_change(self._service.control.remove_voice(name))

    def _begin_change(self, change: Coroutine[Any, Any, None], *, most: int = MAX_WAITING_CHANGES) -> None:
        """Change what all clients share, in a task of its own.

        Loading a model takes long: the connection is read meanwhile, and the change outlives the client.
        """
        self._changes = [task for task in self._changes if not task.done()]
        if len(self._changes) >= most:
            change.close()
            raise FrameError(f"{len(self._changes)} changes are waiting on this connection already", fatal=True)
        self._changes.append(asyncio.create_task(self._change(change), name="change"))

    async def _change(self, change: Coroutine[Any, Any, None]) -> None:
        answer: Event
        try:
            await change
            answer = Event("k2so-info", self._service.control.describe())
        except Refused as error:
            _LOGGER.warning("Refused a change by %s: %s", self._peer(), error)
            answer = Error(str(error), error.code).event()
        with suppress(OSError):
            await async_write_event(answer, self._writer)

    async def _synthesize(self, event: Event) -> None:
        if self._open_stream is not None:
            return  # the whole text once more, for servers that cannot stream
        job = self._begin(event, streaming=False)
        self._feed(job, event)
        self._finish(job)

    async def _synthesize_start(self, event: Event) -> None:
        self._finish_stream()
        self._open_stream = self._begin(event, streaming=True)

    async def _synthesize_chunk(self, event: Event) -> None:
        if self._open_stream is None:
            raise BadRequest("synthesize-chunk without synthesize-start")
        self._feed(self._open_stream, event)

    async def _synthesize_stop(self, _event: Event) -> None:
        if self._open_stream is None:
            raise BadRequest("synthesize-stop without synthesize-start")
        self._finish_stream()

    def _begin(self, event: Event, *, streaming: bool) -> _Job:
        if self._jobs.qsize() >= MAX_WAITING_REPLIES:
            raise FrameError(f"{MAX_WAITING_REPLIES} replies are waiting on this connection already", fatal=True)
        job = _Job(streaming)
        service = self._service
        try:
            request = parse_speech(event.data)
            choice = service.catalog.resolve(
                voice=request.voice,
                speaker=request.speaker,
                language=request.language,
                speed=request.speed,
                engine=self._engine,
            )
            if choice.asleep is not None:
                choice.asleep.wake()
            job.reply = Reply(
                choice,
                service.catalog.fallback(choice),
                stream=replace(service.control.config.stream, **request.stream),
                text_format=request.text_format,
                pace=service.paces.setdefault(choice.engine, Pace()),
                watchdog=service.watchdog,
            )
        except BadRequest as error:
            job.refuse(str(error), "bad-request")
        except UnknownVoice as error:
            job.refuse(str(error), "unknown-voice")
        self._jobs.put_nowait(job)
        return job

    def _feed(self, job: _Job, event: Event) -> None:
        try:
            text = parse_text(event.data)
            job.chars += len(text)
            if job.chars > MAX_TEXT_CHARS:
                raise BadRequest(f"a reply may have at most {MAX_TEXT_CHARS} characters")
        except BadRequest as error:
            job.refuse(str(error), "bad-request")
            return
        if job.reply is not None:
            job.reply.feed(text)

    def _finish(self, job: _Job) -> None:
        if job.reply is not None:
            job.reply.finish()

    def _finish_stream(self) -> None:
        if self._open_stream is not None:
            self._finish(self._open_stream)
            self._open_stream = None

    # ---- replies out --------------------------------------------------------------------------------------------

    async def _speak(self) -> None:
        while (job := await self._jobs.get()) is not None:
            self._current = job
            try:
                timestamp = await self._take_turn(job, job.reply) if job.reply and not job.refusal else 0
                if job.refusal is not None:
                    _LOGGER.warning("Refused a request of %s: %s", self._peer(), job.refusal.text)
                    if job.reply is None:
                        self._service.metrics.refuse()
                    await self._write(job.refusal)
                await self._write(AudioStop(timestamp=timestamp))
                if job.streaming:
                    await self._write(SynthesizeStopped())
            finally:
                if job.reply is not None:
                    job.reply.cancel()
                self._current = job = None  # a reply holds its model, and the next one may never come

    async def _take_turn(self, job: _Job, reply: Reply) -> int:
        """Speak a reply when its engine has room for it, or in the fallback voice at once if that is the choice."""
        admission, server = self._service.admission, self._service.control.config.server
        if (
            server.when_busy == "fallback"
            and admission.full(reply.engine)
            and reply.fallback not in (None, reply.engine)
        ):
            reply.fall_back()
        try:
            async with admission.turn(reply.engine):
                return await self._speak_reply(reply)
        except Busy as error:
            job.refuse(str(error), "busy")
            self._service.metrics.refuse()
            return 0

    async def _speak_reply(self, reply: Reply) -> int:
        """Send the sound of a reply; returns its length in milliseconds."""
        metrics, figures = self._service.metrics, reply.figures
        started = False
        reply.start()
        metrics.active_streams.inc()
        try:
            async with aclosing(_stream(reply)) as chunks:
                async for chunk in chunks:
                    if not started:
                        await self._write(_audio_start(chunk.format))
                        started = True
                    await self._write(_audio_chunk(chunk))
            if reply.format is not None and not started:
                await self._write(_audio_start(reply.format))
            if figures.error is not None:
                await self._write(Error(figures.error, "synthesis-failed"))
        finally:
            reply.cancel()
            metrics.active_streams.dec()
            metrics.observe(figures)
            _LOGGER.log(logging.WARNING if figures.error else logging.INFO, "%s", figures.summary())
        return round((figures.audio_s + figures.silence_s) * 1000)

    async def _write(self, event: Eventable) -> None:
        try:
            async with asyncio.timeout(READER_PATIENCE_S):
                await async_write_event(event.event(), self._writer)
        except TimeoutError:
            _LOGGER.warning("Dropped %s, which took nothing for %d s", self._peer(), READER_PATIENCE_S)
            self._writer.transport.abort()
            raise

    async def _close(self) -> None:
        self._writer.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), CLOSING_S)

    def _peer(self) -> str:
        name = self._writer.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "a local client"


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

"""One client's connection: reads its events and dispatches them.

Events are read at all times, even while a reply is spoken, so that a `describe`, more text or a disconnect is noticed
at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from wyoming.error import Error
from wyoming.event import Event
from wyoming.ping import Pong

from . import describe
from .client_writer import ClientWriter
from .context import ServerContext
from .framing import FrameError, read_event
from .reply_queue import ReplyQueue
from .requests import BadRequest, parse_text
from .settings_events import SettingsEvents
from .speech_job import SpeechJob

_LOGGER = logging.getLogger(__name__)


class Connection:
    """Serves one client until it disconnects or `stop` is called."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ServerContext) -> None:
        self._reader = reader
        self._client = ClientWriter(writer)
        self._context = context
        self._reply_queue = ReplyQueue(context, self._client)
        self._settings_events = SettingsEvents(context.live_settings, self._client)
        self._last_event_at = time.monotonic()
        self._rejected = self._stopped = False
        self._engine: str | None = None
        self._open_stream: SpeechJob | None = None
        self._handlers: dict[str, Callable[[Event], Awaitable[None]]] = {
            "describe": self._describe,
            "ping": self._ping,
            "select-program": self._select_program,
            "synthesize": self._synthesize,
            "synthesize-start": self._synthesize_start,
            "synthesize-chunk": self._synthesize_chunk,
            "synthesize-stop": self._synthesize_stop,
            **self._settings_events.handlers(),
        }

    async def run(self, *, finish_at_eof: bool = False) -> None:
        """Serve the client.

        `finish_at_eof`: at the end of the input, finish the replies before closing, as when a file is piped in.
        """
        reading = asyncio.create_task(self._read(), name="wyoming reader")
        speaking = asyncio.create_task(self._reply_queue.run(), name="wyoming speaker")
        try:
            await asyncio.wait({reading, speaking}, return_when=asyncio.FIRST_COMPLETED)
            if finish_at_eof and not speaking.done():
                self._finish_stream()
                self._reply_queue.finish()
                await asyncio.wait({speaking})
        finally:
            for task in (reading, speaking):
                task.cancel()
            for result in await asyncio.gather(reading, speaking, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, OSError):
                    _LOGGER.error("connection closed due to an internal error: %s", type(result).__name__)
                    _LOGGER.debug("internal error", exc_info=result)
            await self._client.close(self._reader if self._rejected else None)

    @property
    def idle_s(self) -> float:
        """Seconds since the last complete event; 0 while the client waits for an answer, or once it is stopped."""
        busy = self._stopped or self._reply_queue.busy or self._settings_events.busy
        return 0.0 if busy else time.monotonic() - self._last_event_at

    def stop(self) -> None:
        """End all replies with an error, then close the connection."""
        self._stopped = True
        self._reply_queue.stop()

    async def _read(self) -> None:
        while True:
            try:
                event = await read_event(self._reader, self._context.limits)
                if event is None:
                    return
                handler = self._handlers.get(event.type)
                if handler is None:
                    _LOGGER.debug("ignored an event of type %.40r", event.type)
                else:
                    await handler(event)
            except (FrameError, BadRequest) as error:
                _LOGGER.warning("bad event from %s: %s", self._client, error)
                await self._client.write(Error(str(error), "bad-request"))
                if isinstance(error, FrameError) and error.fatal:
                    self._rejected = True
                    return
            self._last_event_at = time.monotonic()
            await asyncio.sleep(0)  # let other clients run, however many events are waiting here

    async def _describe(self, _event: Event) -> None:
        await self._client.write(describe.describe(self._context.catalog))

    async def _ping(self, event: Event) -> None:
        await self._client.write(Pong(parse_text(event.data) if event.data.get("text") is not None else None))

    async def _select_program(self, event: Event) -> None:
        engines = [engine.name for engine in self._context.catalog.engines]
        name = event.data.get("name")
        if name not in (describe.PROGRAM, *engines):
            raise BadRequest(f"no such program; choose one of: {', '.join((describe.PROGRAM, *engines))}")
        self._engine = None if name == describe.PROGRAM else name

    async def _synthesize(self, event: Event) -> None:
        if self._open_stream is not None:
            return  # repeats the whole text, for servers that cannot stream
        job = self._begin(event, streaming=False)
        job.feed(event.data)
        job.finish()

    async def _synthesize_start(self, event: Event) -> None:
        self._finish_stream()
        self._open_stream = self._begin(event, streaming=True)

    async def _synthesize_chunk(self, event: Event) -> None:
        if self._open_stream is None:
            raise BadRequest("synthesize-chunk without synthesize-start")
        self._open_stream.feed(event.data)

    async def _synthesize_stop(self, _event: Event) -> None:
        if self._open_stream is None:
            raise BadRequest("synthesize-stop without synthesize-start")
        self._finish_stream()

    def _begin(self, event: Event, *, streaming: bool) -> SpeechJob:
        self._reply_queue.require_room()
        job = SpeechJob(self._context, event.data, engine=self._engine, streaming=streaming)
        self._reply_queue.put(job)
        return job

    def _finish_stream(self) -> None:
        if self._open_stream is not None:
            self._open_stream.finish()
            self._open_stream = None

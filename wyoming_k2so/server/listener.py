"""Accepts clients, rejects those that may not connect, and ends their connections when the server stops."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from wyoming.error import Error

from .address import parse_uri
from .allowlist import AllowList
from .client_writer import CLOSING_S, ClientWriter
from .connection import Connection
from .context import ServerContext
from .transports import enable_keep_alive, listen

_LOGGER = logging.getLogger(__name__)

IDLE_S = 60.0
"""When the server is full, a client that has been idle for this long is disconnected to make room."""

MAX_REJECTIONS = 64
"""How many rejected clients are told why at the same time; any others are reset."""


class Listener:
    """Serves all connections on one address. SIGINT and SIGTERM stop it."""

    def __init__(self, uri: str, context: ServerContext) -> None:
        self._uri = uri
        self._stdio = parse_uri(uri).scheme == "stdio"
        self._context = context
        self._settings = context.live_settings.config.server
        self._allow_list = AllowList(self._settings.allow)
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._rejections: set[asyncio.Task[None]] = set()
        self._stop_requested = asyncio.Event()
        self._ended = False

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int | None]:
        """Accept clients while the context is open; yields the TCP port, if there is one.

        Replies that are still being spoken when the context is closed end with an error.

        Raises:
            ServeError: the address cannot be used.
        """
        with self._signals():
            async with listen(self._uri, self._accept, self._context.limits.header) as port:
                yield port
            await self._end_connections()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        with suppress(NotImplementedError):  # the event loops of Windows
            for number in numbers:
                loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            with suppress(NotImplementedError):
                for number in numbers:
                    loop.remove_signal_handler(number)

    async def stopped(self) -> None:
        """Wait for `stop` or a signal."""
        await self._stop_requested.wait()

    def stop(self) -> None:
        """Request the end of the server."""
        self._stop_requested.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if rejection := self._rejection(writer):
            self._reject(reader, writer, rejection)
            return
        enable_keep_alive(writer)
        connection = Connection(reader, writer, self._context)
        task = asyncio.create_task(connection.run(finish_at_eof=self._stdio), name="wyoming connection")
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)
        if self._stdio:
            task.add_done_callback(lambda _: self.stop())

    def _rejection(self, writer: asyncio.StreamWriter) -> Error | None:
        """Why a client may not connect, or None. When the server is full, the idlest client makes room if it can."""
        peername = writer.get_extra_info("peername")
        if isinstance(peername, tuple) and not self._allow_list.admits(peername[0]):
            return Error(f"{peername[0]} is not on the allow list", "forbidden")
        if self._ended:
            return Error("the server is shutting down", "shutdown")
        if len(self._connections) >= self._settings.max_connections:
            idlest = max(self._connections.values(), key=lambda connection: connection.idle_s)
            if idlest.idle_s < IDLE_S:
                return Error(f"already {len(self._connections)} clients connected; try again later", "busy")
            idlest.stop()
        return None

    def _reject(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reason: Error) -> None:
        _LOGGER.warning("rejected a connection: %s", reason.text)
        if len(self._rejections) >= MAX_REJECTIONS:
            writer.transport.abort()
            return
        task = asyncio.create_task(_send_rejection(reader, ClientWriter(writer), reason), name="wyoming rejection")
        self._rejections.add(task)
        task.add_done_callback(self._rejections.discard)

    async def _end_connections(self) -> None:
        self._ended = True
        for connection in self._connections.values():
            connection.stop()
        if tasks := [*self._connections, *self._rejections]:
            _, late = await asyncio.wait(tasks, timeout=CLOSING_S)
            for task in (*late, *self._rejections):
                task.cancel()
            await asyncio.gather(*tasks, *self._rejections, return_exceptions=True)


async def _send_rejection(reader: asyncio.StreamReader, client: ClientWriter, reason: Error) -> None:
    with suppress(OSError):
        await client.write(reason)
    await client.close(reader)

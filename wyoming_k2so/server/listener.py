"""Listening: sockets and signals around `connection`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from wyoming.error import Error

from wyoming_k2so.engine import EngineError

from .allowlist import AllowList
from .client_writer import CLOSING_S, ClientWriter
from .connection import Connection
from .context import ServerContext

_LOGGER = logging.getLogger(__name__)


IDLE_S = 60.0
"""A client that sent nothing for so long, and waits for nothing, leaves when its place is wanted."""

MOST_TURNED_AWAY = 64
"""So many are told at once why they may not come in; the others are reset."""


class ServeError(EngineError):
    """The server cannot listen; the message says why."""


class Listener:
    """Serves connections at one address. SIGINT and SIGTERM stop it; running replies are then ended properly."""

    def __init__(self, uri: str, context: ServerContext) -> None:
        self._uri = uri
        self._scheme, self._host, self._port, self._path = parse_uri(uri)
        self._context = context
        self._settings = context.live_settings.config.server
        self._allowed = AllowList(self._settings.allow)
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._turned_away: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._ended = False

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int | None]:
        """Accept clients while the context is open; gives the TCP port, if there is one.

        Raises:
            ServeError: the address cannot be used.
        """
        with self._signals():
            async with self._listen() as port:
                yield port
            await self._end_connections()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        with suppress(NotImplementedError):  # event loops of Windows
            for number in numbers:
                loop.add_signal_handler(number, self.stop)
        yield
        with suppress(NotImplementedError):
            for number in numbers:
                loop.remove_signal_handler(number)

    async def stopped(self) -> None:
        """Wait for `stop` or a signal."""
        await self._stopping.wait()

    def stop(self) -> None:
        """Ask the server to end."""
        self._stopping.set()

    @asynccontextmanager
    async def _listen(self) -> AsyncIterator[int | None]:
        limit = self._context.limits.header
        try:
            if self._scheme == "stdio":
                self._accept(*await _open_stdio(limit))
                server = None
            elif self._scheme == "unix":
                server = await asyncio.start_unix_server(self._accept, self._path, limit=limit)
            else:
                server = await asyncio.start_server(self._accept, self._host, self._port, limit=limit)
        except (OSError, ValueError) as error:
            raise ServeError(f"cannot serve {self._uri}: {error}; choose another address with --uri") from error
        if server is None:
            yield None
            return
        try:
            yield server.sockets[0].getsockname()[1] if self._scheme == "tcp" else None
        finally:
            server.close()
            if self._scheme == "unix":
                self._path.unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if refusal := self._refusal(writer):
            _LOGGER.warning("Refused a connection: %s", refusal.text)
            if len(self._turned_away) >= MOST_TURNED_AWAY:
                writer.transport.abort()
                return
            turning = asyncio.create_task(_turn_away(reader, ClientWriter(writer), refusal), name="wyoming refusal")
            self._turned_away.add(turning)
            turning.add_done_callback(self._turned_away.discard)
            return
        _keep_alive(writer)
        connection = Connection(reader, writer, self._context)
        stdio = self._scheme == "stdio"
        task = asyncio.create_task(connection.run(finish_at_eof=stdio), name="wyoming connection")
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)
        if stdio:
            task.add_done_callback(lambda _: self.stop())

    def _refusal(self, writer: asyncio.StreamWriter) -> Error | None:
        """Why a client may not come in, or None. When there is no room, one that was idle for long must leave."""
        peer = writer.get_extra_info("peername")
        if isinstance(peer, tuple) and not self._allowed.admits(peer[0]):
            return Error(f"{peer[0]} is none of the addresses that may connect", "busy")
        if self._ended:
            return Error("the server is shutting down", "shutdown")
        if len(self._connections) >= self._settings.max_connections:
            idlest = max(self._connections.values(), key=lambda connection: connection.idle_s)
            if idlest.idle_s < IDLE_S:
                return Error(f"{len(self._connections)} clients are connected already; try again later", "busy")
            idlest.stop()
        return None

    async def _end_connections(self) -> None:
        self._ended = True
        for connection in self._connections.values():
            connection.stop()
        if tasks := [*self._connections, *self._turned_away]:
            _, late = await asyncio.wait(tasks, timeout=CLOSING_S)
            for task in (*late, *self._turned_away):
                task.cancel()
            await asyncio.gather(*tasks, *self._turned_away, return_exceptions=True)


async def _turn_away(reader: asyncio.StreamReader, client: ClientWriter, reason: Error) -> None:
    with suppress(OSError):
        await client.write(reason)
    await client.close(reader)


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Let the system find out that a client is gone which never said so: after two minutes, and a reset ends it."""
    sock = writer.get_extra_info("socket")
    if sock is None or sock.family == getattr(socket, "AF_UNIX", None):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):  # not on every system
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def parse_uri(uri: str) -> tuple[str, str, int, Path]:
    """Scheme, host, port and path of an address. Raises ServeError when it is none."""
    problem = f"{uri!r} is no address; it must be tcp://HOST:PORT, unix://PATH or stdio://"
    scheme, separator, place = uri.partition("://")
    if scheme == "stdio" and separator:
        return scheme, "", 0, Path()
    if scheme == "unix" and place:
        return scheme, "", 0, Path(place)
    try:
        parts = urlsplit(uri)
        if scheme == "tcp" and parts.hostname and parts.port is not None:
            return scheme, parts.hostname, parts.port, Path()
    except ValueError as error:
        raise ServeError(f"{problem} ({error})") from None
    raise ServeError(problem)


async def _open_stdio(limit: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Standard input and output as streams. Raises OSError or ValueError when one is no pipe, socket or terminal."""
    loop = asyncio.get_running_loop()
    # A file or /dev/null cannot be waited for. connect_read_pipe would find that out when it is too late to raise.
    loop.add_reader(sys.stdin, lambda: None)
    loop.remove_reader(sys.stdin)
    reader = asyncio.StreamReader(limit=limit)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    # This protocol knows when everything has been written and the pipe is closed; a bare FlowControlMixin does not.
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), output
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)

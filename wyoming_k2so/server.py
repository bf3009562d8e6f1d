"""Listening: sockets and signals around `connection`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from .connection import CLOSING_S, Connection, Service
from .engine import EngineError

_LOGGER = logging.getLogger(__name__)


class ServeError(EngineError):
    """The server cannot listen; the message says why."""


class Server:
    """Serves connections at one address. SIGINT and SIGTERM stop it; running replies are then ended properly."""

    def __init__(self, uri: str, service: Service) -> None:
        self._uri = uri
        self._scheme, self._host, self._port, self._path = parse_uri(uri)
        self._service = service
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._stopping = asyncio.Event()

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
        limit = self._service.limits.header
        try:
            if self._scheme == "stdio":
                reader, writer = await _open_stdio(limit)
                self._accept(reader, writer)
                yield None
                return
            if self._scheme == "unix":
                _remove_stale_socket(self._path)
                server = await asyncio.start_unix_server(self._accept, self._path, limit=limit)
            else:
                server = await asyncio.start_server(self._accept, self._host, self._port, limit=limit)
        except (OSError, ValueError) as error:
            raise ServeError(f"cannot serve {self._uri}: {error}; choose another address with --uri") from error
        try:
            yield server.sockets[0].getsockname()[1] if self._scheme == "tcp" else None
        finally:
            server.close()
            if self._scheme == "unix":
                self._path.unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self._service)
        stdio = self._scheme == "stdio"
        task = asyncio.create_task(connection.run(finish_at_eof=stdio), name="wyoming connection")
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)
        if stdio:
            task.add_done_callback(lambda _: self.stop())

    async def _end_connections(self) -> None:
        tasks = list(self._connections)
        for connection in self._connections.values():
            connection.stop()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSING_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def parse_uri(uri: str) -> tuple[str, str, int, Path]:
    """Scheme, host, port and path of an address. Raises ServeError when it is none."""
    problem = "an address is tcp://HOST:PORT, unix://PATH or stdio://"
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ServeError(f"{uri}: {error}; {problem}") from None
    valid = {"tcp": bool(host) and port is not None, "unix": bool(parts.path), "stdio": True}
    if not valid.get(parts.scheme, False):
        raise ServeError(f"{uri}: {problem}")
    return parts.scheme, host, port or 0, Path(parts.netloc + parts.path)


def _remove_stale_socket(path: Path) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise ValueError("there is a file that is no socket")
        path.unlink()


async def _open_stdio(limit: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Standard input and output as streams. Raises ValueError when one is a regular file."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, output)
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)

"""Transports: TCP, Unix sockets, and standard input and output."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from .address import ServeError, parse_uri

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


@asynccontextmanager
async def listen(uri: str, accept: Accept, limit: int) -> AsyncIterator[int | None]:
    """Call `accept` for each client while the context is open; yields the TCP port, or None for other transports.

    Args:
        uri: the address; standard input and output are one client, which is accepted at once.
        accept: must not block.
        limit: the longest line that a reader buffers, in bytes.

    Raises:
        ServeError: the address cannot be used.
    """
    address = parse_uri(uri)
    try:
        if address.scheme == "stdio":
            accept(*await _open_stdio(limit))
            server = None
        elif address.scheme == "unix":
            server = await asyncio.start_unix_server(accept, address.path, limit=limit)
        else:
            server = await asyncio.start_server(accept, address.host, address.port, limit=limit)
    except (OSError, ValueError) as error:
        raise ServeError(f"cannot listen on {uri}: {error}; choose another address with --uri") from error
    if server is None:
        yield None
        return
    try:
        yield server.sockets[0].getsockname()[1] if address.scheme == "tcp" else None
    finally:
        server.close()
        if address.scheme == "unix":
            address.path.unlink(missing_ok=True)


def enable_keep_alive(writer: asyncio.StreamWriter) -> None:
    """Let the system reset a TCP connection whose client has not answered its probes for two minutes."""
    sock = writer.get_extra_info("socket")
    if sock is None or sock.family == getattr(socket, "AF_UNIX", None):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):  # not on every system
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _open_stdio(limit: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open standard input and output as streams. Raises OSError or ValueError unless each is a pipe, socket or tty."""
    loop = asyncio.get_running_loop()
    # A file or /dev/null cannot be polled. connect_read_pipe would find out only when it is too late to raise.
    loop.add_reader(sys.stdin, lambda: None)
    loop.remove_reader(sys.stdin)
    reader = asyncio.StreamReader(limit=limit)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    # Unlike a bare FlowControlMixin, this protocol knows when everything is written and the pipe is closed.
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), output
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)

"""Writes events to one client, as long as the client reads them."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from wyoming.event import Event, Eventable, async_write_event

_LOGGER = logging.getLogger(__name__)

WRITE_TIMEOUT_S = 60.0
"""A client that reads nothing for this long is disconnected. Long enough for a player that pauses."""

CLOSING_S = 2.0
_DISCARD_BYTES = 65536


class ClientWriter:
    """The writing side of a connection. Its string is the client's address."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def __str__(self) -> str:
        name = self._writer.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "a local client"

    async def write(self, event: Event | Eventable) -> None:
        """Send an event, waiting while the client is slow. Raises OSError if it is gone or reads nothing for long."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await async_write_event(event if isinstance(event, Event) else event.event(), self._writer)
        except TimeoutError:
            _LOGGER.warning("disconnected %s: it read nothing for %d s", self, WRITE_TIMEOUT_S)
            self._writer.transport.abort()
            raise

    async def close(self, unread: asyncio.StreamReader | None = None) -> None:
        """Close the connection after sending what was written, if the client reads it soon.

        `unread`: discard what arrives here for a while first. Closing a socket with unread input resets the
        connection, and the client would lose the error that tells it why.
        """
        if unread is not None and self._writer.can_write_eof():
            self._writer.write_eof()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    while await unread.read(_DISCARD_BYTES):
                        pass
        self._writer.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), CLOSING_S)

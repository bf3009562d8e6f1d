"""Writing to one client, as long as it takes something."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from wyoming.event import Event, Eventable, async_write_event

_LOGGER = logging.getLogger(__name__)

PATIENCE_S = 60.0
"""A client that takes nothing for so long is dropped. A player that pauses may take this long."""

CLOSING_S = 2.0
_PIECE = 65536


class ClientWriter:
    """The client at the other end. As a string, its address."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def __str__(self) -> str:
        name = self._writer.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "a local client"

    async def write(self, event: Event | Eventable) -> None:
        """Send an event; waits while the client is slow. Raises OSError when it is gone or took nothing for long."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await async_write_event(event if isinstance(event, Event) else event.event(), self._writer)
        except TimeoutError:
            _LOGGER.warning("Dropped %s, which took nothing for %d s", self, PATIENCE_S)
            self._writer.transport.abort()
            raise

    async def close(self, unread: asyncio.StreamReader | None = None) -> None:
        """End the connection; what was written is sent if the client takes it soon.

        `unread`: what a client still sends that was told why it must go. It is thrown away for a while: to close with
        input unread would reset the connection, and the client would lose the reason.
        """
        if unread is not None and self._writer.can_write_eof():
            self._writer.write_eof()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    while await unread.read(_PIECE):
                        pass
        self._writer.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), CLOSING_S)

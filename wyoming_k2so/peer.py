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


class Peer:
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

    async def close(self) -> None:
        """End the connection; what was written is sent if the client takes it soon."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), CLOSING_S)

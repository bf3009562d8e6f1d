"""How many replies an engine speaks at once, and in which order the others get their turn."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

PATIENCE_S = 30.0
"""So long a reply waits for its turn: after that its client would have given up."""

QUEUE_PER_STREAM = 8
"""Replies that may wait for each that is spoken."""


class Busy(Exception):
    """There is no room, and none came in time."""


class Admission:
    """Turns of each engine, first come, first served. Used on one event loop."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._began = clock()
        self._used: dict[str, float] = {}
        self._speaking: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    def full(self, engine: str) -> bool:
        """Whether the next reply would have to wait."""
        return self._speaking[engine] >= self._most

    def unused_s(self, engine: str) -> float:
        """Seconds since its last reply ended, or since the start; 0 while it speaks. May be asked by any thread."""
        return 0.0 if self._speaking[engine] else self._clock() - self._used.get(engine, self._began)

    @asynccontextmanager
    async def turn(self, engine: str) -> AsyncIterator[None]:
        """Wait for a turn and hold it while the context is open. Raises Busy when it does not come."""
        if self.full(engine):
            await self._wait(engine)
        else:
            self._speaking[engine] += 1
        try:
            yield
        finally:
            self._pass_on(engine)

    async def _wait(self, engine: str) -> None:
        queue = self._waiting[engine]
        if len(queue) >= QUEUE_PER_STREAM * self._most:
            raise Busy(f"{len(queue)} replies are waiting for {engine} already; try again later")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._pass_on(engine)  # it came at the very moment of giving up
            elif turn in queue:
                queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise Busy(f"{engine} was busy with other replies for {PATIENCE_S:g} s; try again later") from None
            raise

    def _pass_on(self, engine: str) -> None:
        """The turn goes to the one that has waited longest."""
        queue = self._waiting[engine]
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._used[engine] = self._clock()
        self._speaking[engine] -= 1

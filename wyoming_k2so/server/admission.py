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

_Queue = deque[asyncio.Future[None]]


class Busy(Exception):
    """There is no room, and none came in time."""


class Turn:
    """Room for one reply, which can be lent to others while the reply has nothing to say."""

    def __init__(self, admission: Admission, engine: str) -> None:
        self._admission, self._engine = admission, engine
        self._held = False

    async def take(self, *, again: bool = False) -> None:
        """Wait for room; `again`: before all those who have not begun yet. Raises Busy when it does not come."""
        await self._admission._enter(self._engine, again)
        self._held = True

    def give_back(self) -> None:
        """Let the next one have it."""
        if self._held:
            self._held = False
            self._admission._leave(self._engine)


class Admission:
    """Turns of each engine, first come, first served. Used on one event loop."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._began = clock()
        self._used: dict[str, float] = {}
        self._speaking: Counter[str] = Counter()
        self._returning: defaultdict[str, _Queue] = defaultdict(deque)
        self._waiting: defaultdict[str, _Queue] = defaultdict(deque)

    def full(self, engine: str) -> bool:
        """Whether the next reply would have to wait."""
        return self._speaking[engine] >= self._most

    def unused_s(self, engine: str) -> float:
        """Seconds since its last reply ended, or since the start; 0 while it speaks. May be asked by any thread."""
        return 0.0 if self._speaking[engine] else self._clock() - self._used.get(engine, self._began)

    @asynccontextmanager
    async def turn(self, engine: str) -> AsyncIterator[Turn]:
        """Wait for a turn and hold it while the context is open. Raises Busy when it does not come."""
        turn = Turn(self, engine)
        await turn.take()
        try:
            yield turn
        finally:
            turn.give_back()

    async def _enter(self, engine: str, again: bool) -> None:
        if not self.full(engine):
            self._speaking[engine] += 1
            return
        queue = (self._returning if again else self._waiting)[engine]
        if not again and len(queue) >= QUEUE_PER_STREAM * self._most:
            raise Busy(f"{len(queue)} replies are waiting for {engine} already; try again later")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._leave(engine)  # it came at the very moment of giving up
            elif turn in queue:
                queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise Busy(f"{engine} was busy with other replies for {PATIENCE_S:g} s; try again later") from None
            raise

    def _leave(self, engine: str) -> None:
        """The turn goes to the one that has waited longest."""
        for queue in (self._returning[engine], self._waiting[engine]):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._used[engine] = self._clock()
        self._speaking[engine] -= 1

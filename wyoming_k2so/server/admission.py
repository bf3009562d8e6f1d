"""Admission control: how many replies an engine speaks at once, and who is next."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

SLOT_TIMEOUT_S = 30.0
"""How long a reply waits for a slot. Its client would give up after that."""

QUEUE_PER_SLOT = 8
"""Replies that may wait for each slot."""

_Queue = deque[asyncio.Future[None]]


class Busy(Exception):
    """No slot is free, or none became free in time."""


class Slot:
    """Room for one reply in an engine. A reply may release it while it has nothing to say, and acquire it again."""

    def __init__(self, admission: Admission, engine: str) -> None:
        self._admission, self._engine = admission, engine
        self._held = False

    async def acquire(self, *, first: bool = False) -> None:
        """Wait for the slot; with `first`, ahead of all replies that have not begun. Raises Busy on a timeout."""
        await self._admission._enter(self._engine, first)
        self._held = True

    def release(self) -> None:
        """Let the next reply have the slot. Does nothing if it is not held."""
        if self._held:
            self._held = False
            self._admission._leave(self._engine)


class Admission:
    """The slots of each engine, first come, first served. Belongs to one event loop."""

    def __init__(self, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots = slots
        self._clock = clock
        self._began = clock()
        self._used: dict[str, float] = {}
        self._speaking: Counter[str] = Counter()
        self._resuming: defaultdict[str, _Queue] = defaultdict(deque)
        self._waiting: defaultdict[str, _Queue] = defaultdict(deque)

    def full(self, engine: str) -> bool:
        """Whether the next reply would have to wait."""
        return self._speaking[engine] >= self._slots

    def unused_s(self, engine: str) -> float:
        """Seconds since the engine's last reply ended, or since the start; 0 while it speaks. Thread-safe."""
        return 0.0 if self._speaking[engine] else self._clock() - self._used.get(engine, self._began)

    @asynccontextmanager
    async def slot(self, engine: str) -> AsyncIterator[Slot]:
        """Wait for a slot and hold it while the context is open. Raises Busy if too many wait, or on a timeout."""
        slot = Slot(self, engine)
        await slot.acquire()
        try:
            yield slot
        finally:
            slot.release()

    async def _enter(self, engine: str, first: bool) -> None:
        if not self.full(engine):
            self._speaking[engine] += 1
            return
        queue = (self._resuming if first else self._waiting)[engine]
        if not first and len(queue) >= QUEUE_PER_SLOT * self._slots:
            raise Busy(f"already {len(queue)} replies waiting for {engine}; try again later")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(SLOT_TIMEOUT_S):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._leave(engine)  # the slot was handed over just as the wait ended
            elif turn in queue:
                queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise Busy(f"{engine} was busy with other replies for {SLOT_TIMEOUT_S:g} s; try again later") from None
            raise

    def _leave(self, engine: str) -> None:
        """Hand the slot to the reply that has waited longest, or free it."""
        for queue in (self._resuming[engine], self._waiting[engine]):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._used[engine] = self._clock()
        self._speaking[engine] -= 1

"""Calls into an engine run in a thread of their own, so that a call that never returns can be abandoned.

Python cannot interrupt a thread. The caller stops waiting after a time limit; the thread ends when the call returns.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from wyoming_k2so.engine import Engine, EngineError

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")

SYNTHESIS = "synthesis"
"""Name of every thread that may be inside a model."""


class Hung(EngineError):
    """A call into the engine timed out; it may still be running."""


@dataclass(frozen=True)
class Watchdog:
    """How long a call into an engine may take, and what to do when it takes longer."""

    limit_s: float
    on_hang: Callable[[Engine], None]
    """Called at the time limit, in the thread that waited."""


class Caller:
    """Makes the calls of one reply into one engine, one at a time.

    One thread uses it. The calls run in another one, or without a watchdog in the same.
    """

    def __init__(self, engine: Engine, watchdog: Watchdog | None) -> None:
        self._engine = engine
        self._watchdog = watchdog
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.hung = False
        """A call timed out: no more calls will be made, except for `clean_up`."""

    def call(self, work: Callable[[], T]) -> T:
        """Return what `work` returns. Raises Hung when it times out or an earlier call did."""
        if self._watchdog is None:
            return work()
        limit = self._watchdog.limit_s
        if not self.hung:
            future = self._begin(work)
            if wait([future], limit).done:
                return future.result()
            self.hung = True
            self._watchdog.on_hang(self._engine)
        raise Hung(f"the engine did not respond for {limit:g} s")

    def clean_up(self, work: Callable[[], object]) -> None:
        """Run `work` after the calls so far: now, or if one of them hangs, when that returns."""
        if self._thread is None:
            work()
        elif self.hung:
            self._begin(work)
        else:
            self.call(work)

    def end(self) -> None:
        """End the thread; if a call hangs, it ends when that returns."""
        if self._thread is not None:
            self._calls.put(None)
            if not self.hung:
                self._thread.join()

    def _begin(self, work: Callable[[], T]) -> Future[T]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=SYNTHESIS, daemon=True)
            self._thread.start()
        future: Future[T] = Future()
        self._calls.put((future, work))
        return future

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            future, work = call
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  `call` raises it again
                future.set_exception(error)
            del call, future, work  # free what they hold while the thread waits
        if self.hung:
            _LOGGER.info("a call into %s returned after it had timed out", self._engine.name)

"""Calls into an engine from a thread of their own, so that one which never returns can be left behind.

Python cannot interrupt a thread. Who waits for a call gives up after a time; the thread ends whenever the call returns.
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

# Name of every thread that may be inside a model.
SYNTHESIS = "synthesis"


class Hung(EngineError):
    """A call into the engine did not return in time; it may still be running."""


@dataclass(frozen=True)
class Watchdog:
    """How long an engine may take for a call, and who is told when it takes longer."""

    limit_s: float
    hung: Callable[[Engine], None]
    """Called at once, in the thread that waited."""


class Caller:
    """Makes the calls of one reply into one engine, one by one; without a watchdog, in the thread that asks."""

    def __init__(self, engine: Engine, watchdog: Watchdog | None) -> None:
        self._engine = engine
        self._watchdog = watchdog
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.hung = False
        """A call did not return in time: there will be no more, only what `clean_up` is given."""

    def call(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises Hung when it takes too long or an earlier call did."""
        if self._watchdog is None:
            return work()
        limit = self._watchdog.limit_s
        if not self.hung:
            future = self._begin(work)
            if wait([future], limit).done:
                return future.result()
            self.hung = True
            self._watchdog.hung(self._engine)
        raise Hung(f"it gave no sign of life for {limit:g} s")

    def clean_up(self, work: Callable[[], object]) -> None:
        """Run `work` after the calls so far: at once, or when the one that hangs returns."""
        if self._thread is None:
            work()
        elif self.hung:
            self._begin(work)
        else:
            self.call(work)

    def end(self) -> None:
        """End the thread; one that hangs ends later."""
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
            except BaseException as error:  # noqa: BLE001  it is raised where the call was made
                future.set_exception(error)
            del call, future, work  # what they hold is not needed while the thread waits
        if self.hung:
            _LOGGER.info("A call into %s that hung has returned", self._engine.name)

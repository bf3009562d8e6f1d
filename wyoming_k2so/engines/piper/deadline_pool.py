"""Threads that the windows of all replies share. Knows nothing of what they compute."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import PriorityQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Workers:
    """A fixed number of threads, which begin with what is due first."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._tasks: PriorityQueue[tuple[float, int, Future[Any], Callable[[], Any]]] = PriorityQueue()
        self._numbers = itertools.count()  # of two that are due at once, the earlier one
        self._started = False
        self._starting = threading.Lock()

    def submit(self, due: float, work: Callable[[], T]) -> Future[T]:
        """Have something done by the time `due`, on any clock that all callers share. The future can be cancelled."""
        with self._starting:
            if not self._started:
                self._started = True
                for _ in range(self._count):
                    threading.Thread(target=self._run, name="windows", daemon=True).start()
        future: Future[T] = Future()
        self._tasks.put((due, next(self._numbers), future, work))
        return future

    def _run(self) -> None:
        while True:
            _, _, future, work = self._tasks.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:  # noqa: BLE001  it is raised where the result is waited for
                    future.set_exception(error)
            del future, work  # what they hold is not needed while the thread waits

"""A thread pool that starts the task with the earliest deadline first. Knows nothing of the tasks.

Earliest deadline first is from Liu and Layland, "Scheduling Algorithms for Multiprogramming in a Hard-Real-Time
Environment", Journal of the ACM 20 (1973). Here a running task is never interrupted.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import PriorityQueue
from typing import Any, TypeVar

T = TypeVar("T")


class DeadlinePool:
    """A fixed number of threads, started with the first task."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._tasks: PriorityQueue[tuple[float, int, Future[Any], Callable[[], Any]]] = PriorityQueue()
        self._numbers = itertools.count()  # orders tasks with the same deadline
        self._started = False
        self._starting = threading.Lock()

    def submit(self, deadline: float, task: Callable[[], T]) -> Future[T]:
        """Run a task, in the order of deadlines on a clock that all callers share. The future can be cancelled."""
        with self._starting:
            if not self._started:
                self._started = True
                for _ in range(self._threads):
                    threading.Thread(target=self._run, name="windows", daemon=True).start()
        future: Future[T] = Future()
        self._tasks.put((deadline, next(self._numbers), future, task))
        return future

    def _run(self) -> None:
        while True:
            _, _, future, task = self._tasks.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(task())
                except BaseException as error:  # noqa: BLE001  raised where the result is awaited
                    future.set_exception(error)
            del future, task  # free what they hold while the thread waits

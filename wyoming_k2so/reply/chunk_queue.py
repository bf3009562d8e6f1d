"""A bounded queue from the thread that generates sound to the one reader that sends or plays it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Cancelled(Exception):
    """The reader does not want the rest."""


class ChunkQueue(Generic[T]):
    """The writer waits while the queue is full, the reader while it is empty; either side can end it.

    A reader on an event loop does not wait here: it asks to be told (`notify`) and then takes what there is (`poll`).
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._notify: Callable[[], None] | None = None
        self._closed = False
        self._cancelled = False

    def put(self, item: T) -> None:
        """Add an item. Raises Cancelled once the reader has left."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < self._size or self._cancelled)
            if self._cancelled:
                raise Cancelled
            self._items.append(item)
            self._tell()

    def close(self) -> None:
        """No more items will come; those in the queue can still be taken."""
        with self._changed:
            self._closed = True
            self._tell()

    def cancel(self) -> None:
        """The reader leaves: what is queued is dropped, and the writer is told at its next `put` or `check`."""
        with self._changed:
            self._cancelled = True
            self._items.clear()
            self._tell()

    def check(self) -> None:
        """Raise Cancelled once the reader has left."""
        if self._cancelled:
            raise Cancelled

    @property
    def ended(self) -> bool:
        """True when nothing is left to take and nothing will come."""
        with self._changed:
            return self._cancelled or (self._closed and not self._items)

    def notify(self, callback: Callable[[], None] | None) -> None:
        """Call `callback` after each change, from whatever thread made it."""
        with self._changed:
            self._notify = callback

    def poll(self) -> T | None:
        """The next item, or None when there is none now."""
        with self._changed:
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def __iter__(self) -> Iterator[T]:
        """Take items as they come, until the queue has ended."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._closed or self._cancelled)
            item = self.poll()
            if item is None:
                return
            yield item

    def _tell(self) -> None:
        self._changed.notify_all()
        if self._notify is not None:
            self._notify()

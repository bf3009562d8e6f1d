"""A bounded queue from the thread that generates sound to the one reader that sends or plays it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Cancelled(Exception):
    """The reader has left and does not want the rest."""


class ChunkQueue(Generic[T]):
    """A queue with one writer and one reader, each in its own thread.

    The writer calls `put`, `check` and `close`; `put` waits while the queue is full. The reader calls `notify`, `poll`,
    `ended` and the iterator, which waits while the queue is empty. A reader on an event loop must not wait: it sets a
    callback (`notify`) and takes what there is (`poll`). Any thread may call `cancel`.
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
            self._announce()

    def close(self) -> None:
        """Mark the end; items in the queue can still be taken."""
        with self._changed:
            self._closed = True
            self._announce()

    def cancel(self) -> None:
        """Drop what is queued, and let the writer's next `put` or `check` raise Cancelled."""
        with self._changed:
            self._cancelled = True
            self._items.clear()
            self._announce()

    def check(self) -> None:
        """Raise Cancelled once the reader has left."""
        if self._cancelled:
            raise Cancelled

    @property
    def ended(self) -> bool:
        """True when nothing is left to take and nothing more will come."""
        with self._changed:
            return self._cancelled or (self._closed and not self._items)

    def notify(self, callback: Callable[[], None] | None) -> None:
        """Call `callback` after each change, in the thread that made it; None: stop calling."""
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
        """Take items as they come, until the queue ends."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._closed or self._cancelled)
            item = self.poll()
            if item is None:
                return
            yield item

    def _announce(self) -> None:
        self._changed.notify_all()
        if self._notify is not None:
            self._notify()

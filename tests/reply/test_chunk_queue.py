"""The queue between the synthesis thread and its reader."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from wyoming_k2so.reply.chunk_queue import Cancelled, ChunkQueue

PATIENCE_S = 5.0


class Worker(threading.Thread):
    """Runs a function in a thread and keeps what it returned or raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.result: object = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self._work()
        except Cancelled as error:
            self.result = error

    def finished(self) -> object:
        self.join(PATIENCE_S)
        assert not self.is_alive()
        return self.result


def test_items_come_in_order_and_end_with_close() -> None:
    queue = ChunkQueue[int](3)

    def write() -> None:
        for number in range(100):
            queue.put(number)
        queue.close()

    writer = Worker(write)
    assert list(queue) == list(range(100))
    assert queue.ended
    writer.finished()


def test_the_writer_waits_while_the_queue_is_full() -> None:
    queue = ChunkQueue[int](2)
    third = threading.Event()

    def write() -> None:
        for number in range(3):
            queue.put(number)
        third.set()

    writer = Worker(write)
    assert not third.wait(0.05)
    assert queue.poll() == 0
    writer.finished()
    assert third.is_set()
    assert [queue.poll(), queue.poll(), queue.poll()] == [1, 2, None]


def test_the_reader_waits_while_the_queue_is_empty() -> None:
    queue = ChunkQueue[str](2)
    reader = Worker(lambda: list(queue))
    queue.put("a")
    queue.put("b")
    assert not queue.ended
    queue.close()
    assert reader.finished() == ["a", "b"]


def test_items_queued_before_close_can_still_be_taken() -> None:
    queue = ChunkQueue[int](2)
    queue.put(1)
    queue.close()
    assert not queue.ended
    assert list(queue) == [1]
    assert queue.ended


def test_cancel_drops_queued_items_and_wakes_a_waiting_writer() -> None:
    queue = ChunkQueue[int](1)
    queue.put(1)
    writer = Worker(lambda: queue.put(2))
    queue.cancel()
    assert isinstance(writer.finished(), Cancelled)
    assert queue.ended
    assert queue.poll() is None


def test_cancel_wakes_a_waiting_reader() -> None:
    queue = ChunkQueue[int](1)
    reader = Worker(lambda: list(queue))
    queue.cancel()
    assert reader.finished() == []


def test_after_cancel_the_writer_gets_cancelled() -> None:
    queue = ChunkQueue[int](1)
    queue.check()
    queue.cancel()
    with pytest.raises(Cancelled):
        queue.check()
    with pytest.raises(Cancelled):
        queue.put(1)


def test_notify_calls_after_each_change_until_it_is_unset() -> None:
    queue = ChunkQueue[int](8)
    seen: list[tuple[int | None, bool]] = []
    queue.notify(lambda: seen.append((queue.poll(), queue.ended)))
    queue.put(1)
    queue.put(2)
    queue.close()
    assert seen == [(1, False), (2, False), (None, True)]

    queue.notify(None)
    queue.cancel()
    assert len(seen) == 3

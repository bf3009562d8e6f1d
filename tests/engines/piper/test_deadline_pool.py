"""Threads that windows share."""

from __future__ import annotations

import threading
from concurrent.futures import wait
from functools import partial

import pytest

from wyoming_k2so.engines.piper.deadline_pool import Workers


def test_what_is_due_first_is_done_first() -> None:
    workers, go, done = Workers(1), threading.Event(), list[str]()
    workers.submit(0, go.wait)
    later = [workers.submit(due, partial(done.append, name)) for due, name in ((3, "c"), (1, "a"), (2, "b"))]
    go.set()
    wait(later, 10)
    assert done == ["a", "b", "c"]


def test_of_two_that_are_due_at_once_the_earlier_is_done_first() -> None:
    workers, go = Workers(1), threading.Event()
    workers.submit(0, go.wait)
    done = list[int]()
    later = [workers.submit(1, partial(done.append, number)) for number in range(5)]
    go.set()
    wait(later, 10)
    assert done == [0, 1, 2, 3, 4]


def test_as_much_runs_at_once_as_there_are_threads() -> None:
    workers, met = Workers(3), threading.Barrier(3)
    for place in [workers.submit(0, lambda: met.wait(10)) for _ in range(3)]:
        place.result()


def test_what_is_cancelled_in_time_is_not_done() -> None:
    workers, go = Workers(1), threading.Event()
    workers.submit(0, go.wait)
    dropped, kept = workers.submit(1, lambda: pytest.fail("it was cancelled")), workers.submit(2, lambda: 5)
    assert dropped.cancel()
    go.set()
    assert kept.result(10) == 5


def test_an_error_is_raised_where_the_result_is_waited_for() -> None:
    workers = Workers(1)
    with pytest.raises(ZeroDivisionError):
        workers.submit(0, lambda: 1 / 0).result(10)
    assert workers.submit(0, lambda: 5).result(10) == 5

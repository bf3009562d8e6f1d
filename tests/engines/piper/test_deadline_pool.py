"""The thread pool: earliest deadline first."""

from __future__ import annotations

import threading
from concurrent.futures import wait
from functools import partial

import pytest

from wyoming_k2so.engines.piper.deadline_pool import DeadlinePool


def test_the_earliest_deadline_runs_first() -> None:
    pool, go, done = DeadlinePool(1), threading.Event(), list[str]()
    pool.submit(0, go.wait)
    later = [pool.submit(due, partial(done.append, name)) for due, name in ((3, "c"), (1, "a"), (2, "b"))]
    go.set()
    wait(later, 10)
    assert done == ["a", "b", "c"]


def test_tasks_with_the_same_deadline_run_in_order() -> None:
    pool, go = DeadlinePool(1), threading.Event()
    pool.submit(0, go.wait)
    done = list[int]()
    later = [pool.submit(1, partial(done.append, number)) for number in range(5)]
    go.set()
    wait(later, 10)
    assert done == [0, 1, 2, 3, 4]


def test_as_many_tasks_run_at_once_as_there_are_threads() -> None:
    pool, met = DeadlinePool(3), threading.Barrier(3)
    for place in [pool.submit(0, lambda: met.wait(10)) for _ in range(3)]:
        place.result()


def test_a_cancelled_task_does_not_run() -> None:
    pool, go = DeadlinePool(1), threading.Event()
    pool.submit(0, go.wait)
    dropped, kept = pool.submit(1, lambda: pytest.fail("it was cancelled")), pool.submit(2, lambda: 5)
    assert dropped.cancel()
    go.set()
    assert kept.result(10) == 5


def test_an_error_is_raised_where_the_result_is_awaited() -> None:
    pool = DeadlinePool(1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(0, lambda: 1 / 0).result(10)
    assert pool.submit(0, lambda: 5).result(10) == 5

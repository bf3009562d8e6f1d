"""Turns: who speaks when there are more replies than room."""

from __future__ import annotations

import asyncio

import pytest

from wyoming_k2so.server import admission
from wyoming_k2so.server.admission import Admission, Busy


async def hold(turns: Admission, order: list[int], number: int, leave: asyncio.Event) -> None:
    async with turns.turn("a"):
        order.append(number)
        await leave.wait()


async def start(turns: Admission, order: list[int], count: int, leave: asyncio.Event) -> list[asyncio.Task[None]]:
    tasks = []
    for number in range(count):
        tasks.append(asyncio.create_task(hold(turns, order, number, leave)))
        await asyncio.sleep(0)
    return tasks


async def test_those_who_wait_get_their_turn_in_order() -> None:
    turns, order, leave = Admission(2), list[int](), asyncio.Event()
    tasks = await start(turns, order, 5, leave)
    assert order == [0, 1]
    assert turns.full("a")
    assert not turns.full("b")
    tasks[2].cancel()
    await asyncio.sleep(0)
    leave.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [0, 1, 3, 4]
    assert not turns.full("a")


@pytest.mark.parametrize(
    ("bound", "value", "waiting", "says"),
    [("PATIENCE_S", 0.05, 1, "busy"), ("QUEUE_PER_STREAM", 2, 3, "2 replies are waiting")],
)
async def test_nobody_waits_without_bound_and_few_wait_at_all(
    monkeypatch: pytest.MonkeyPatch, bound: str, value: float, waiting: int, says: str
) -> None:
    monkeypatch.setattr(admission, bound, value)
    turns, order, leave = Admission(1), list[int](), asyncio.Event()
    tasks = await start(turns, order, 1 + waiting, leave)
    with pytest.raises(Busy, match=says):
        await tasks[waiting]
    leave.set()
    await asyncio.gather(*tasks[:waiting])
    assert order == list(range(waiting))
    assert not turns.full("a")


async def test_a_turn_that_was_lent_comes_back_before_those_who_have_not_begun() -> None:
    turns, order, leave = Admission(1), list[str](), asyncio.Event()

    async def speak(name: str) -> None:
        async with turns.turn("a"):
            order.append(name)
            await leave.wait()

    async with turns.turn("a") as turn:
        others = [asyncio.create_task(speak(name)) for name in ("first", "second")]
        await asyncio.sleep(0)
        turn.give_back()
        turn.give_back()  # twice is once
        back = asyncio.create_task(turn.take(again=True))
        await asyncio.sleep(0)
        assert order == ["first"]
        leave.set()
        await back
        assert order == ["first"]
        assert turns.full("a")
    await asyncio.gather(*others)
    assert order == ["first", "second"]
    assert not turns.full("a")


async def test_a_turn_that_was_lent_is_not_waited_for_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "PATIENCE_S", 0.05)
    turns = Admission(1)
    async with turns.turn("a") as lent:
        lent.give_back()
        async with turns.turn("a"):
            with pytest.raises(Busy, match="busy"):
                await lent.take(again=True)
    assert not turns.full("a")

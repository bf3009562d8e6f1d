"""Turns: who speaks when there are more replies than room."""

from __future__ import annotations

import asyncio

import pytest

from wyoming_k2so import admission
from wyoming_k2so.admission import Admission, Busy


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


async def test_nobody_waits_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "PATIENCE_S", 0.05)
    turns, order, leave = Admission(1), list[int](), asyncio.Event()
    tasks = await start(turns, order, 2, leave)
    with pytest.raises(Busy, match="busy"):
        await tasks[1]
    leave.set()
    await tasks[0]
    assert order == [0]
    assert not turns.full("a")


async def test_the_queue_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "QUEUE_PER_STREAM", 2)
    turns, order, leave = Admission(1), list[int](), asyncio.Event()
    tasks = await start(turns, order, 4, leave)
    with pytest.raises(Busy, match="2 replies are waiting"):
        await tasks[3]
    leave.set()
    await asyncio.gather(*tasks[:3])
    assert order == [0, 1, 2]

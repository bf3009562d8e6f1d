"""Admission: who speaks when there are more replies than slots."""

from __future__ import annotations

import asyncio

import pytest

from wyoming_k2so.server import admission
from wyoming_k2so.server.admission import Admission, Busy


async def hold(slots: Admission, order: list[int], number: int, leave: asyncio.Event) -> None:
    async with slots.slot("a"):
        order.append(number)
        await leave.wait()


async def start(slots: Admission, order: list[int], count: int, leave: asyncio.Event) -> list[asyncio.Task[None]]:
    tasks = []
    for number in range(count):
        tasks.append(asyncio.create_task(hold(slots, order, number, leave)))
        await asyncio.sleep(0)
    return tasks


async def test_waiting_replies_get_slots_in_order() -> None:
    slots, order, leave = Admission(2), list[int](), asyncio.Event()
    tasks = await start(slots, order, 5, leave)
    assert order == [0, 1]
    assert slots.full("a")
    assert not slots.full("b")
    tasks[2].cancel()
    await asyncio.sleep(0)
    leave.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [0, 1, 3, 4]
    assert not slots.full("a")


@pytest.mark.parametrize(
    ("bound", "value", "waiting", "says"),
    [("SLOT_TIMEOUT_S", 0.05, 1, "busy"), ("QUEUE_PER_SLOT", 2, 3, "already 2 replies waiting")],
)
async def test_waiting_has_a_timeout_and_the_queue_a_limit(
    monkeypatch: pytest.MonkeyPatch, bound: str, value: float, waiting: int, says: str
) -> None:
    monkeypatch.setattr(admission, bound, value)
    slots, order, leave = Admission(1), list[int](), asyncio.Event()
    tasks = await start(slots, order, 1 + waiting, leave)
    with pytest.raises(Busy, match=says):
        await tasks[waiting]
    leave.set()
    await asyncio.gather(*tasks[:waiting])
    assert order == list(range(waiting))
    assert not slots.full("a")


async def test_a_reply_that_resumes_goes_before_those_that_have_not_begun() -> None:
    slots, order, leave = Admission(1), list[str](), asyncio.Event()

    async def speak(name: str) -> None:
        async with slots.slot("a"):
            order.append(name)
            await leave.wait()

    async with slots.slot("a") as slot:
        others = [asyncio.create_task(speak(name)) for name in ("first", "second")]
        await asyncio.sleep(0)
        slot.release()
        slot.release()  # a second time does nothing
        back = asyncio.create_task(slot.acquire(first=True))
        await asyncio.sleep(0)
        assert order == ["first"]
        leave.set()
        await back
        assert order == ["first"]
        assert slots.full("a")
    await asyncio.gather(*others)
    assert order == ["first", "second"]
    assert not slots.full("a")


async def test_a_reply_that_resumes_waits_until_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "SLOT_TIMEOUT_S", 0.05)
    slots = Admission(1)
    async with slots.slot("a") as paused:
        paused.release()
        async with slots.slot("a"):
            with pytest.raises(Busy, match="busy"):
                await paused.acquire(first=True)
    assert not slots.full("a")

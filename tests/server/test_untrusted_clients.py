"""Malicious or broken clients: they get an error, and do not affect other clients."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.ping import Ping

from tests.support.client import read_event, read_until
from tests.support.fakes import ScriptedEngine
from tests.support.raw_client import frame, send_raw
from tests.support.server import served


async def test_a_flood_of_events_does_not_block_the_event_loop() -> None:
    events, turns = 4000, 0
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await send_raw(client, b'{"type":"x"}\n' * events)
        await client.write_event(Ping().event())
        last = asyncio.create_task(read_event(client))
        while not last.done():
            await asyncio.sleep(0)
            turns += 1
    assert turns >= events


@pytest.mark.parametrize("inline", [True, False])
async def test_a_client_that_sends_too_much_gets_the_reason(inline: bool) -> None:
    text = {"text": "x" * 20_000_000}
    flood = json.dumps({"type": "synthesize", "data": text}).encode() + b"\n" if inline else frame("synthesize", text)
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await send_raw(client, flood)
        answer = await read_until(client, "never")
    assert "at most" in (answer.error or "")


@pytest.mark.parametrize(
    "data",
    [
        {"settings": {"a\ud83d": 1}},
        {"settings": {"speaker": "x" * 201}},
        {"settings": {"voice": "x" * 900_000}},
        {"settings": {"x" * 900_000: 1}},
        {"settings": {"seed": 10**300}},
    ],
    ids=["a key", "a long speaker", "a long voice", "a long key", "a seed"],
)
async def test_invalid_settings_are_answered(data: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    async with served(ScriptedEngine(name="xtts")) as (context, port), AsyncTcpClient("127.0.0.1", port) as client:
        context.catalog.incomplete = True
        await send_raw(client, frame("k2so-configure", data))
        answer = await read_event(client)
        assert answer is not None
        assert answer.data["code"] == "bad-setting"
        await client.write_event(Event("k2so-describe"))
        assert (await read_event(client)) is not None
    assert len(caplog.text) < 5000


async def test_an_unpaired_surrogate_in_a_name_becomes_a_question_mark() -> None:
    async with (
        served(ScriptedEngine()) as (context, port),
        AsyncTcpClient("127.0.0.1", port) as client,
    ):
        context.catalog.incomplete = True
        await send_raw(client, frame("synthesize", {"text": "Hello.", "voice": {"name": "bob\ud83d"}}))
        await read_until(client, "audio-stop")
        await client.write_event(Event("k2so-describe"))
        answer = await read_event(client)
        assert answer is not None
        assert answer.data["figures"]["last"]["instead_of"] == "bob?"

"""Clients that mean harm, or know no better: what they do to a server, and above all what they do not do to others."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
from typing import Any

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.ping import Ping
from wyoming.tts import Synthesize

from tests.support.client import read_event, read_until, synthesize
from tests.support.fakes import ScriptedEngine
from tests.support.raw_client import send_raw
from tests.support.server import served, server_config
from tests.support.server_process import ServerProcess
from tests.support.waiting import until
from wyoming_k2so.server import listener
from wyoming_k2so.server.connection import Connection
from wyoming_k2so.server.context import ServerContext


def frame(type: str, data: dict[str, Any]) -> bytes:
    body = json.dumps(data).encode()
    return json.dumps({"type": type, "data_length": len(body)}).encode() + b"\n" + body


async def test_others_are_served_between_the_events_of_a_flood() -> None:
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
async def test_who_sends_far_too_much_hears_why_it_must_go(inline: bool) -> None:
    text = {"text": "x" * 20_000_000}
    flood = json.dumps({"type": "synthesize", "data": text}).encode() + b"\n" if inline else frame("synthesize", text)
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await send_raw(client, flood)
        answer = await read_until(client, "never")
    assert "at most" in (answer.error or "")


async def test_who_is_refused_hears_why_though_it_has_asked_already() -> None:
    async with (
        served(ScriptedEngine(), config=server_config(max_connections=1)) as (_, port),
        AsyncTcpClient("127.0.0.1", port) as first,
    ):
        await first.write_event(Ping().event())
        await read_event(first)
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(frame("synthesize", {"text": "Hello. " * 10_000}))
            assert b"connected already" in await reader.read()
            writer.close()


async def test_the_system_finds_out_who_is_gone_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = list[asyncio.StreamWriter]()

    def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ServerContext) -> Connection:
        accepted.append(writer)
        return Connection(reader, writer, context)

    monkeypatch.setattr(listener, "Connection", note)
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Ping().event())
        await read_event(client)
        sock = accepted[0].get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        first, then, times = (
            sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
            for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        )
        assert first + times * then == 120


async def test_who_was_idle_for_long_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Semaphore(1)
    engine = ScriptedEngine(gate=gate)
    async with (
        served(engine, config=server_config(max_connections=2)) as (_, port),
        AsyncTcpClient("127.0.0.1", port) as speaking,
        AsyncTcpClient("127.0.0.1", port) as slow,
    ):
        await speaking.write_event(Synthesize("A reply that takes a while. " * 20).event())
        await send_raw(slow, b'{"type": "ping"')
        await read_until(speaking, "audio-chunk")
        async with AsyncTcpClient("127.0.0.1", port) as early:
            assert "connected already" in ((await read_until(early, "never")).error or "")
        monkeypatch.setattr(listener, "IDLE_S", 0.0)
        async with AsyncTcpClient("127.0.0.1", port) as late:
            await late.write_event(Ping().event())
            assert (await read_event(late)) is not None
            assert await read_event(slow) is None
            gate.release(100)
        assert (await read_until(speaking, "audio-stop")).error is None


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
async def test_odd_settings_are_answered(data: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    async with served(ScriptedEngine(name="xtts")) as (context, port), AsyncTcpClient("127.0.0.1", port) as client:
        context.catalog.incomplete = True
        await send_raw(client, frame("k2so-configure", data))
        answer = await read_event(client)
        assert answer is not None
        assert answer.data["code"] == "bad-setting"
        await client.write_event(Event("k2so-describe"))
        assert (await read_event(client)) is not None
    assert len(caplog.text) < 5000


async def test_half_a_character_as_a_name_is_told_to_all_as_a_mark() -> None:
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


async def test_a_server_that_ends_turns_newcomers_away() -> None:
    process = ServerProcess()
    port, refused = process.port, False

    async def knock() -> None:
        async with AsyncTcpClient("127.0.0.1", port) as client:
            await synthesize(client, "Hello.")

    async with AsyncTcpClient("127.0.0.1", port) as speaking:
        await speaking.write_event(Synthesize("A reply that takes a while. " * 40).event())
        await read_until(speaking, "audio-chunk")
        knocking = [asyncio.create_task(knock()) for _ in range(50)]
        await asyncio.sleep(0)
        process.process.send_signal(signal.SIGTERM)
        while not refused:
            try:
                knocking.append(asyncio.create_task(knock()))
                await asyncio.sleep(0.01)
                refused = process.process.poll() is not None
            except OSError:
                refused = True
        await asyncio.gather(*knocking, return_exceptions=True)
    assert process.wait() == 0
    assert "Traceback" not in process.log
    assert "never retrieved" not in process.log


async def test_all_that_waits_is_ended_properly() -> None:
    engine = ScriptedEngine(rtf=0.5)
    clients = [AsyncTcpClient("127.0.0.1", 0) for _ in range(6)]
    async with served(engine, config=server_config(max_streams=1, when_busy="wait")) as (_, port):
        for client in clients:
            client.port = port
            await client.connect()
            await client.write_event(Synthesize("A reply that takes a while. " * 20).event())
        await until(lambda: bool(engine.said))
    for client in clients:
        assert (await read_until(client, "never")).types[-2:] == ["error", "audio-stop"]
        await client.disconnect()

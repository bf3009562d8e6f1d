"""The listener: which clients may connect, what rejected clients are told, and how the server stops."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.ping import Ping
from wyoming.tts import Synthesize

from tests.support.client import read_event, read_until, synthesize
from tests.support.fakes import ScriptedEngine
from tests.support.raw_client import frame, send_raw
from tests.support.server import served, server_config
from tests.support.server_process import ServerProcess
from tests.support.waiting import until
from wyoming_k2so.server import listener


@pytest.mark.parametrize(("allow", "admitted"), [(("127.0.0.0/8",), True), (("10.0.0.0/8", "::1"), False), ((), True)])
async def test_only_addresses_on_the_allow_list_may_connect(allow: tuple[str, ...], admitted: bool) -> None:
    async with (
        served(ScriptedEngine(), config=server_config(allow=allow)) as (_, port),
        AsyncTcpClient("127.0.0.1", port) as client,
    ):
        if admitted:
            assert (await synthesize(client, "Hello.")).error is None
        else:
            answer = await read_until(client, "never")
            assert answer.types == ["error"]
            assert answer.events[0].data == {"text": "127.0.0.1 is not on the allow list", "code": "forbidden"}


async def test_clients_beyond_the_limit_get_an_error() -> None:
    async with served(ScriptedEngine(), config=server_config(max_connections=2)) as (_, port):
        clients = [AsyncTcpClient("127.0.0.1", port) for _ in range(3)]
        for client in clients:
            await client.connect()
        answer = await read_until(clients[2], "never")
        assert answer.types == ["error"]
        assert answer.events[0].data["code"] == "busy"
        for client in clients:
            await client.disconnect()
        await until(lambda: not any(task.get_name() == "wyoming connection" for task in asyncio.all_tasks()))
        async with AsyncTcpClient("127.0.0.1", port) as client:
            assert (await synthesize(client, "Hello.")).error is None


async def test_a_rejected_client_gets_the_reason_even_if_it_has_sent_a_request() -> None:
    async with (
        served(ScriptedEngine(), config=server_config(max_connections=1)) as (_, port),
        AsyncTcpClient("127.0.0.1", port) as first,
    ):
        await first.write_event(Ping().event())
        await read_event(first)
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(frame("synthesize", {"text": "Hello. " * 10_000}))
            assert b"clients connected" in await reader.read()
            writer.close()


async def test_an_idle_client_makes_room_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
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
            assert "clients connected" in ((await read_until(early, "never")).error or "")
        monkeypatch.setattr(listener, "IDLE_S", 0.0)
        async with AsyncTcpClient("127.0.0.1", port) as late:
            await late.write_event(Ping().event())
            assert (await read_event(late)) is not None
            assert await read_event(slow) is None
            gate.release(100)
        assert (await read_until(speaking, "audio-stop")).error is None


async def test_a_server_that_is_stopping_rejects_new_clients() -> None:
    process = ServerProcess()
    port, refused = process.port, False

    async def request() -> None:
        async with AsyncTcpClient("127.0.0.1", port) as client:
            await synthesize(client, "Hello.")

    async with AsyncTcpClient("127.0.0.1", port) as speaking:
        await speaking.write_event(Synthesize("A reply that takes a while. " * 40).event())
        await read_until(speaking, "audio-chunk")
        requests = [asyncio.create_task(request()) for _ in range(50)]
        await asyncio.sleep(0)
        process.process.send_signal(signal.SIGTERM)
        while not refused:
            try:
                requests.append(asyncio.create_task(request()))
                await asyncio.sleep(0.01)
                refused = process.process.poll() is not None
            except OSError:
                refused = True
        await asyncio.gather(*requests, return_exceptions=True)
    assert process.wait() == 0
    assert "Traceback" not in process.log
    assert "never retrieved" not in process.log

"""A real server process with the embedded voice: signals, transports, concurrency."""

from __future__ import annotations

import asyncio
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO, cast

import psutil
import pytest
from wyoming.client import AsyncClient, AsyncTcpClient
from wyoming.event import Event, async_write_event, read_event, write_event
from wyoming.info import Describe
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart

from tests.support.client import read_until, synthesize, synthesize_stream
from tests.support.raw_client import reset
from tests.support.server_process import ROOT, ServerProcess
from tests.support.waiting import until

TEXT = "The kitchen light is on. The back door is locked, and nobody is at home."


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_running_replies_properly(number: signal.Signals) -> None:
    process = ServerProcess()
    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        await client.write_event(SynthesizeStart().event())
        await client.write_event(SynthesizeChunk(TEXT).event())
        await read_until(client, "audio-chunk")
        process.process.send_signal(number)
        assert (await read_until(client, "synthesize-stopped")).types[-2:] == ["audio-stop", "synthesize-stopped"]
    assert process.wait() == 0
    assert "Traceback" not in process.log


async def test_a_loading_model_does_not_keep_the_process_alive() -> None:
    process = ServerProcess(program=("tests.support.never_loads",))
    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        await client.write_event(Event("k2so-configure", {"settings": {"engine": "xtts"}}))
        await until(lambda: "loading forever" in process.log)
        assert process.stop() == 0
    assert "Traceback" not in process.log


async def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "k2so.sock"
    uri = f"unix://{path}"
    for _ in range(2):  # a socket file left over after SIGKILL is replaced
        process = ServerProcess(uri=uri)
        async with AsyncClient.from_uri(uri) as client:
            assert (await synthesize(client, TEXT)).seconds > 2
        process.stop(signal.SIGKILL)
        assert path.exists()
    process = ServerProcess("--zeroconf", uri=uri)
    assert process.stop() == 0
    assert "not announced" in process.log
    assert not path.exists()


def test_standard_input_and_output() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "wyoming_k2so", "--uri", "stdio://", "--engine", "piper"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    stdin, stdout = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
    write_event(Describe().event(), stdin)
    write_event(Synthesize(TEXT).event(), stdin)
    stdin.close()
    events: list[Event] = []
    while (event := read_event(stdout)) is not None:
        events.append(event)
    assert process.wait(20) == 0
    types = [event.type for event in events]
    assert types[:2] == ["info", "audio-start"]
    assert types[-1] == "audio-stop"
    assert types.count("audio-chunk") > 10


async def test_describe_is_fast_while_replies_are_spoken(server: ServerProcess) -> None:
    speaking = [asyncio.create_task(_speak_once(server.port)) for _ in range(4)]
    times = []
    async with AsyncTcpClient("127.0.0.1", server.port) as client:
        await asyncio.sleep(0.1)
        while not all(task.done() for task in speaking):
            began = time.perf_counter()
            await client.write_event(Describe().event())
            await read_until(client, "info")
            times.append(time.perf_counter() - began)
            await asyncio.sleep(0.02)
    assert await asyncio.gather(*speaking) == [True] * 4
    assert statistics.median(times) < 0.1


async def test_clients_that_vanish_leave_nothing_behind(server: ServerProcess) -> None:
    process = psutil.Process(server.process.pid)
    await _speak_once(server.port)
    threads, files = process.num_threads(), process.num_fds()
    for number in range(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        await async_write_event(Synthesize(TEXT * 5).event(), writer)
        if number % 3:
            await reader.readline()
        if number % 2:
            reset(writer)
        else:
            writer.close()
    deadline = time.monotonic() + 30
    while process.num_threads() > threads or process.num_fds() > files:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert await _speak_once(server.port)


async def test_the_embedded_voice_streams_through_an_unmodified_client(server: ServerProcess) -> None:
    async with AsyncTcpClient("127.0.0.1", server.port) as client:
        answer = await synthesize_stream(client, TEXT)
    assert answer.types == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]
    assert answer.start.rate == 22_050
    assert {chunk.samples for chunk in answer.chunks[:-1]} == {4096}
    assert 3 < answer.seconds < 9


async def _speak_once(port: int) -> bool:
    async with AsyncTcpClient("127.0.0.1", port) as client:
        answer = await synthesize(client, TEXT)
        return answer.error is None and answer.seconds > 2

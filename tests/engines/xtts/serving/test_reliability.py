"""A real server process whose XTTS fails: clients notice nothing, and the log says why."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import async_write_event
from wyoming.tts import Synthesize, SynthesizeVoice

from tests.engines.xtts.support.processes import engines, settled, start
from tests.engines.xtts.support.speaking import SPEAKER, TEXT
from tests.support.client import read_until, synthesize
from tests.support.raw_client import reset
from tests.support.server_process import ServerProcess

VOICE = SynthesizeVoice(name=SPEAKER)


def faulty(fault: str, folder: Path, home: Path, *more: str) -> ServerProcess:
    return start(folder, home, "auto", *more, program=("tests.engines.xtts.serving.faulty_xtts", fault))


@pytest.mark.parametrize("step", [1, 15], ids=["before the first sound", "mid-reply"])
async def test_a_model_that_hangs_is_reloaded(step: int, folder: Path, tmp_path: Path) -> None:
    process = faulty(f"hang-{step}", folder, tmp_path, "--watchdog", "3", "--prebuffer", "0")
    async with AsyncTcpClient("127.0.0.1", process.port) as client, AsyncTcpClient("127.0.0.1", process.port) as other:
        assert (await settled(client))["state"] == "ready"
        process.process.send_signal(signal.SIGUSR1)
        await other.write_event(Synthesize(TEXT, VOICE).event())
        answer = await synthesize(client, TEXT, VOICE)
        assert answer.error is None
        assert answer.start.rate == 24_000
        assert answer.seconds > 2, "the embedded voice has spoken all of it"
        # The other reply shares the step that hangs.
        assert (await read_until(other, "audio-stop")).error is None
        assert (await settled(client))["state"] == "ready"
        assert (await synthesize(client, TEXT, VOICE)).error is None
    assert process.stop() == 0
    assert process.log.count("engine xtts is not responding; reloading it") == 1
    assert "engine xtts speaks again" in process.log
    last = [line for line in process.log.splitlines() if "s of speech" in line][-1]
    assert f"xtts/{SPEAKER}" in last
    assert "fallback" not in last
    assert "Traceback" not in process.log


async def test_a_model_that_produces_nan_is_replaced_by_a_safer_one(folder: Path, tmp_path: Path) -> None:
    process = faulty("nan", folder, tmp_path, "--quantization", "int8")
    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        assert (await settled(client))["mode"] == "int8"
        process.process.send_signal(signal.SIGUSR1)
        answer = await synthesize(client, TEXT, VOICE)
        assert (answer.error, answer.start.rate) == (None, 24_000)
        assert np.abs(answer.audio).max() > 0
        assert (await engines(client))["xtts"]["mode"] != "int8"
    assert process.stop() == 0
    assert "the model produced NaN or infinity" in process.log
    assert "fallback" not in process.log
    assert "Traceback" not in process.log


async def test_clients_that_vanish_mid_stream_leave_nothing_behind(folder: Path, tmp_path: Path) -> None:
    process = start(folder, tmp_path)
    port, server, r = process.port, psutil.Process(process.process.pid), random.Random(1)
    async with AsyncTcpClient("127.0.0.1", port) as client:
        assert (await settled(client))["state"] == "ready"
        await synthesize(client, TEXT, VOICE)
    await asyncio.sleep(0.5)
    threads, files = server.num_threads(), server.num_fds()

    async def leave() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await async_write_event(Synthesize(TEXT * 5, VOICE).event(), writer)
        await reader.readline()
        await asyncio.sleep(r.uniform(0, 0.3))
        reset(writer)

    for _ in range(3):
        await asyncio.gather(*(leave() for _ in range(6)))
    deadline = time.monotonic() + 20
    while server.num_threads() > threads or server.num_fds() > files:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)

    async def listen() -> None:
        async with AsyncTcpClient("127.0.0.1", port) as client:
            assert (await synthesize(client, "Yes.", VOICE)).start.rate == 24_000

    await asyncio.gather(*(listen() for _ in range(8)))  # as many as there are rows of the KV cache
    assert process.stop() == 0
    assert [line for line in process.log.splitlines() if "failed" in line or "fallback" in line] == []
    assert "Traceback" not in process.log


@pytest.mark.parametrize("fault", ["memory-40000000", "convert-40000000"])
async def test_out_of_memory_while_loading_leaves_the_embedded_voice(fault: str, folder: Path, tmp_path: Path) -> None:
    process = faulty(fault, folder, tmp_path)
    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        state = await settled(client)
        assert state["state"] == "failed"
        assert "ran out of memory while loading XTTS" in state["detail"]
        for _ in range(2):
            answer = await synthesize(client, TEXT, VOICE)
            assert (answer.error, answer.start.rate) == (None, 22_050)
            assert answer.seconds > 2
    assert process.stop() == 0
    assert "cannot load engine xtts; using piper: ran out of memory" in process.log
    assert "Traceback" not in process.log


async def test_a_full_disk_only_slows_down_the_next_start(folder: Path, tmp_path: Path) -> None:
    process = start(folder, tmp_path, "auto", "--quantization", "int8", program=("tests.support.disk_limit", "100000"))
    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        assert (await settled(client))["mode"] == "int8"
        answer = await synthesize(client, TEXT, VOICE)
        assert (answer.error, answer.start.rate) == (None, 24_000)
    assert process.stop() == 0
    assert "cannot cache the converted weights" in process.log
    assert "Traceback" not in process.log
    assert not list((tmp_path / "cache").rglob("*.part"))
    assert not list((tmp_path / "cache").rglob("*.safetensors"))

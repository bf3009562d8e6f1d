"""A real server process under knocks. Short here; `script/soak` runs it at full length and prints figures."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import time
from collections.abc import Iterator

import psutil
import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import async_write_event
from wyoming.info import Describe
from wyoming.tts import Synthesize

from tests.client import read_until, synthesize
from tests.server.conftest import ServerProcess

LENGTH = float(os.environ.get("K2SO_DEV_SOAK", "0.05"))
"""Share of the full length."""

TEXT = "The kitchen light is on. The back door is locked, and nobody is at home."


@pytest.fixture
def own_server() -> Iterator[ServerProcess]:
    """A server that no other test has used."""
    process = ServerProcess()
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log


def report(**figures: object) -> None:
    print(json.dumps(figures))  # noqa: T201


def malformed(r: random.Random) -> bytes:
    """A frame that is wrong in one of many ways."""
    good = json.dumps({"type": "synthesize", "data": {"text": "Hello."}}).encode() + b"\n"
    kind = r.randrange(6)
    if kind == 0:
        return r.randbytes(r.randrange(1, 2000)) + b"\n"
    if kind == 1:
        frame = bytearray(good)
        for _ in range(r.randrange(1, 5)):
            frame[r.randrange(len(frame))] = r.randrange(256)
        return bytes(frame)
    if kind == 2:
        return good[: r.randrange(1, len(good))]
    if kind == 3:
        length: object = r.choice([-1, 1 << 40, 1.5, "x", None, True, [], 1 << 20])
        return json.dumps({"type": "synthesize", r.choice(["data_length", "payload_length"]): length}).encode() + b"\n"
    if kind == 4:
        value: object = r.choice([5, None, [], {}, "\0", {"text": None}, {"text": {}}, {"text": "a", "voice": 5}])
        return (
            json.dumps(
                {"type": r.choice(["synthesize", "synthesize-start", 5, "k2so-configure"]), "data": value}
            ).encode()
            + b"\n"
        )
    return b"[" * r.randrange(1, 60_000) + b"\n"


async def knock(port: int, frame: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(frame)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        pass
    finally:
        writer.close()


async def listen(port: int) -> float:
    """Hear a reply to its end; returns the seconds until its first sound."""
    async with AsyncTcpClient("127.0.0.1", port) as client:
        began = time.monotonic()
        await client.write_event(Synthesize(TEXT).event())
        await read_until(client, "audio-chunk")
        first = time.monotonic() - began
        assert (await read_until(client, "audio-stop")).error is None
        return first


async def test_malformed_frames_leave_the_server_as_it_was(own_server: ServerProcess) -> None:
    r, count = random.Random(1), round(10_000 * LENGTH)
    process = psutil.Process(own_server.process.pid)
    # Models and threads keep memory for as many as ever spoke at once.
    for _ in range(3):
        await asyncio.gather(*(listen(own_server.port) for _ in range(24)))
    for _ in range(50):
        await asyncio.gather(*(knock(own_server.port, malformed(r)) for _ in range(20)))
    before = process.memory_info().rss
    for _ in range(count // 20):
        await asyncio.gather(*(knock(own_server.port, malformed(r)) for _ in range(20)))
    async with AsyncTcpClient("127.0.0.1", own_server.port) as client:
        await client.write_event(Describe().event())
        assert (await read_until(client, "info")).types == ["info"]
        assert (await synthesize(client, TEXT)).error is None
    grown = (process.memory_info().rss - before) / 1e6
    report(malformed_frames=count, memory_growth_mb=round(grown, 1))
    assert grown < 20


async def test_clients_that_vanish_in_mid_stream_leave_nothing(own_server: ServerProcess) -> None:
    process, count = psutil.Process(own_server.process.pid), round(1000 * LENGTH)
    async with AsyncTcpClient("127.0.0.1", own_server.port) as client:
        await synthesize(client, TEXT)
    await asyncio.sleep(0.5)
    threads, files, ends = process.num_threads(), process.num_fds(), list[float]()
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", own_server.port)
        await async_write_event(Synthesize(TEXT * 5).event(), writer)
        await reader.readline()
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        writer.close()
        left = time.monotonic()
        while process.num_threads() > threads or process.num_fds() > files:
            assert time.monotonic() < left + 20
            await asyncio.sleep(0.005)
        ends.append(time.monotonic() - left)
    ends.sort()
    report(vanished=count, gone_after_ms={"median": round(1e3 * ends[count // 2]), "max": round(1e3 * ends[-1])})


async def test_many_rooms_at_once_all_hear_their_reply(own_server: ServerProcess) -> None:
    await listen(own_server.port)
    alone = await listen(own_server.port)
    together = sorted(await asyncio.gather(*(listen(own_server.port) for _ in range(24))))
    report(rooms=24, alone_s=round(alone, 3), median_s=round(together[12], 3), p95_s=round(together[22], 3))


async def test_a_server_that_was_killed_speaks_again_soon() -> None:
    process = ServerProcess()
    process.stop(signal.SIGKILL)
    began = time.monotonic()
    process = ServerProcess()
    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        await client.write_event(Synthesize(TEXT).event())
        await read_until(client, "audio-chunk")
    report(speaking_after_kill_s=round(time.monotonic() - began, 2))
    assert process.stop() == 0

"""A real server process with XTTS: who speaks while it loads, when it is there, and when it cannot load."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import SynthesizeVoice

from tests.client import read_event, synthesize
from tests.server.conftest import ServerProcess
from tests.xtts.conftest import SPEAKER, TEXT

PATIENCE_S = 100


def start(checkpoint: Path, home: Path) -> ServerProcess:
    folders = ("--data-dir", str(home / "data"), "--cache-dir", str(home / "cache"))
    return ServerProcess("--engine", "auto", "--xtts-checkpoint", str(checkpoint), *folders)


async def engines(client: AsyncTcpClient) -> dict[str, dict[str, str]]:
    await client.write_event(Event("k2so-describe"))
    event = await read_event(client)
    assert event is not None
    return {engine["name"]: engine for engine in event.data["engines"]}


async def settled(client: AsyncTcpClient) -> dict[str, str]:
    """The state of XTTS once it has loaded or failed."""
    deadline = time.monotonic() + PATIENCE_S
    while (state := (await engines(client))["xtts"])["state"] == "loading":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    return state


async def test_the_embedded_voice_speaks_until_xtts_is_there(folder: Path, tmp_path: Path) -> None:
    process = start(folder, tmp_path)
    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        assert (await engines(client))["xtts"]["state"] == "loading"
        meanwhile = await synthesize(client, TEXT, SynthesizeVoice(name=SPEAKER))
        assert (meanwhile.error, meanwhile.start.rate) == (None, 22_050)
        assert meanwhile.seconds > 1

        assert (await settled(client))["state"] == "ready"
        await client.write_event(Describe().event())
        event = await read_event(client)
        assert event is not None
        assert [program.name for program in Info.from_event(event).tts] == ["k2so", "xtts", "piper"]
        assert (await synthesize(client, TEXT, SynthesizeVoice(name=SPEAKER))).start.rate == 24_000
    assert process.stop() == 0
    assert f"instead of {SPEAKER}" in process.log


async def test_when_xtts_cannot_load_the_embedded_voice_goes_on_and_the_log_says_why(tmp_path: Path) -> None:
    process = start(tmp_path / "nowhere", tmp_path)
    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        state = await settled(client)
        assert state["state"] == "failed"
        assert "nowhere" in state["detail"]
        assert (await synthesize(client, TEXT, SynthesizeVoice(name=SPEAKER))).seconds > 1
    assert process.stop() == 0
    assert "The embedded voice speaks, because XTTS cannot" in process.log
    assert "Traceback" not in process.log

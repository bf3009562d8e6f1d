"""A real server process with XTTS: which voice speaks while it loads, once it has loaded, and if it cannot load."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import SynthesizeVoice

from tests.engines.xtts.support.clips import encoded, speech
from tests.engines.xtts.support.processes import PATIENCE_S, engines, settled, start
from tests.engines.xtts.support.speaking import SPEAKER, TEXT
from tests.support.client import read_event, synthesize
from tests.support.server_process import ROOT


@pytest.mark.parametrize("engine", ["auto", "xtts"])
async def test_the_embedded_voice_speaks_while_xtts_loads(engine: str, folder: Path, tmp_path: Path) -> None:
    process = start(folder, tmp_path, engine)
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


async def test_the_embedded_voice_speaks_while_an_idle_xtts_is_reloaded(folder: Path, tmp_path: Path) -> None:
    process = start(folder, tmp_path, "auto", "--idle-unload", "0.05")
    deadline = time.monotonic() + PATIENCE_S
    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        while (state := (await engines(client))["xtts"])["state"] != "idle":
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        assert state["mode"] == "int8"
        bridge = await synthesize(client, TEXT, SynthesizeVoice(name=SPEAKER))
        assert (bridge.error, bridge.start.rate) == (None, 22_050)
        while (await synthesize(client, TEXT, SynthesizeVoice(name=SPEAKER))).start.rate != 24_000:
            assert time.monotonic() < deadline
    assert process.stop() == 0
    assert f"instead of {SPEAKER}" in process.log
    assert "Traceback" not in process.log


async def test_a_client_adds_a_voice_uses_it_and_removes_it(folder: Path, tmp_path: Path) -> None:
    process = start(folder, tmp_path)
    clips = tmp_path / "data" / "voices-xtts"

    async def change(client: AsyncTcpClient, kind: str, payload: bytes | None = None, **data: str) -> Event:
        await client.write_event(Event(kind, data, payload))
        event = await read_event(client)
        assert event is not None
        return event

    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        assert (await settled(client))["state"] == "ready"
        clip = encoded(speech(6, 44_100), 44_100)
        assert (await change(client, "k2so-add-voice", clip, name="Anna", language="de")).type == "k2so-info"
        assert [path.name for path in clips.iterdir()] == ["Anna.de.wav"]
        answer = await synthesize(client, TEXT, SynthesizeVoice(name="Anna"))
        assert (answer.error, answer.start.rate) == (None, 24_000)

        refused = await change(client, "k2so-add-voice", encoded(speech(0.5)), name="Bob")
        assert (refused.type, refused.data["code"]) == ("error", "bad-voice")
        assert "shorter than a second" in refused.data["text"]
        refused = await change(client, "k2so-add-voice", clip, name="../Bob")
        assert "letters, digits" in refused.data["text"]
        refused = await change(client, "k2so-add-voice", clip, name=SPEAKER)
        assert "already" in refused.data["text"]

        assert (await change(client, "k2so-remove-voice", name="Anna")).type == "k2so-info"
        assert not list(clips.iterdir())
    assert process.stop() == 0
    assert "Traceback" not in process.log


async def test_the_embedded_voice_speaks_if_xtts_cannot_load(tmp_path: Path) -> None:
    process = start(tmp_path / "nowhere", tmp_path)
    async with AsyncTcpClient("127.0.0.1", process.port) as client:
        state = await settled(client)
        assert state["state"] == "failed"
        assert "nowhere" in state["detail"]
        assert (await synthesize(client, TEXT, SynthesizeVoice(name=SPEAKER))).seconds > 1
    assert process.stop() == 0
    assert "cannot load engine xtts; using piper: " in process.log
    assert "Traceback" not in process.log


def test_with_engine_xtts_a_checkpoint_that_cannot_be_loaded_ends_the_program(folder: Path, tmp_path: Path) -> None:
    """Its files exist, so it serves until loading fails."""
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "model.pth").write_bytes((folder / "model.pth").read_bytes()[:10_000])
    process = start(broken, tmp_path, "xtts")
    assert process.wait() == 1
    assert "model.pth is truncated or damaged; download it again" in process.log
    assert "Traceback" not in process.log


@pytest.mark.parametrize(
    ("checkpoint", "status", "says"), [("nowhere", 1, "no checkpoint folder"), ("coqui/XTTS-v2", 2, "COQUI_TOS_AGREED")]
)
def test_with_engine_xtts_an_unusable_checkpoint_is_reported_before_serving(
    checkpoint: str, status: int, says: str, tmp_path: Path
) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "COQUI_TOS_AGREED"}
    command = [sys.executable, "-m", "wyoming_k2so", "--uri", "tcp://127.0.0.1:0", "--engine", "xtts"]
    command += ["--xtts-checkpoint", checkpoint, "--data-dir", str(tmp_path)]
    result = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (result.returncode, says in result.stderr, "ready at" in result.stderr) == (status, True, False)

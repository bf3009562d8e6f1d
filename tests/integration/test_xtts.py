"""XTTS in a real Home Assistant: a real server with a tiny model, which speaks noise."""

from __future__ import annotations

import asyncio
import time
import wave
from collections.abc import Iterator
from io import BytesIO
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from . import server_process
from .environment import allow_sockets
from .hass_process import HassProcess, Websocket
from .server_process import LOG_XTTS_READY, ServerProcess
from .user_actions import Entry, add, change, options_form, remove, sensor, speak, voices

EMBEDDED_VOICE = "en_US-joe-medium"
SENTENCE = "Once upon a time there was a house that could speak, and nobody was afraid of it."
IDLE_MINUTES = "0.1"
TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("xtts")


@pytest.fixture(scope="module")
def xtts_server(xtts_python: str, folder: Path) -> Iterator[ServerProcess]:
    allow_sockets()
    with server_process.xtts_server(xtts_python, folder, "--idle-unload", IDLE_MINUTES).running() as server:
        server.wait_for_log(LOG_XTTS_READY, timeout_s=TIMEOUT_S)
        yield server


@pytest.fixture(scope="module")
def entry(hass_process: HassProcess, xtts_server: ServerProcess) -> Iterator[Entry]:
    entry = add(hass_process, xtts_server, "k2so")
    yield entry
    remove(hass_process, entry)


def wait_until_xtts_speaks(hass: HassProcess, entry: Entry, voice: str) -> None:
    """Speak until the voice is XTTS's own; the first request loads an engine that is idle."""
    deadline = time.monotonic() + TIMEOUT_S
    for number in count():
        options = {"voice": voice, "preferred_format": "wav"}
        said = speak(hass, entry, f"{SENTENCE} This was number {number}.", options=options).body
        with wave.open(BytesIO(said)) as file:
            assert len(said) > file.getframerate()
            if file.getframerate() == 24_000:  # 22050 for the embedded voice
                return
        assert time.monotonic() < deadline


async def upload(hass: HassProcess, name: str, clip: bytes) -> str:
    """Upload a file to the local media, as the frontend does; returns its media source ID."""
    (hass.folder / "media").mkdir(exist_ok=True)
    form = aiohttp.FormData({"media_content_id": "media-source://media_source/local/."})
    form.add_field("file", clip, filename=name, content_type="audio/mpeg")
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {hass.token}"}) as session,
        session.post(f"{hass.url}/api/media_source/local_source/upload", data=form) as answer,
    ):
        return str((await answer.json())["media_content_id"])


async def test_changes_the_quantization_to_a_mode_that_the_server_offers(
    hass_process: HassProcess, websocket: Websocket, entry: Entry
) -> None:
    form = options_form(hass_process, entry)
    (field,) = (field for field in form["data_schema"] if field["name"] == "quantization")
    offered = {option["value"]: option["label"] for option in field["selector"]["select"]["options"]}
    assert {"auto", "none", "int8"} <= offered.keys()
    assert "memory" in offered["int8"]
    quantization = await sensor(websocket, entry, "quantization")

    for chosen in ("none", "int8"):
        change(hass_process, entry, quantization=chosen)
        assert hass_process.state(quantization) == chosen
    wait_until_xtts_speaks(hass_process, entry, "Damien Black")


async def test_clones_a_voice_speaks_with_it_and_removes_it(
    hass_process: HassProcess, websocket: Websocket, entry: Entry, folder: Path
) -> None:
    said = speak(hass_process, entry, SENTENCE, options={"voice": EMBEDDED_VOICE}).body
    clip = await upload(hass_process, "anna.mp3", said)
    voice = {"config_entry_id": entry.id, "name": "Anna"}

    hass_process.service("k2so", "add_voice", **voice, language="en", audio={"media_content_id": clip, "metadata": {}})

    assert (folder / "data/voices-xtts/Anna.en.mp3").read_bytes() == said
    assert "Anna" in await voices(websocket, entry, "en")
    wait_until_xtts_speaks(hass_process, entry, "Anna")

    hass_process.service("k2so", "remove_voice", **voice)
    assert "Anna" not in await voices(websocket, entry, "en")
    assert not list((folder / "data/voices-xtts").iterdir())


async def test_an_idle_engine_is_loaded_again_when_it_is_needed(
    hass_process: HassProcess, websocket: Websocket, entry: Entry
) -> None:
    state = await sensor(websocket, entry, "engine_state")

    async with asyncio.timeout(TIMEOUT_S):
        while hass_process.state(state) != "idle":
            hass_process.service("homeassistant", "update_entity", entity_id=state)
            await asyncio.sleep(0.5)

    wait_until_xtts_speaks(hass_process, entry, "Damien Black")

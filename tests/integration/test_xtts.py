"""A household with the big voice: a real Home Assistant, and a real server with a small XTTS, which speaks noise."""

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

from .conftest import allow_sockets
from .hass_process import HassProcess, Websocket
from .server_process import ServerProcess, with_xtts
from .user_actions import Entry, add, change, options_form, remove, sensor, speak, voices

EMBEDDED = "en_US-joe-medium"
SENTENCE = "Once upon a time there was a house that could speak, and nobody was afraid of it."
IDLE_MINUTES = "0.1"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("xtts")


@pytest.fixture(scope="module")
def big(xtts_python: str, folder: Path) -> Iterator[ServerProcess]:
    allow_sockets()
    with with_xtts(xtts_python, folder, "--idle-unload", IDLE_MINUTES).running() as server:
        server.wait_for_log("Voices speak by engine xtts", timeout_s=PATIENCE_S)
        yield server


@pytest.fixture(scope="module")
def entry(hass_process: HassProcess, big: ServerProcess) -> Iterator[Entry]:
    entry = add(hass_process, big, "k2so")
    yield entry
    remove(hass_process, entry)


def wait_until_it_speaks(hass: HassProcess, entry: Entry, voice: str) -> None:
    """It may have fallen asleep; then whoever asks for it wakes it."""
    deadline = time.monotonic() + PATIENCE_S
    for number in count():
        options = {"voice": voice, "preferred_format": "wav"}
        said = speak(hass, entry, f"{SENTENCE} This was number {number}.", options=options).body
        with wave.open(BytesIO(said)) as file:
            assert len(said) > file.getframerate()
            if file.getframerate() == 24_000:  # the embedded voice has 22050
                return
        assert time.monotonic() < deadline


async def upload(hass: HassProcess, name: str, clip: bytes) -> str:
    """Put a file among the media, as the frontend does."""
    (hass.folder / "media").mkdir(exist_ok=True)
    form = aiohttp.FormData({"media_content_id": "media-source://media_source/local/."})
    form.add_field("file", clip, filename=name, content_type="audio/mpeg")
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {hass.token}"}) as session,
        session.post(f"{hass.url}/api/media_source/local_source/upload", data=form) as answer,
    ):
        return str((await answer.json())["media_content_id"])


async def test_a_precision_is_chosen_of_those_that_run_there(
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
    wait_until_it_speaks(hass_process, entry, "Damien Black")


async def test_a_voice_is_cloned_speaks_and_is_removed(
    hass_process: HassProcess, websocket: Websocket, entry: Entry, folder: Path
) -> None:
    said = speak(hass_process, entry, SENTENCE, options={"voice": EMBEDDED}).body
    clip = await upload(hass_process, "anna.mp3", said)
    voice = {"config_entry_id": entry.id, "name": "Anna"}

    hass_process.service("k2so", "add_voice", **voice, language="en", audio={"media_content_id": clip, "metadata": {}})

    assert (folder / "data/voices-xtts/Anna.en.mp3").read_bytes() == said
    assert "Anna" in await voices(websocket, entry, "en")
    wait_until_it_speaks(hass_process, entry, "Anna")

    hass_process.service("k2so", "remove_voice", **voice)
    assert "Anna" not in await voices(websocket, entry, "en")
    assert not list((folder / "data/voices-xtts").iterdir())


async def test_a_model_that_was_freed_is_seen_to_be_idle_and_wakes_when_it_is_asked_for(
    hass_process: HassProcess, websocket: Websocket, entry: Entry
) -> None:
    state = await sensor(websocket, entry, "engine_state")

    async with asyncio.timeout(PATIENCE_S):
        while hass_process.state(state) != "idle":
            hass_process.service("homeassistant", "update_entity", entity_id=state)
            await asyncio.sleep(0.5)

    wait_until_it_speaks(hass_process, entry, "Damien Black")

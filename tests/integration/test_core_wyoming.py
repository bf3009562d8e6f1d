"""Our server with Home Assistant's own Wyoming integration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import user_actions
from .audio_checks import assert_says
from .environment import ASSIST_STUB, allow_sockets
from .hass_process import HassProcess, Websocket
from .server_process import ServerProcess
from .user_actions import Entry, add, converse, events_until, languages, play, remove, run, speak, voices

SENTENCE = "The kitchen light is on now."
REPLY = (
    "I have closed the garage door. Then I turned the heating down, because nobody is at home."
    " The front door has been open since this morning, and the battery of the car is almost full."
)


@pytest.fixture(scope="module")
def hass_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HassProcess]:
    """A Home Assistant without our integration."""
    allow_sockets()
    folder = tmp_path_factory.mktemp("core")
    with HassProcess(folder, configuration="assist_stub:\n", components=(ASSIST_STUB,)).running() as hass:
        yield hass


@pytest.fixture(scope="module")
def entry(hass_process: HassProcess, server: ServerProcess) -> Iterator[Entry]:
    allow_sockets()
    entry = add(hass_process, server)
    yield entry
    remove(hass_process, entry)


@pytest.fixture
async def pipeline(websocket: Websocket, entry: Entry) -> AsyncIterator[str]:
    async with user_actions.pipeline(websocket, entry) as pipeline:
        yield pipeline


async def test_offers_voices_for_every_language(websocket: Websocket, entry: Entry) -> None:
    for language in await languages(websocket, entry):
        assert await voices(websocket, entry, language)


@pytest.mark.parametrize(
    ("options", "format"),
    [
        ({}, "mpeg"),
        ({"preferred_format": "wav"}, "wav"),
        (
            {
                "preferred_format": "wav",
                "preferred_sample_rate": 16000,
                "preferred_sample_channels": 1,
                "preferred_sample_bytes": 2,
            },
            "wav",
        ),
        ({"preferred_format": "flac", "preferred_sample_rate": 48000}, "flac"),
    ],
)
def test_speaks_a_message(hass_process: HassProcess, entry: Entry, options: dict[str, Any], format: str) -> None:
    fetched = speak(hass_process, entry, REPLY, options=options)

    assert fetched.status == 200
    assert fetched.content_type.removeprefix("audio/").removeprefix("x-") == format
    assert_says(fetched.body, REPLY)


async def test_speaks_with_a_selected_voice(hass_process: HassProcess, websocket: Websocket, entry: Entry) -> None:
    (language,) = await languages(websocket, entry)
    (voice,) = await voices(websocket, entry, language)

    fetched = speak(hass_process, entry, SENTENCE, language=language, options={"voice": voice})

    assert_says(fetched.body, SENTENCE)


def test_an_unknown_voice_is_an_error(hass_process: HassProcess, entry: Entry) -> None:
    fetched = speak(hass_process, entry, SENTENCE, options={"voice": "nobody"})

    assert fetched.status == 500
    hass_process.wait_for_log("Error from Wyoming service")
    assert_says(speak(hass_process, entry, SENTENCE).body, SENTENCE)


async def test_a_media_player_plays_a_message(websocket: Websocket, entry: Entry) -> None:
    assert_says(await play(websocket, entry, REPLY), REPLY)


async def test_a_pipeline_speaks_while_its_text_still_arrives(
    hass_process: HassProcess, websocket: Websocket, pipeline: str
) -> None:
    spoken = await converse(hass_process, websocket, pipeline, REPLY)

    assert spoken.fetched.first_s < spoken.text_s
    assert_says(spoken.fetched.body, REPLY)


async def test_a_pipeline_speaks_a_short_reply(hass_process: HassProcess, websocket: Websocket, pipeline: str) -> None:
    number = await run(websocket, pipeline, SENTENCE)
    output = (await events_until(websocket, number, "tts-end"))[-1]["data"]["tts_output"]

    assert_says(hass_process.fetch(output["url"]).body, SENTENCE)


def test_recovers_when_the_server_restarts(hass_process: HassProcess, server_python: str, tmp_path: Path) -> None:
    with ServerProcess(server_python, tmp_path).running() as server:
        entry = add(hass_process, server)
        server.stop()
        assert speak(hass_process, entry, SENTENCE).status == 500
        server.start()
        assert_says(speak(hass_process, entry, SENTENCE).body, SENTENCE)
        remove(hass_process, entry)

"""Home Assistant's own Wyoming integration, as it is, in front of our server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .hass import Fetched, HassProcess, Websocket, free_port
from .server import ServerProcess
from .sound import assert_says

SENTENCE = "The kitchen light is on now."
REPLY = (
    "I have closed the garage door. Then I turned the heating down, because nobody is at home."
    " The front door has been open since this morning, and the battery of the car is almost full."
)


@dataclass(frozen=True)
class Entry:
    """A server that was added to Home Assistant."""

    id: str
    tts: str
    """Its entity."""


def add(hass: HassProcess, server: ServerProcess) -> Entry:
    """Add a server as a user does."""
    flows = "/api/config/config_entries/flow"
    before = entities(hass, "tts")
    form = hass.call("POST", flows, {"handler": "wyoming"})
    answer = hass.call("POST", f"{flows}/{form['flow_id']}", {"host": server.host, "port": server.port})
    assert answer["type"] == "create_entry", answer
    assert answer["result"]["state"] == "loaded"
    (entity,) = entities(hass, "tts") - before
    return Entry(answer["result"]["entry_id"], entity)


def remove(hass: HassProcess, entry: Entry) -> None:
    hass.call("DELETE", f"/api/config/config_entries/entry/{entry.id}")


def entities(hass: HassProcess, domain: str) -> set[str]:
    return {state["entity_id"] for state in hass.call("GET", "/api/states") if state["entity_id"].startswith(domain)}


def speak(hass: HassProcess, entry: Entry, message: str, **request: Any) -> Fetched:
    """What anybody gets who asks for the URL of a spoken message."""
    url = hass.call("POST", "/api/tts_get_url", {"engine_id": entry.tts, "message": message, "cache": False} | request)
    return hass.fetch(url["path"])


@pytest.fixture(scope="module")
def entry(hass_process: HassProcess, server: ServerProcess) -> Iterator[Entry]:
    entry = add(hass_process, server)
    yield entry
    remove(hass_process, entry)


@pytest.fixture
async def websocket(hass_process: HassProcess) -> AsyncIterator[Websocket]:
    async with hass_process.websocket() as websocket:
        yield websocket


@pytest.fixture
async def pipeline(websocket: Websocket, entry: Entry) -> AsyncIterator[str]:
    """An Assist pipeline with our voice."""
    (language,) = await languages(websocket, entry)
    created = await websocket.call(
        "assist_pipeline/pipeline/create",
        name="Test",
        language="en",
        conversation_engine="conversation.parrot",
        conversation_language="en",
        stt_engine=None,
        stt_language=None,
        tts_engine=entry.tts,
        tts_language=language,
        tts_voice=None,
        wake_word_entity=None,
        wake_word_id=None,
    )
    yield created["id"]
    await websocket.call("assist_pipeline/pipeline/delete", pipeline_id=created["id"])


async def languages(websocket: Websocket, entry: Entry) -> list[str]:
    provider = (await websocket.call("tts/engine/get", engine_id=entry.tts))["provider"]
    found: list[str] = provider["supported_languages"]
    return found


async def run(websocket: Websocket, pipeline: str, text: str) -> int:
    """Tell the pipeline something."""
    number = await websocket.send(
        "assist_pipeline/run", start_stage="intent", end_stage="tts", input={"text": text}, pipeline=pipeline
    )
    await websocket.result(number)
    return number


async def events_until(websocket: Websocket, number: int, last: str) -> list[dict[str, Any]]:
    events = [await websocket.event(number)]
    while events[-1]["type"] != last:
        assert events[-1]["type"] != "error", events[-1]
        events.append(await websocket.event(number))
    return events


async def test_voices_are_offered(websocket: Websocket, entry: Entry) -> None:
    for language in await languages(websocket, entry):
        answer = await websocket.call("tts/engine/voices", engine_id=entry.tts, language=language)
        assert answer["voices"]


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
def test_a_message_is_spoken(hass_process: HassProcess, entry: Entry, options: dict[str, Any], format: str) -> None:
    fetched = speak(hass_process, entry, REPLY, options=options)

    assert fetched.status == 200
    assert fetched.content_type.removeprefix("audio/").removeprefix("x-") == format
    assert_says(fetched.body, REPLY)


async def test_a_voice_can_be_chosen(hass_process: HassProcess, websocket: Websocket, entry: Entry) -> None:
    (language,) = await languages(websocket, entry)
    voices = (await websocket.call("tts/engine/voices", engine_id=entry.tts, language=language))["voices"]

    fetched = speak(hass_process, entry, SENTENCE, language=language, options={"voice": voices[0]["voice_id"]})

    assert_says(fetched.body, SENTENCE)


def test_an_unknown_voice_is_an_error(hass_process: HassProcess, entry: Entry) -> None:
    fetched = speak(hass_process, entry, SENTENCE, options={"voice": "nobody"})

    assert fetched.status == 500
    hass_process.wait_for_log("Error from Wyoming service")
    assert_says(speak(hass_process, entry, SENTENCE).body, SENTENCE)


async def test_a_player_plays(websocket: Websocket, entry: Entry) -> None:
    played = await websocket.send("subscribe_events", event_type="test_house_played")
    await websocket.result(played)

    await websocket.call(
        "call_service",
        domain="tts",
        service="speak",
        target={"entity_id": entry.tts},
        service_data={"media_player_entity_id": "media_player.recorder", "message": REPLY, "cache": False},
    )

    data = (await websocket.event(played))["data"]
    assert (data["status"], data["content_type"]) == (200, "audio/mpeg")
    assert_says(await asyncio.to_thread(Path(data["path"]).read_bytes), REPLY)


async def test_a_pipeline_speaks_while_its_text_still_arrives(
    hass_process: HassProcess, websocket: Websocket, pipeline: str
) -> None:
    number = await run(websocket, pipeline, REPLY)
    begun = (await events_until(websocket, number, "run-start"))[-1]["data"]["tts_output"]
    fetching = asyncio.create_task(asyncio.to_thread(hass_process.fetch, begun["url"]))
    started = asyncio.get_running_loop().time()
    events = await events_until(websocket, number, "intent-end")
    text_s = asyncio.get_running_loop().time() - started
    ended = (await events_until(websocket, number, "run-end"))[-2]
    fetched = await fetching

    assert begun["stream_response"]
    assert any(event["data"].get("tts_start_streaming") for event in events)
    assert ended["type"] == "tts-end"
    assert ended["data"]["tts_output"]["url"] == begun["url"]
    assert fetched.first_s < text_s
    assert_says(fetched.body, REPLY)


async def test_a_pipeline_speaks_a_short_reply(hass_process: HassProcess, websocket: Websocket, pipeline: str) -> None:
    number = await run(websocket, pipeline, SENTENCE)
    output = (await events_until(websocket, number, "tts-end"))[-1]["data"]["tts_output"]

    assert_says(hass_process.fetch(output["url"]).body, SENTENCE)


def test_a_server_may_go_and_come_back(hass_process: HassProcess, server_python: str, tmp_path: Path) -> None:
    server = ServerProcess(server_python, free_port(), tmp_path)
    try:
        server.start()
        entry = add(hass_process, server)
        server.stop()
        assert speak(hass_process, entry, SENTENCE).status == 500
        server.start()
        assert_says(speak(hass_process, entry, SENTENCE).body, SENTENCE)
        remove(hass_process, entry)
    finally:
        server.stop()

"""What users do with a running Home Assistant: add servers, have messages spoken, talk to voice assistants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .hass_process import Fetched, HassProcess, Websocket
from .server_process import ServerProcess

FLOWS = "/api/config/config_entries/flow"


@dataclass(frozen=True)
class Entry:
    """A server that was added to Home Assistant."""

    id: str
    tts: str
    """Its text-to-speech entity."""


def add(hass: HassProcess, server: ServerProcess, integration: str = "wyoming") -> Entry:
    """Add a server as a user does."""
    form = hass.call("POST", FLOWS, {"handler": integration})
    return finish(hass, form["flow_id"], {"host": server.host, "port": server.port})


def finish(hass: HassProcess, flow: str, data: dict[str, Any]) -> Entry:
    """Submit the last form of a flow that adds a server."""
    before = entities(hass, "tts")
    answer = hass.call("POST", f"{FLOWS}/{flow}", data)
    assert answer["type"] == "create_entry", answer
    assert answer["result"]["state"] == "loaded"
    (entity,) = entities(hass, "tts") - before
    return Entry(answer["result"]["entry_id"], entity)


def remove(hass: HassProcess, entry: Entry) -> None:
    hass.call("DELETE", f"/api/config/config_entries/entry/{entry.id}")


def entities(hass: HassProcess, domain: str) -> set[str]:
    return {state["entity_id"] for state in hass.call("GET", "/api/states") if state["entity_id"].startswith(domain)}


def speak(hass: HassProcess, entry: Entry, message: str, **request: Any) -> Fetched:
    """Have a message generated, and fetch it from the URL that Home Assistant gives."""
    url = hass.call("POST", "/api/tts_get_url", {"engine_id": entry.tts, "message": message, "cache": False} | request)
    return hass.fetch(url["path"])


def change(hass: HassProcess, entry: Entry, **options: Any) -> None:
    """Save options; all others are left to the server."""
    flows = "/api/config/config_entries/options/flow"
    answer = hass.call("POST", f"{flows}/{options_form(hass, entry)['flow_id']}", options)
    assert answer["type"] == "create_entry", answer


def options_form(hass: HassProcess, entry: Entry) -> Any:
    """The options form as the frontend gets it."""
    return hass.call("POST", "/api/config/config_entries/options/flow", {"handler": entry.id})


async def sensor(websocket: Websocket, entry: Entry, key: str) -> str:
    """The entity ID of a sensor."""
    registered = await websocket.call("config/entity_registry/list")
    (entity,) = (e for e in registered if (e["config_entry_id"], e["translation_key"]) == (entry.id, key))
    return str(entity["entity_id"])


async def voices(websocket: Websocket, entry: Entry, language: str) -> list[str]:
    """The names of the voices that speak a language."""
    answer = await websocket.call("tts/engine/voices", engine_id=entry.tts, language=language)
    return [voice["voice_id"] for voice in answer["voices"]]


async def languages(websocket: Websocket, entry: Entry) -> list[str]:
    provider = (await websocket.call("tts/engine/get", engine_id=entry.tts))["provider"]
    found: list[str] = provider["supported_languages"]
    return found


async def run(websocket: Websocket, pipeline: str, text: str) -> int:
    """Send text to a pipeline; returns the number of the run."""
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


@asynccontextmanager
async def pipeline(websocket: Websocket, entry: Entry) -> AsyncIterator[str]:
    """An Assist pipeline that speaks with an entry."""
    (language,) = await languages(websocket, entry)
    created = await websocket.call(
        "assist_pipeline/pipeline/create",
        name="Test",
        language="en",
        conversation_engine="conversation.echo",
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


@dataclass(frozen=True)
class Spoken:
    """The spoken answer of a pipeline."""

    fetched: Fetched
    text_s: float
    """When its text was complete, in seconds since the request for `fetched`."""


async def converse(hass: HassProcess, websocket: Websocket, pipeline: str, text: str) -> Spoken:
    """Send text to a pipeline, and fetch its spoken answer from the start of the run on, as satellites do."""
    number = await run(websocket, pipeline, text)
    begun = (await events_until(websocket, number, "run-start"))[-1]["data"]["tts_output"]
    fetching = asyncio.create_task(asyncio.to_thread(hass.fetch, begun["url"]))
    started = asyncio.get_running_loop().time()
    events = await events_until(websocket, number, "intent-end")
    text_s = asyncio.get_running_loop().time() - started
    ended = (await events_until(websocket, number, "run-end"))[-2]
    assert begun["stream_response"]
    assert any(event["data"].get("tts_start_streaming") for event in events)
    assert ended["type"] == "tts-end"
    assert ended["data"]["tts_output"]["url"] == begun["url"]
    return Spoken(await fetching, text_s)


async def play(websocket: Websocket, entry: Entry, message: str) -> bytes:
    """Have a message spoken by a media player; returns the file that it played."""
    played = await websocket.send("subscribe_events", event_type="assist_stub_played")
    await websocket.result(played)
    await websocket.call(
        "call_service",
        domain="tts",
        service="speak",
        target={"entity_id": entry.tts},
        service_data={"media_player_entity_id": "media_player.recorder", "message": message, "cache": False},
    )
    data = (await websocket.event(played))["data"]
    assert (data["status"], data["content_type"]) == (200, "audio/mpeg")
    return await asyncio.to_thread(Path(data["path"]).read_bytes)

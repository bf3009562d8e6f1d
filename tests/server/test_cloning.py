"""Adding and removing voices from the network."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from tests.support.client import read_event, read_until
from tests.support.fakes import ScriptedEngine, make_voice
from tests.support.server import make_context, served
from wyoming_k2so.engine import Cloning, EngineError
from wyoming_k2so.server.context import ADD_VOICE, MAX_CLIP_BYTES
from wyoming_k2so.server.live_settings import MOST_CLIPS, Refused
from wyoming_k2so.settings.config import Config, ServerConfig

CLIP = b"RIFF" + bytes(2_000_000)


class CloningEngine(ScriptedEngine):
    """Makes a voice of any clip, except silence."""

    def __init__(self) -> None:
        super().__init__(make_voice("own"), name="xtts")
        self.clips: list[bytes] = []
        self.may_clone = threading.Event()
        self.may_clone.set()

    def add_voice(self, name: str, language: str | None, clip: bytes) -> None:
        self.may_clone.wait(30)
        if clip == b"silence":
            raise EngineError("the clip is silent")
        if clip == b"bomb":
            raise RuntimeError
        self.clips.append(clip)
        self._voices = (*self._voices, make_voice(name, language or "en-US"))

    def remove_voice(self, name: str) -> None:
        if name == "own":
            raise EngineError("own must stay")
        self._voices = tuple(voice for voice in self._voices if voice.name != name)


async def ask(client: AsyncTcpClient, type: str, payload: bytes | None = None, **data: Any) -> Event:
    await client.write_event(Event(type, data, payload))
    event = await read_event(client)
    assert event is not None
    return event


def test_only_some_engines_clone() -> None:
    assert isinstance(CloningEngine(), Cloning)
    assert not isinstance(ScriptedEngine(), Cloning)


async def test_a_voice_is_added_spoken_and_removed() -> None:
    engine = CloningEngine()
    async with served(engine, ScriptedEngine(name="piper")) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        answer = await ask(client, ADD_VOICE, CLIP, name="Jo\u0308rg", language="de")
        assert answer.type == "k2so-info"
        assert engine.clips == [CLIP]
        assert [voice.name for voice in engine.voices()] == ["own", "J\u00f6rg"]
        await client.write_event(Event("synthesize", {"text": "Hallo.", "voice": {"name": "J\u00f6rg"}}))
        assert (await read_until(client, "audio-stop")).error is None
        assert engine.requests[0].voice == "J\u00f6rg"

        assert (await ask(client, "k2so-remove-voice", name="J\u00f6rg")).type == "k2so-info"
        assert [voice.name for voice in engine.voices()] == ["own"]


@pytest.mark.parametrize(
    ("type", "payload", "data", "code", "complaint"),
    [
        (ADD_VOICE, b"silence", {"name": "anna"}, "bad-voice", "is silent"),
        (ADD_VOICE, b"bomb", {"name": "anna"}, "bad-voice", "RuntimeError"),
        (ADD_VOICE, CLIP, {"name": "OWN"}, "bad-voice", "is a voice OWN already"),
        (ADD_VOICE, CLIP, {"name": " piper-voice "}, "bad-voice", "already"),
        (ADD_VOICE, CLIP, {}, "bad-request", "name is missing"),
        (ADD_VOICE, CLIP, {"name": "anna", "language": 5}, "bad-request", "language must be a string"),
        (ADD_VOICE, None, {"name": "anna"}, "bad-request", "clip is missing"),
        ("k2so-remove-voice", None, {"name": "own"}, "bad-voice", "must stay"),
        ("k2so-remove-voice", None, {"name": 5}, "bad-request", "name must be a string"),
    ],
)
async def test_a_rejected_voice_is_explained_and_changes_nothing(
    type: str, payload: bytes | None, data: dict[str, Any], code: str, complaint: str
) -> None:
    engine, other = CloningEngine(), ScriptedEngine(make_voice("piper-voice"), name="piper")
    async with served(engine, other) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        answer = await ask(client, type, payload, **data)
        assert (answer.type, answer.data["code"]) == ("error", code)
        assert complaint in answer.data["text"]
        assert [voice.name for voice in engine.voices()] == ["own"]
        assert (await ask(client, "ping")).type == "pong"


async def test_without_an_engine_that_clones_the_request_is_rejected() -> None:
    async with served(ScriptedEngine(name="piper")) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        for asked, payload in ((ADD_VOICE, CLIP), ("k2so-remove-voice", None)):
            answer = await ask(client, asked, payload, name="anna")
            assert (answer.type, answer.data["code"]) == ("error", "cannot-clone")
            assert answer.data["text"] == "no engine that clones voices is loaded: xtts is off"


async def test_locked_settings_reject_voices() -> None:
    engine = CloningEngine()
    control = make_context(engine, config=Config(server=ServerConfig(lock_settings=True))).live_settings
    for change in (control.add_voice("anna", None, CLIP), control.remove_voice("own")):
        with pytest.raises(Refused) as refusal:
            await change
        assert refusal.value.code == "locked"
    assert engine.clips == []


async def test_the_default_voice_cannot_be_removed() -> None:
    engine = CloningEngine()
    control = make_context(engine).live_settings
    await control.add_voice("anna", None, CLIP)
    await control.change({"voice": "anna"})
    with pytest.raises(Refused, match="default voice"):
        await control.remove_voice("Anna")
    await control.change({"voice": None})
    await control.remove_voice("anna")


async def test_a_connection_adds_one_voice_at_a_time_and_is_read_meanwhile() -> None:
    engine = CloningEngine()
    engine.may_clone.clear()
    async with served(engine) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Event(ADD_VOICE, {"name": "anna"}, CLIP))
        assert (await ask(client, "ping")).type == "pong"
        answer = await ask(client, ADD_VOICE, CLIP, name="bob")
        assert "wait for its answer" in answer.data["text"]
        assert await read_event(client) is None
        engine.may_clone.set()


async def test_the_number_of_waiting_clips_is_limited() -> None:
    engine = CloningEngine()
    engine.may_clone.clear()
    control = make_context(engine).live_settings
    adding = [asyncio.create_task(control.add_voice(f"voice {n}", None, CLIP)) for n in range(MOST_CLIPS)]
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="other voices are being made") as caught:
        await control.add_voice("one more", None, CLIP)
    assert caught.value.code == "busy"
    engine.may_clone.set()
    await asyncio.gather(*adding)
    await control.add_voice("one more", None, CLIP)
    assert len(engine.clips) == MOST_CLIPS + 1


async def test_the_size_of_a_clip_is_limited() -> None:
    async with served(CloningEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        assert (await ask(client, ADD_VOICE, bytes(MAX_CLIP_BYTES), name="anna")).type == "k2so-info"
        client._writer.write(f'{{"type": "{ADD_VOICE}", "payload_length": {MAX_CLIP_BYTES + 1}}}\n'.encode())
        answer = await read_event(client)
        assert answer is not None
        assert f"at most {MAX_CLIP_BYTES}" in answer.data["text"]

"""Replies that fail, and replies that are given up: an error each, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from homeassistant.components import tts
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.common import MockConfigEntry
from wyoming.error import Error
from wyoming.event import Event

from custom_components.k2so import client

from .conftest import TENTH
from .fake_server import RATE, START, STOP, STOPPED, Peer, chunk
from .server_process import ServerProcess
from .speech_entity import ENTITY, REPLY, SENTENCE, collect, entity, pieces, speak, stream

# ---- fails ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ([START, chunk(TENTH), Error("out of breath", "synthesis-failed").event(), STOP, STOPPED], "synthesis_failed"),
        ([Error("nobody of that name", "unknown-voice").event(), STOP, STOPPED], "unknown_voice"),
        ([START, chunk(TENTH), None], "disconnected"),
        ([START, chunk(TENTH), b'{"type": "audio-chunk", "payload_length": 9}\n1234', None], "disconnected"),
        ([START, chunk(TENTH), b"not even\n"], "disconnected"),
        ([START, b"[]\n"], "bad_answer"),
        ([START, Event("audio-chunk", {}, TENTH)], "bad_answer"),
        ([START, chunk(TENTH), Event("audio-start", {"rate": 8000, "width": 2, "channels": 1})], "bad_answer"),
        ([START, chunk(b"odd")], "bad_answer"),
        ([START, Event("audio-chunk", {"rate": RATE, "width": 4, "channels": 1}, TENTH)], "bad_answer"),
        ([Event("audio-start", {"rate": RATE, "width": 0, "channels": 1})], "bad_answer"),
        ([Event("audio-start", {"rate": "fast", "width": 2, "channels": 1})], "bad_answer"),
        ([START, chunk(TENTH)], "timeout"),
        ([STOP, STOPPED], "no_sound"),
    ],
)
async def test_a_failure_ends_the_stream_with_an_error(
    home: HomeAssistant, ours: Peer, monkeypatch: pytest.MonkeyPatch, answer: list[Any], key: str
) -> None:
    monkeypatch.setattr(client, "SILENCE_S", 0.2)
    right, ours.script["synthesize-stop"] = ours.script["synthesize-stop"], answer

    with pytest.raises(client.K2soError) as caught:
        await collect(await stream(home))
    assert caught.value.translation_key == key
    assert "exceptions" not in str(caught.value)
    await asyncio.wait_for(ours.left.wait(), 5)

    ours.script["synthesize-stop"] = right
    assert await collect(await stream(home))


async def test_a_whole_file_fails_as_a_whole(home: HomeAssistant, ours: Peer) -> None:
    ours.script["synthesize-stop"] = [STOPPED]
    with pytest.raises(client.K2soError) as caught:
        await entity(home).async_get_tts_audio(SENTENCE, "en", {})
    assert caught.value.translation_key == "no_sound"


async def test_a_failed_reply_is_not_kept(home: HomeAssistant, ours: Peer) -> None:
    right = ours.script["synthesize-stop"]
    ours.script["synthesize-stop"] = [START, chunk(TENTH), None]
    with pytest.raises(HomeAssistantError):
        await speak(home, SENTENCE, preferred_format="wav")

    ours.script["synthesize-stop"] = right
    assert (await speak(home, SENTENCE, preferred_format="wav")).endswith(TENTH)


async def test_a_text_without_end_is_given_up(home: HomeAssistant, ours: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TEXT_S", 0.2)
    forever = asyncio.Event()

    async def text() -> AsyncGenerator[str]:
        yield "Once upon a time"
        await forever.wait()

    with pytest.raises(client.K2soError) as caught:
        await collect(await stream(home, text()))
    assert caught.value.translation_key == "text_timeout"
    await asyncio.wait_for(ours.left.wait(), 5)


@pytest.mark.parametrize("failure", [HomeAssistantError("no answer"), KeyError("no answer"), OSError("no answer")])
async def test_a_text_that_fails_takes_the_reply_with_it(home: HomeAssistant, ours: Peer, failure: Exception) -> None:
    async def text() -> AsyncGenerator[str]:
        yield "The answer is"
        raise failure

    with pytest.raises(client.K2soError, match="no answer") as caught:
        await collect(await stream(home, text()))
    assert caught.value.translation_key == "text_failed"
    await asyncio.wait_for(ours.left.wait(), 5)


async def test_the_house_learns_at_once_that_the_server_is_gone(home: HomeAssistant, ours: Peer) -> None:
    await ours.close()

    with pytest.raises(client.K2soError) as caught:
        await collect(await stream(home))
    await home.async_block_till_done(wait_background_tasks=True)

    assert caught.value.translation_key == "cannot_connect"
    state = home.states.get(ENTITY)
    assert state
    assert state.state == "unavailable"


# ---- cancelled ------------------------------------------------------------------------------------------------------


async def test_closing_the_sound_cancels_the_servers_work(
    home: HomeAssistant, entry: MockConfigEntry, server: ServerProcess
) -> None:
    before = len(server.log())
    async with aclosing(await stream(home, pieces(REPLY * 20), "en-US")) as sound:
        await anext(sound)
        await anext(sound)

    await asyncio.to_thread(server.wait_for_log, ", cancelled", after=before)


async def test_cancelling_the_listener_leaves_nothing_behind(home: HomeAssistant, ours: Peer) -> None:
    ours.script["synthesize-stop"] = [START, chunk(TENTH)]
    listening = asyncio.create_task(collect(await stream(home)))
    await asyncio.sleep(0.2)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    await asyncio.wait_for(ours.left.wait(), 5)


async def test_when_home_assistant_gives_a_message_up_the_server_stops(
    home: HomeAssistant, entry: MockConfigEntry, server: ServerProcess
) -> None:
    before = len(server.log())
    result = tts.async_create_stream(home, ENTITY, "en-US", {"preferred_format": "wav"})
    result.async_set_message(REPLY * 20)
    async with aclosing(result.async_stream_result()) as sound:
        await anext(sound)
        await anext(sound)
    making = [task for task in asyncio.all_tasks() if task.get_name().startswith("tts_load_data_into_cache")]
    assert len(making) == 1  # a listener who leaves does not end it

    making[0].cancel()

    await asyncio.to_thread(server.wait_for_log, ", cancelled", after=before)

"""Replies that fail or are cancelled: each ends with an error, and nothing is left running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest
from homeassistant.components import tts
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.common import MockConfigEntry
from wyoming.error import Error
from wyoming.event import Event

from custom_components.k2so import client
from custom_components.k2so.coordinator import COOLDOWN_S, SHORT_INTERVAL, UPDATE_INTERVAL
from custom_components.k2so.errors import K2soError

from .config_entries import pass_time
from .fake_server import RATE, START, STOP, STOPPED, TENTH, FakeServer, chunk
from .server_process import LOG_CANCELLED, ServerProcess
from .speech_entity import ENTITY, REPLY, SENTENCE, collect, entity, pieces, speak, stream

# ---- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ([START, chunk(TENTH), Error("out of memory", "synthesis-failed").event(), STOP, STOPPED], "synthesis_failed"),
        ([Error("there is no such voice", "unknown-voice").event(), STOP, STOPPED], "unknown_voice"),
        ([Error("8 replies are waiting", "busy").event(), STOP, STOPPED], "busy"),
        ([Error("out of tea", "teapot").event(), STOP, STOPPED], "server_error"),
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
    home: HomeAssistant, k2so_server: FakeServer, monkeypatch: pytest.MonkeyPatch, answer: list[Any], key: str
) -> None:
    monkeypatch.setattr(client, "SILENCE_S", 0.2)
    valid, k2so_server.script["synthesize-stop"] = k2so_server.script["synthesize-stop"], answer

    with pytest.raises(K2soError) as caught:
        await collect(await stream(home))
    assert caught.value.translation_key == key
    assert "exceptions" not in str(caught.value)
    await asyncio.wait_for(k2so_server.left.wait(), 5)

    k2so_server.script["synthesize-stop"] = valid
    assert await collect(await stream(home))


async def test_a_reply_from_a_server_that_forbids_access_is_not_retried(
    home: HomeAssistant, k2so_server: FakeServer
) -> None:
    k2so_server.refusal = Error("127.0.0.1 is not on the allow list", "forbidden")
    before = k2so_server.connections

    with pytest.raises(K2soError, match="127.0.0.1 is not on the allow list. Add the address") as caught:
        await collect(await stream(home))
    assert caught.value.translation_key == "forbidden"
    for interval in (timedelta(seconds=COOLDOWN_S), SHORT_INTERVAL, UPDATE_INTERVAL):
        await pass_time(home, interval)

    assert k2so_server.connections == before + 2  # the reply, and the update that follows it
    state = home.states.get(ENTITY)
    assert state
    assert state.state == "unavailable"


async def test_a_failed_reply_without_streaming_raises_the_error(home: HomeAssistant, k2so_server: FakeServer) -> None:
    k2so_server.script["synthesize-stop"] = [STOPPED]
    with pytest.raises(K2soError) as caught:
        await entity(home).async_get_tts_audio(SENTENCE, "en", {})
    assert caught.value.translation_key == "no_sound"


async def test_a_failed_reply_is_not_cached(home: HomeAssistant, k2so_server: FakeServer) -> None:
    valid = k2so_server.script["synthesize-stop"]
    k2so_server.script["synthesize-stop"] = [START, chunk(TENTH), None]
    with pytest.raises(HomeAssistantError):
        await speak(home, SENTENCE, preferred_format="wav")

    k2so_server.script["synthesize-stop"] = valid
    assert (await speak(home, SENTENCE, preferred_format="wav")).endswith(TENTH)


async def test_a_text_that_never_ends_times_out(
    home: HomeAssistant, k2so_server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TEXT_S", 0.2)
    forever = asyncio.Event()

    async def text() -> AsyncGenerator[str]:
        yield "Once upon a time"
        await forever.wait()

    with pytest.raises(K2soError) as caught:
        await collect(await stream(home, text()))
    assert caught.value.translation_key == "text_timeout"
    await asyncio.wait_for(k2so_server.left.wait(), 5)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (HomeAssistantError("no answer"), "No answer."),
        (KeyError("no answer"), "'no answer'."),
        (OSError(), "OSError."),
    ],
)
async def test_a_text_that_fails_ends_the_reply_with_an_error(
    home: HomeAssistant, k2so_server: FakeServer, failure: Exception, reason: str
) -> None:
    async def text() -> AsyncGenerator[str]:
        yield "The answer is"
        raise failure

    with pytest.raises(K2soError, match="Failed to receive the text") as caught:
        await collect(await stream(home, text()))
    assert caught.value.translation_key == "text_failed"
    assert caught.value.translation_placeholders == {"reason": reason}
    await asyncio.wait_for(k2so_server.left.wait(), 5)


async def test_a_failed_reply_shows_at_once_that_the_server_is_gone(
    home: HomeAssistant, k2so_server: FakeServer
) -> None:
    await k2so_server.close()

    with pytest.raises(K2soError) as caught:
        await collect(await stream(home))
    await home.async_block_till_done(wait_background_tasks=True)

    assert caught.value.translation_key == "cannot_connect"
    state = home.states.get(ENTITY)
    assert state
    assert state.state == "unavailable"


# ---- cancellation ---------------------------------------------------------------------------------------------------


async def test_closing_the_stream_cancels_the_reply_on_the_server(
    home: HomeAssistant, entry: MockConfigEntry, server: ServerProcess
) -> None:
    before = len(server.log())
    async with aclosing(await stream(home, pieces(REPLY * 20), "en-US")) as sound:
        await anext(sound)
        await anext(sound)

    await asyncio.to_thread(server.wait_for_log, LOG_CANCELLED, after=before)


async def test_cancelling_the_reader_closes_the_connection(home: HomeAssistant, k2so_server: FakeServer) -> None:
    k2so_server.script["synthesize-stop"] = [START, chunk(TENTH)]
    listening = asyncio.create_task(collect(await stream(home)))
    await asyncio.sleep(0.2)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    await asyncio.wait_for(k2so_server.left.wait(), 5)


async def test_the_server_stops_when_home_assistant_cancels_a_message(
    home: HomeAssistant, entry: MockConfigEntry, server: ServerProcess
) -> None:
    before = len(server.log())
    result = tts.async_create_stream(home, ENTITY, "en-US", {"preferred_format": "wav"})
    result.async_set_message(REPLY * 20)
    async with aclosing(result.async_stream_result()) as sound:
        await anext(sound)
        await anext(sound)
    generating = [task for task in asyncio.all_tasks() if task.get_name().startswith("tts_load_data_into_cache")]
    assert len(generating) == 1  # it continues when the listener leaves

    generating[0].cancel()

    await asyncio.to_thread(server.wait_for_log, LOG_CANCELLED, after=before)

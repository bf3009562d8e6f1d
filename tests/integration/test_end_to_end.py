"""The integration in a real Home Assistant with a real server; Whisper listens to the result."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from . import user_actions
from .audio_checks import assert_says, decode
from .hass_process import HassProcess, Websocket
from .server_process import LOG_SEGMENT, ServerProcess
from .user_actions import Entry, add, change, converse, entities, play, remove, run, speak

SENTENCE = "The kitchen light is on now."
REPLY = (
    "The washing machine is ready. It is raining outside, and the window in the bedroom is still open."
    " The front door has been open since this morning, and the battery of the car is almost full."
)
SATELLITE_FORMAT = {
    "preferred_format": "wav",
    "preferred_sample_rate": 16000,
    "preferred_sample_channels": 1,
    "preferred_sample_bytes": 2,
}


def wait_for(hass: HassProcess, entity: str, *, available: bool, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while (hass.state(entity) != "unavailable") != available:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("options", "format"), [({}, "mpeg"), ({"preferred_format": "wav"}, "wav"), (SATELLITE_FORMAT, "wav")]
)
def test_speaks_a_message(hass_process: HassProcess, added: Entry, options: dict[str, Any], format: str) -> None:
    fetched = speak(hass_process, added, REPLY, options=options)

    assert fetched.status == 200
    assert fetched.content_type.removeprefix("audio/").removeprefix("x-") == format
    assert_says(fetched.body, REPLY)


def test_streams_a_message_while_it_is_generated(hass_process: HassProcess, added: Entry) -> None:
    fetched = speak(
        hass_process, added, " ".join(f"{REPLY} This was number {n}." for n in range(5)), options=SATELLITE_FORMAT
    )
    assert fetched.first_s < fetched.total_s / 3
    assert len(decode(fetched.body)) / 16000 > 30


async def test_a_media_player_plays_a_message(websocket: Websocket, added: Entry) -> None:
    assert_says(await play(websocket, added, REPLY), REPLY)


async def test_a_pipeline_speaks_while_its_text_still_arrives(
    hass_process: HassProcess, websocket: Websocket, added: Entry
) -> None:
    async with user_actions.pipeline(websocket, added) as pipeline:
        spoken = await converse(hass_process, websocket, pipeline, REPLY)

    assert spoken.fetched.first_s < spoken.text_s
    assert_says(spoken.fetched.body, REPLY)


async def test_the_server_stops_when_a_pipeline_is_cancelled(
    hass_process: HassProcess, websocket: Websocket, added: Entry, server: ServerProcess
) -> None:
    before = len(server.log())
    async with user_actions.pipeline(websocket, added) as pipeline:
        number = await run(websocket, pipeline, f"{REPLY} {REPLY} And that was all of it.")
        await asyncio.to_thread(server.wait_for_log, LOG_SEGMENT + "'The washing machine", after=before, timeout_s=30)
        await websocket.call("unsubscribe_events", subscription=number)

    assert_says((await asyncio.to_thread(speak, hass_process, added, SENTENCE)).body, SENTENCE)
    await asyncio.sleep(3)
    assert "battery of the car" not in server.log()[before:]


def test_options_apply_from_the_next_reply_on(hass_process: HassProcess, added: Entry) -> None:
    # With the cache, as by default.
    wav = {"options": {"preferred_format": "wav"}, "cache": True}
    before = speak(hass_process, added, SENTENCE, **wav).body
    with ThreadPoolExecutor() as pool:
        speaking = pool.submit(speak, hass_process, added, " ".join([REPLY] * 3), options=SATELLITE_FORMAT)
        time.sleep(0.2)
        change(hass_process, added, speed=2.0, chunk_samples="2048")
        whole = speaking.result()
    fast = speak(hass_process, added, SENTENCE, **wav).body
    change(hass_process, added)

    assert len(fast) < 0.75 * len(before)
    assert_says(whole.body, " ".join([REPLY] * 3))


def test_recovers_when_the_server_restarts(hass_process: HassProcess, server_python: str, tmp_path: Path) -> None:
    with ServerProcess(server_python, tmp_path).running() as server:
        entry = add(hass_process, server, "k2so")
        server.stop()
        assert speak(hass_process, entry, SENTENCE).status == 500
        wait_for(hass_process, entry.tts, available=False)
        server.start()
        wait_for(hass_process, entry.tts, available=True)
        assert_says(speak(hass_process, entry, SENTENCE).body, SENTENCE)
        assert hass_process.log().count(f"127.0.0.1:{server.port}) data recovered") == 1
        remove(hass_process, entry)
        assert entry.tts not in entities(hass_process, "tts")

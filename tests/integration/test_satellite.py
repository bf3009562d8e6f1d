"""Announcements on a real satellite: Home Assistant, our integration and server, and wyoming-satellite."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from . import user_actions
from .audio_checks import assert_samples_say
from .environment import allow_sockets, python_of
from .hass_process import HassProcess, Websocket
from .satellite_process import RATE, SatelliteProcess
from .user_actions import Entry, entities

MESSAGE = "Dinner is ready. Please wash your hands and come to the table."


@pytest.fixture(scope="module")
def satellite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SatelliteProcess]:
    allow_sockets()
    python = python_of("K2SO_DEV_SATELLITE_PYTHON")
    with SatelliteProcess(python, tmp_path_factory.mktemp("satellite")).running() as satellite:
        yield satellite


def add_satellite(hass: HassProcess, process: SatelliteProcess) -> tuple[str, str]:
    """Add a satellite as a user does; returns the IDs of its entry and its entity."""
    flows = "/api/config/config_entries/flow"
    before = entities(hass, "assist_satellite")
    form = hass.call("POST", flows, {"handler": "wyoming"})
    answer = hass.call("POST", f"{flows}/{form['flow_id']}", {"host": process.host, "port": process.port})
    assert answer["type"] == "create_entry", answer
    deadline = time.monotonic() + 10
    while not (found := entities(hass, "assist_satellite") - before):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (entity,) = found
    return answer["result"]["entry_id"], entity


async def test_a_satellite_plays_an_announcement(
    hass_process: HassProcess, websocket: Websocket, added: Entry, satellite: SatelliteProcess
) -> None:
    async with user_actions.pipeline(websocket, added) as pipeline:
        preferred = (await websocket.call("assist_pipeline/pipeline/list"))["preferred_pipeline"]
        await websocket.call("assist_pipeline/pipeline/set_preferred", pipeline_id=pipeline)
        entry_id, entity = await asyncio.to_thread(add_satellite, hass_process, satellite)
        await asyncio.to_thread(satellite.wait_for_log, "Server set")

        await websocket.call(
            "call_service",
            domain="assist_satellite",
            service="announce",
            target={"entity_id": entity},
            service_data={"message": MESSAGE, "preannounce": False},
        )

        played = satellite.take_played()
        hass_process.call("DELETE", f"/api/config/config_entries/entry/{entry_id}")
        await websocket.call("assist_pipeline/pipeline/set_preferred", pipeline_id=preferred)
    assert_samples_say(played, RATE, MESSAGE)

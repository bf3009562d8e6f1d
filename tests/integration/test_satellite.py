"""Announcements to a real satellite: Home Assistant, our integration and server, wyoming-satellite, and ears."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator

import pytest

from . import household
from .conftest import allow_sockets
from .hass import HassProcess, Websocket, free_port
from .household import Entry, add, entities, remove
from .satellite import RATE, SatelliteProcess
from .server import ServerProcess
from .sound import assert_samples_say

MESSAGE = "Dinner is ready. Please wash your hands and come to the table."


@pytest.fixture(scope="module")
def entry(hass_process: HassProcess, server: ServerProcess) -> Iterator[Entry]:
    allow_sockets()
    entry = add(hass_process, server, "k2so")
    yield entry
    remove(hass_process, entry)


@pytest.fixture(scope="module")
def running_satellite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SatelliteProcess]:
    allow_sockets()
    python = os.environ.get("K2SO_DEV_SATELLITE_PYTHON")
    if not python:
        pytest.fail("K2SO_DEV_SATELLITE_PYTHON must name the Python of the satellite's own environment")
    process = SatelliteProcess(python, free_port(), tmp_path_factory.mktemp("satellite"))
    try:
        process.start()
        yield process
    finally:
        process.stop()


def add_satellite(hass: HassProcess, process: SatelliteProcess) -> tuple[str, str]:
    """Add a satellite as a user does; gives its entry and its entity."""
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


async def test_an_announcement_is_heard_at_a_satellite(
    hass_process: HassProcess, websocket: Websocket, entry: Entry, running_satellite: SatelliteProcess
) -> None:
    async with household.pipeline(websocket, entry) as pipeline:
        preferred = (await websocket.call("assist_pipeline/pipeline/list"))["preferred_pipeline"]
        await websocket.call("assist_pipeline/pipeline/set_preferred", pipeline_id=pipeline)
        entry_id, entity = await asyncio.to_thread(add_satellite, hass_process, running_satellite)
        await asyncio.to_thread(running_satellite.wait_for_log, "Server set")

        await websocket.call(
            "call_service",
            domain="assist_satellite",
            service="announce",
            target={"entity_id": entity},
            service_data={"message": MESSAGE, "preannounce": False},
        )

        played = running_satellite.heard()
        hass_process.call("DELETE", f"/api/config/config_entries/entry/{entry_id}")
        await websocket.call("assist_pipeline/pipeline/set_preferred", pipeline_id=preferred)
    assert_samples_say(played, RATE, MESSAGE)

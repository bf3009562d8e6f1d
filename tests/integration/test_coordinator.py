"""Set-up, a server that goes and comes back, and what it is told again then."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry
from wyoming.error import Error

from custom_components.k2so.coordinator import SHORT_INTERVAL

from .conftest import add, pass_time
from .fake_server import OURS, Peer, info, k2so, k2so_info, voice
from .flows import open_options, save_options, settings
from .server_process import ServerProcess
from .test_issues import problems

SPEECH = "tts.k2_so_speech"


def state(home: HomeAssistant, entity_id: str = SPEECH) -> str:
    found = home.states.get(entity_id)
    assert found
    return found.state


async def test_a_server_is_a_service(home: HomeAssistant, entry: MockConfigEntry) -> None:
    (device,) = dr.async_entries_for_config_entry(dr.async_get(home), entry.entry_id)
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert (device.name, device.manufacturer, device.model) == ("K2-SO", "wyoming-k2so", "k2so")
    assert device.sw_version


async def test_an_entry_is_unloaded(home: HomeAssistant, entry: MockConfigEntry) -> None:
    assert state(home) != "unavailable"
    assert await home.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert state(home) == "unavailable"


async def test_an_entry_waits_for_its_server(home: HomeAssistant, peer: Peer) -> None:
    right, peer.script["describe"] = peer.script["describe"], [None]
    entry = await add(home, peer)
    assert entry.state.value == "setup_retry"
    assert entry.reason == "The speech server closed the connection"

    peer.script["describe"] = right
    await pass_time(home)
    assert entry.state is ConfigEntryState.LOADED


async def test_an_entry_follows_the_id_of_its_server(home: HomeAssistant, socket_enabled: None) -> None:
    async with k2so(id="cafe").listen() as peer:
        entry = await add(home, peer, unique_id=f"{peer.host}:{peer.port}")
        assert entry.unique_id == "cafe"
        other = await add(home, peer, unique_id="beef")
        assert other.state.value == "setup_error"
        assert other.unique_id == "beef"
        assert "another speech server answers" in str(other.reason)


async def test_a_server_goes_and_comes_back(
    home: HomeAssistant, server_python: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ServerProcess(server_python, tmp_path).running() as server:
        await add(home, server, options={"speed": 1.5, "prebuffer": None, "chunk_samples": 2048})
        asked = {"speed": 1.5, "chunk_samples": 2048, "prebuffer": "auto"}.items()
        assert asked <= (await settings(server)).items()
        caplog.clear()

        server.stop()
        for _ in range(3):
            await pass_time(home)
        assert state(home) == "unavailable"
        server.start()
        await pass_time(home, SHORT_INTERVAL)

        assert state(home) != "unavailable"
        assert asked <= (await settings(server)).items()
        ours = (record for record in caplog.records if record.name == "custom_components.k2so")
        assert [record.message for record in ours if record.levelno > logging.DEBUG] == [
            f"Error fetching K2-SO (127.0.0.1:{server.port}) data:"
            f" The speech server does not answer at 127.0.0.1:{server.port}",
            f"Fetching K2-SO (127.0.0.1:{server.port}) data recovered",
        ]


def told(peer: Peer) -> list[dict[str, Any]]:
    return [event.data["settings"] for event in peer.received if event.type == "k2so-configure"]


async def test_a_server_that_restarts_between_two_looks_is_told_again(
    home: HomeAssistant, socket_enabled: None
) -> None:
    async with k2so().listen() as peer:
        await add(home, peer, options={"speed": 1.5, "voice": None, "prebuffer": 2})
        assert told(peer) == [{"speed": 1.5}]
        await pass_time(home)
        assert len(told(peer)) == 1

        peer.script["k2so-describe"] = [k2so_info(instance="second")]
        await pass_time(home)
        await pass_time(home)
        assert told(peer) == [{"speed": 1.5}] * 2


async def test_options_wait_for_the_engine_that_they_may_need(home: HomeAssistant, socket_enabled: None) -> None:
    loading = [{"name": "xtts", "state": "loading", "detail": ""}]
    async with k2so(engines=loading).listen() as peer:
        await add(home, peer, options={"voice": "ana"})
        await pass_time(home, SHORT_INTERVAL)
        assert told(peer) == []

        peer.script["k2so-describe"] = [k2so_info()]
        await pass_time(home, SHORT_INTERVAL)
        assert told(peer) == [{"voice": "ana"}]


async def test_another_release_of_a_server_is_taken_up(home: HomeAssistant, socket_enabled: None) -> None:
    async with k2so().listen() as peer:
        entry = await add(home, peer)
        peer.script["describe"] = [info(voice("polly", "en"), attribution=OURS, version="8")]
        await pass_time(home)
        (device,) = dr.async_entries_for_config_entry(dr.async_get(home), entry.entry_id)
        assert device.sw_version == "8"
        assert state(home) != "unavailable"


async def test_another_server_at_the_address_is_taken_up(home: HomeAssistant, socket_enabled: None) -> None:
    async with k2so(id="cafe").listen() as peer:
        entry = await add(home, peer, unique_id="cafe")
        peer.script["k2so-describe"] = [k2so_info(id="beef")]
        await pass_time(home)
        assert entry.unique_id == "beef"
        assert state(home) != "unavailable"


async def test_another_name_of_an_entry_is_taken_up(home: HomeAssistant, socket_enabled: None) -> None:
    async with k2so().listen() as peer:
        entry = await add(home, peer)
        home.config_entries.async_update_entry(entry, title="Attic")
        await pass_time(home)
        (device,) = dr.async_entries_for_config_entry(dr.async_get(home), entry.entry_id)
        assert device.name == "Attic"
        assert state(home) != "unavailable"


async def test_a_server_of_another_kind_is_taken_up(home: HomeAssistant, peer: Peer) -> None:
    await add(home, peer)
    assert not home.states.async_all("sensor")
    peer.script |= k2so().script
    await pass_time(home)
    assert state(home, "sensor.k2_so_engine") == "xtts"


async def test_a_locked_server_is_let_be(home: HomeAssistant, socket_enabled: None) -> None:
    async with k2so(locked=True).listen() as peer:
        await add(home, peer, options={"speed": 1.5})
        assert told(peer) == []


async def test_options_that_are_refused_are_told_once(
    home: HomeAssistant, socket_enabled: None, caplog: pytest.LogCaptureFixture
) -> None:
    async with k2so().listen() as peer:
        peer.script["k2so-configure"] = [Error("there is no voice 'ghost'", "bad-setting").event()]
        entry = await add(home, peer, options={"voice": "ghost"})
        await pass_time(home)
        refused = "The speech server does not accept this: there is no voice 'ghost'"
        assert problems(home) == {"refused_options": {"name": "K2-SO", "reason": refused}}

        peer.script["k2so-configure"] = [k2so_info()]
        await save_options(home, await open_options(home, entry), {"voice": "coco"})
        assert problems(home) == {}
    assert entry.state is ConfigEntryState.LOADED
    assert [settings["voice"] for settings in told(peer)] == ["ghost", "coco"]
    assert caplog.text.count(f"does not take its options: {refused}") == 1

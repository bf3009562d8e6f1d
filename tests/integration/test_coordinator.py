"""The coordinator: set-up, servers that go away and come back, and options that are restored then."""

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

from custom_components.k2so.coordinator import FORBIDDEN_INTERVAL, SHORT_INTERVAL, UPDATE_INTERVAL

from .config_entries import add_entry, pass_time
from .fake_server import K2SO, FakeServer, fake_k2so, info, k2so_info, voice
from .flows import open_options, save_options, settings
from .repair_issues import repair_issues
from .server_process import ServerProcess

SPEECH = "tts.k2_so_speech"


def state(home: HomeAssistant, entity_id: str = SPEECH) -> str:
    found = home.states.get(entity_id)
    assert found
    return found.state


async def test_a_server_becomes_a_service_device(home: HomeAssistant, entry: MockConfigEntry) -> None:
    (device,) = dr.async_entries_for_config_entry(dr.async_get(home), entry.entry_id)
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert (device.name, device.manufacturer, device.model) == ("K2-SO", "wyoming-k2so", "k2so")
    assert device.sw_version


async def test_unloads_an_entry(home: HomeAssistant, entry: MockConfigEntry) -> None:
    assert state(home) != "unavailable"
    assert await home.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert state(home) == "unavailable"


async def test_set_up_is_retried_until_the_server_responds(home: HomeAssistant, other_server: FakeServer) -> None:
    valid, other_server.script["describe"] = other_server.script["describe"], [None]
    entry = await add_entry(home, other_server)
    assert entry.state.value == "setup_retry"
    assert entry.reason == "The speech server closed the connection"  # Home Assistant strips the full stop

    other_server.script["describe"] = valid
    await pass_time(home)
    assert entry.state is ConfigEntryState.LOADED


async def test_an_entry_takes_the_id_of_its_server_unless_another_entry_has_it(
    home: HomeAssistant, socket_enabled: None
) -> None:
    async with fake_k2so(id="cafe").listen() as fake:
        entry = await add_entry(home, fake, unique_id=f"{fake.host}:{fake.port}")
        assert entry.unique_id == "cafe"
        other = await add_entry(home, fake, unique_id="beef")
        assert other.state.value == "setup_error"
        assert other.unique_id == "beef"
        assert "already has an entry of its own" in str(other.reason)


async def test_recovers_when_a_server_restarts_and_logs_it_once(
    home: HomeAssistant, server_python: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ServerProcess(server_python, tmp_path).running() as server:
        await add_entry(home, server, options={"speed": 1.5, "prebuffer": None, "chunk_samples": 2048})
        options = {"speed": 1.5, "chunk_samples": 2048, "prebuffer": "auto"}.items()
        assert options <= (await settings(server)).items()
        caplog.clear()

        server.stop()
        for _ in range(3):
            await pass_time(home)
        assert state(home) == "unavailable"
        server.start()
        await pass_time(home, SHORT_INTERVAL)

        assert state(home) != "unavailable"
        assert options <= (await settings(server)).items()
        records = (record for record in caplog.records if record.name == "custom_components.k2so")
        assert [record.message for record in records if record.levelno > logging.DEBUG] == [
            f"Error fetching K2-SO (127.0.0.1:{server.port}) data:"
            f" Failed to connect to the speech server at 127.0.0.1:{server.port}",
            f"Fetching K2-SO (127.0.0.1:{server.port}) data recovered",
        ]


async def test_asks_a_server_that_forbids_access_only_every_few_minutes(
    home: HomeAssistant, k2so_server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    k2so_server.refusal = Error("127.0.0.1 is not on the allow list", "forbidden")
    await pass_time(home)
    assert state(home) == "unavailable"
    connections = k2so_server.connections
    for interval in (SHORT_INTERVAL, UPDATE_INTERVAL):
        await pass_time(home, interval)
    assert k2so_server.connections == connections

    await pass_time(home, FORBIDDEN_INTERVAL)
    assert k2so_server.connections == connections + 1
    (logged,) = (record.message for record in caplog.records if record.levelno == logging.ERROR)
    assert "refused the connection: 127.0.0.1 is not on the allow list. Add the address" in logged

    k2so_server.refusal = None
    await pass_time(home, FORBIDDEN_INTERVAL)
    assert state(home) != "unavailable"


async def test_set_up_says_that_a_server_forbids_access(home: HomeAssistant, other_server: FakeServer) -> None:
    other_server.refusal = Error("127.0.0.1 is not on the allow list", "forbidden")
    entry = await add_entry(home, other_server)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "forbidden"
    assert "127.0.0.1 is not on the allow list. Add the address" in str(entry.reason)
    assert other_server.connections == 1


def configured(server: FakeServer) -> list[dict[str, Any]]:
    """The settings that a server was sent."""
    return [event.data["settings"] for event in server.received if event.type == "k2so-configure"]


async def test_restores_options_after_a_restart_between_two_updates(home: HomeAssistant, socket_enabled: None) -> None:
    async with fake_k2so().listen() as fake:
        await add_entry(home, fake, options={"speed": 1.5, "voice": None, "prebuffer": 2})
        assert configured(fake) == [{"speed": 1.5}]
        await pass_time(home)
        assert len(configured(fake)) == 1

        fake.script["k2so-describe"] = [k2so_info(instance="second")]
        await pass_time(home)
        await pass_time(home)
        assert configured(fake) == [{"speed": 1.5}] * 2


async def test_restores_options_only_after_the_engine_has_loaded(home: HomeAssistant, socket_enabled: None) -> None:
    loading = [{"name": "xtts", "state": "loading", "detail": ""}]
    async with fake_k2so(engines=loading).listen() as fake:
        await add_entry(home, fake, options={"voice": "ana"})
        await pass_time(home, SHORT_INTERVAL)
        assert configured(fake) == []

        fake.script["k2so-describe"] = [k2so_info()]
        await pass_time(home, SHORT_INTERVAL)
        assert configured(fake) == [{"voice": "ana"}]


async def test_reloads_when_the_server_is_upgraded(home: HomeAssistant, socket_enabled: None) -> None:
    async with fake_k2so().listen() as fake:
        entry = await add_entry(home, fake)
        fake.script["describe"] = [info(voice("polly", "en"), attribution=K2SO, version="8")]
        await pass_time(home)
        (device,) = dr.async_entries_for_config_entry(dr.async_get(home), entry.entry_id)
        assert device.sw_version == "8"
        assert state(home) != "unavailable"


async def test_reloads_when_another_server_answers_at_the_address(home: HomeAssistant, socket_enabled: None) -> None:
    async with fake_k2so(id="cafe").listen() as fake:
        entry = await add_entry(home, fake, unique_id="cafe")
        fake.script["k2so-describe"] = [k2so_info(id="beef")]
        await pass_time(home)
        assert entry.unique_id == "beef"
        assert state(home) != "unavailable"


async def test_renames_the_device_with_its_entry(home: HomeAssistant, socket_enabled: None) -> None:
    async with fake_k2so().listen() as fake:
        entry = await add_entry(home, fake)
        home.config_entries.async_update_entry(entry, title="Attic")
        await pass_time(home)
        (device,) = dr.async_entries_for_config_entry(dr.async_get(home), entry.entry_id)
        assert device.name == "Attic"
        assert state(home) != "unavailable"


async def test_reloads_when_a_k2so_server_replaces_another_server(
    home: HomeAssistant, other_server: FakeServer
) -> None:
    await add_entry(home, other_server)
    assert not home.states.async_all("sensor")
    other_server.script |= fake_k2so().script
    await pass_time(home)
    assert state(home, "sensor.k2_so_engine") == "xtts"


async def test_does_not_configure_a_locked_server(home: HomeAssistant, socket_enabled: None) -> None:
    async with fake_k2so(locked=True).listen() as fake:
        await add_entry(home, fake, options={"speed": 1.5})
        assert configured(fake) == []


async def test_reports_rejected_options_once(
    home: HomeAssistant, socket_enabled: None, caplog: pytest.LogCaptureFixture
) -> None:
    async with fake_k2so().listen() as fake:
        fake.script["k2so-configure"] = [Error("there is no voice 'ghost'", "bad-setting").event()]
        entry = await add_entry(home, fake, options={"voice": "ghost"})
        await pass_time(home)
        reason = "There is no voice 'ghost'."
        assert repair_issues(home) == {"refused_options": {"name": "K2-SO", "reason": reason}}

        fake.script["k2so-configure"] = [k2so_info()]
        await save_options(home, await open_options(home, entry), {"voice": "coco"})
        assert repair_issues(home) == {}
    assert entry.state is ConfigEntryState.LOADED
    assert [settings["voice"] for settings in configured(fake)] == ["ghost", "coco"]
    assert caplog.text.count("could not restore the options of K2-SO") == 1

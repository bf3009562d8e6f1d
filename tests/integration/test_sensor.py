"""Sensors of engines and replies."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from homeassistant.components.tts.entity import TTSAudioRequest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .config_entries import add_entry, pass_time
from .fake_server import FakeServer, fake_k2so
from .speech_entity import entity, pieces


def states(home: HomeAssistant) -> dict[str, str]:
    return {state.entity_id.removeprefix("sensor.k2_so_"): state.state for state in home.states.async_all("sensor")}


async def test_sensors_that_change_with_every_reply_are_disabled(home: HomeAssistant, entry: MockConfigEntry) -> None:
    assert states(home) == {"engine": "piper", "engine_state": "ready", "fallbacks": "0", "quantization": "fp32"}
    registered = er.async_entries_for_config_entry(er.async_get(home), entry.entry_id)
    off = {each.translation_key for each in registered if each.disabled_by is er.RegistryEntryDisabler.INTEGRATION}
    assert off == {"first_audio", "real_time_factor", "underruns"}
    assert {each.entity_category for each in registered if each.domain == "sensor"} == {"diagnostic"}


@pytest.fixture
def all_enabled() -> Iterator[None]:
    """Enable the entities that are disabled by default."""
    with patch("homeassistant.helpers.entity.Entity.entity_registry_enabled_default", True):
        yield


async def test_measures_a_reply(home: HomeAssistant, all_enabled: None, entry: MockConfigEntry) -> None:
    before = states(home)
    request = TTSAudioRequest("en-US", {}, pieces("Good morning."))
    async for _ in (await entity(home).async_stream_tts_audio(request)).data_gen:
        pass
    await pass_time(home)

    after = states(home)
    assert set(after) == set(before)
    assert 0 < float(after["time_to_first_audio"]) < 30
    assert 0 < float(after["real_time_factor"]) < 30
    assert after["time_to_first_audio"] != before["time_to_first_audio"]


@pytest.mark.usefixtures("all_enabled")
async def test_sensors_of_a_server_with_all_engines(home: HomeAssistant, socket_enabled: None) -> None:
    async with fake_k2so().listen() as fake:
        await add_entry(home, fake)
        assert states(home) == {
            "engine": "xtts",
            "engine_state": "ready",
            "fallbacks": "1",
            "time_to_first_audio": "unknown",
            "quantization": "int8",
            "real_time_factor": "unknown",
            "underruns": "2",
        }
        await fake.close()
        await pass_time(home)
        assert set(states(home).values()) == {"unavailable"}


@pytest.mark.parametrize("wanted", ["auto", "xtts", "piper"])
@pytest.mark.parametrize("reported", ["loading", "idle", "failed", "off", "dancing"])
async def test_engine_state_is_that_of_the_selected_engine(
    home: HomeAssistant, socket_enabled: None, wanted: str, reported: str
) -> None:
    engines = [{"name": "piper", "state": "ready"}, {"name": "xtts", "state": reported}]
    async with fake_k2so(engines=engines, settings={"engine": wanted}, speaking="piper").listen() as fake:
        await add_entry(home, fake)
        assert states(home)["engine"] == "piper"
        expected = {"off": "ready", "dancing": "unknown"}.get(reported, reported)
        assert states(home)["engine_state"] == ("ready" if wanted == "piper" else expected)


async def test_other_servers_have_no_sensors(home: HomeAssistant, other_server: FakeServer) -> None:
    await add_entry(home, other_server)
    assert states(home) == {}

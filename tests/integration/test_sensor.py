"""Figures of replies."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from homeassistant.components.tts.entity import TTSAudioRequest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .conftest import add, pass_time
from .fake_server import Peer, k2so
from .speech_entity import entity, pieces


def states(home: HomeAssistant) -> dict[str, str]:
    return {state.entity_id.removeprefix("sensor.k2_so_"): state.state for state in home.states.async_all("sensor")}


async def test_chatty_figures_are_off(home: HomeAssistant, entry: MockConfigEntry) -> None:
    assert states(home) == {"engine": "piper", "engine_state": "ready", "fallbacks": "0", "quantization": "fp32"}
    registered = er.async_entries_for_config_entry(er.async_get(home), entry.entry_id)
    off = {each.translation_key for each in registered if each.disabled_by is er.RegistryEntryDisabler.INTEGRATION}
    assert off == {"first_audio", "real_time_factor", "underruns"}
    assert {each.entity_category for each in registered if each.domain == "sensor"} == {"diagnostic"}


@pytest.fixture
def all_on() -> Iterator[None]:
    """Entities that are off by default are on."""
    with patch("homeassistant.helpers.entity.Entity.entity_registry_enabled_default", True):
        yield


async def test_a_reply_is_measured(home: HomeAssistant, all_on: None, entry: MockConfigEntry) -> None:
    before = states(home)
    request = TTSAudioRequest("en-US", {}, pieces("Good morning."))
    async for _ in (await entity(home).async_stream_tts_audio(request)).data_gen:
        pass
    await pass_time(home)

    after = states(home)
    assert set(after) == set(before)
    assert 0 < float(after["first_sound"]) < 30
    assert 0 < float(after["real_time_factor"]) < 30
    assert after["first_sound"] != before["first_sound"]


@pytest.mark.usefixtures("all_on")
async def test_the_state_of_a_server_with_all_engines(home: HomeAssistant, socket_enabled: None) -> None:
    async with k2so().listen() as peer:
        await add(home, peer)
        assert states(home) == {
            "engine": "xtts",
            "engine_state": "ready",
            "fallbacks": "1",
            "first_sound": "unknown",
            "quantization": "int8",
            "real_time_factor": "unknown",
            "underruns": "2",
        }
        await peer.close()
        await pass_time(home)
        assert set(states(home).values()) == {"unavailable"}


@pytest.mark.parametrize("wanted", ["auto", "xtts", "piper"])
@pytest.mark.parametrize("told", ["loading", "idle", "failed", "off", "dancing"])
async def test_the_engine_that_shall_speak_tells_why_it_does_not(
    home: HomeAssistant, socket_enabled: None, wanted: str, told: str
) -> None:
    engines = [{"name": "piper", "state": "ready"}, {"name": "xtts", "state": told}]
    async with k2so(engines=engines, settings={"engine": wanted}, speaking="piper").listen() as peer:
        await add(home, peer)
        assert states(home)["engine"] == "piper"
        expected = {"off": "ready", "dancing": "unknown"}.get(told, told)
        assert states(home)["engine_state"] == ("ready" if wanted == "piper" else expected)


async def test_others_keep_no_figures(home: HomeAssistant, peer: Peer) -> None:
    await add(home, peer)
    assert states(home) == {}

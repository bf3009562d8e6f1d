"""Changing the settings of the running server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .conftest import add, pass_time
from .fake_server import Peer, k2so, k2so_info, voice
from .flows import open_options, save_options, settings, shown
from .server_process import ServerProcess
from .test_issues import problems


async def test_options_change_the_running_server(
    home: HomeAssistant, entry: MockConfigEntry, server: ServerProcess
) -> None:
    form = await open_options(home, entry)
    assert shown(form) == {
        "voice": None,
        "language": None,
        "speed": 1.0,
        "chunk_samples": "4096",
        "prebuffer": "auto",
        "engine": "auto",
    }

    chosen = {
        "voice": "en_US-joe-medium",
        "language": "en-US",
        "speed": 1.25,
        "chunk_samples": "2048",
        "prebuffer": "3",
        "engine": "auto",
    }
    result = await save_options(home, form, chosen)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    expected = chosen | {"chunk_samples": 2048, "prebuffer": 3}
    assert entry.options == expected
    assert expected.items() <= (await settings(server)).items()
    assert shown(await open_options(home, entry)) == chosen


async def test_an_empty_field_leaves_it_to_the_server(
    home: HomeAssistant, entry: MockConfigEntry, server: ServerProcess
) -> None:
    before = await settings(server)
    await save_options(home, await open_options(home, entry), {"speed": 1.5, "prebuffer": "7"})
    assert (await settings(server))["prebuffer"] == 7

    await save_options(home, await open_options(home, entry), {})

    assert await settings(server) == before
    assert set(entry.options.values()) == {None}
    assert set(shown(await open_options(home, entry)).values()) == {None}


@pytest.mark.parametrize(
    ("limits", "offered"),
    [
        ({"min": 0, "max": 2}, ["0", "1", "2"]),
        ({"min": 0, "max": 2, "choices": ["auto"]}, ["auto", "0", "1", "2"]),
        ({"choices": ["auto"]}, ["auto"]),
    ],
)
async def test_buffering_is_automatic_where_the_server_says_so(
    home: HomeAssistant, socket_enabled: None, limits: dict[str, Any], offered: list[str]
) -> None:
    chosen: str | int = offered[0] if "choices" in limits else 0
    async with k2so(allowed={"prebuffer": limits}, settings={"prebuffer": chosen}).listen() as peer:
        form = await open_options(home, await add(home, peer))
        assert shown(form)["prebuffer"] == str(chosen)
        options = form["data_schema"].schema["prebuffer"].config["options"]
        assert [option["value"] for option in options] == offered
        await save_options(home, form, {"prebuffer": offered[-1]})
        told = int(offered[-1]) if offered[-1].isdigit() else "auto"
        assert peer["k2so-configure"].data["settings"]["prebuffer"] == told


async def test_a_refusal_changes_nothing(home: HomeAssistant, starting: Callable[..., ServerProcess]) -> None:
    server = starting()
    entry = await add(home, server)
    before = await settings(server)
    coordinator = entry.runtime_data
    coordinator.async_set_updated_data(replace(coordinator.data, voices=(voice("ghost", "en"),)))
    form = await open_options(home, entry)

    form = await save_options(home, form, {"voice": "ghost"})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "bad_setting"})
    assert "ghost" in form["description_placeholders"]["reason"]
    assert shown(form)["voice"] == "ghost"

    form = await save_options(home, form, {"speed": 1.5, "engine": "xtts"})
    assert form["errors"] == {"base": "failed"}
    assert (await settings(server), entry.options) == (before, {})
    await pass_time(home)
    assert problems(home).keys() == {"failed_switch"}

    assert (await save_options(home, form, {"speed": 1.5}))["type"] is FlowResultType.CREATE_ENTRY
    assert (await settings(server))["speed"] == 1.5
    assert problems(home) == {}


async def test_options_of_a_server_that_was_started_anew_are_the_new_ones(
    home: HomeAssistant, socket_enabled: None
) -> None:
    async with k2so().listen() as peer:
        entry = await add(home, peer, options={"speed": 1.5})
        form = await open_options(home, entry)
        peer.script["k2so-describe"] = [k2so_info(instance="second")]
        await save_options(home, form, {"speed": 0.75})
        assert peer["k2so-configure"].data["settings"] == {"speed": 0.75}


async def test_a_locked_server_refuses(home: HomeAssistant, starting: Callable[..., ServerProcess]) -> None:
    entry = await add(home, starting("--lock-settings"))
    form = await save_options(home, await open_options(home, entry), {"speed": 1.5})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "locked"})
    assert entry.options == {}


async def test_only_what_the_server_can_do_is_offered(home: HomeAssistant, socket_enabled: None) -> None:
    async with k2so().listen() as peer:
        entry = await add(home, peer)
        form = await open_options(home, entry)
        assert shown(form) == {
            "voice": None,
            "language": None,
            "speed": 1.0,
            "engine": "auto",
            "quantization": "auto",
        }
        assert form["data_schema"].schema["quantization"].config["options"] == [
            {"value": "auto", "label": "auto"},
            {"value": "int8", "label": "int8: Fast."},
            {"value": "none", "label": "none: Slow."},
        ]
        with pytest.raises(InvalidData):
            await save_options(home, form, {"quantization": "bf16"})

        await save_options(home, form, {"quantization": "int8"})
        assert peer["k2so-configure"].data["settings"]["quantization"] == "int8"

        # Another machine can do less.
        peer.script["k2so-describe"] = [k2so_info(settings={"quantization": "fp16"})]
        await pass_time(home)
        assert shown(await open_options(home, entry))["quantization"] is None

        # Without the engine there is no such field, and the choice is kept.
        peer.script["k2so-describe"] = [k2so_info(allowed={"speed": {"min": 0.5, "max": 2}})]
        await pass_time(home)
        await save_options(home, await open_options(home, entry), {"speed": 1.5})
        assert "quantization" not in peer["k2so-configure"].data["settings"]
        assert (entry.options["quantization"], entry.options["speed"]) == ("int8", 1.5)


async def test_a_server_that_is_not_ours_has_few_options(home: HomeAssistant, peer: Peer) -> None:
    entry = await add(home, peer)
    form = await open_options(home, entry)
    assert shown(form) == {"voice": None, "language": None}

    await save_options(home, form, {"voice": "coco", "language": "de"})

    assert entry.options == {"voice": "coco", "language": "de"}
    assert not any(event.type.startswith("k2so") for event in peer.received)
    state = home.states.get("tts.k2_so_speech")
    assert state
    assert shown(await open_options(home, entry)) == {"voice": "coco", "language": "de"}


async def test_options_need_the_server(home: HomeAssistant, peer: Peer) -> None:
    right, peer.script["describe"] = peer.script["describe"], [None]
    entry = await add(home, peer)
    assert (await open_options(home, entry))["reason"] == "not_loaded"

    peer.script["describe"] = right
    await home.config_entries.async_reload(entry.entry_id)
    assert (await open_options(home, entry))["type"] is FlowResultType.FORM


async def test_a_voice_that_is_missing_for_now_may_stay(home: HomeAssistant, peer: Peer) -> None:
    entry = await add(home, peer, options={"voice": "ghost", "language": "tlh"})
    result = await save_options(home, await open_options(home, entry), {"voice": "ghost", "language": "tlh"})
    assert result["type"] is FlowResultType.CREATE_ENTRY

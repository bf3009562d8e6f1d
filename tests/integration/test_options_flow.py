"""The options flow: changes the settings of the running server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from pytest_homeassistant_custom_component.common import MockConfigEntry
from wyoming.error import Error

from custom_components.k2so.const import DOMAIN

from .config_entries import add_entry, pass_time
from .fake_server import FakeServer, fake_k2so, k2so_info, voice
from .flows import open_options, save_options, settings, shown
from .repair_issues import repair_issues
from .server_process import ServerProcess
from .translations import ENGLISH


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


async def test_an_empty_field_resets_the_setting(
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
async def test_buffering_offers_what_the_server_allows(
    home: HomeAssistant, socket_enabled: None, limits: dict[str, Any], offered: list[str]
) -> None:
    chosen: str | int = offered[0] if "choices" in limits else 0
    async with fake_k2so(allowed={"prebuffer": limits}, settings={"prebuffer": chosen}).listen() as fake:
        form = await open_options(home, await add_entry(home, fake))
        assert shown(form)["prebuffer"] == str(chosen)
        options = form["data_schema"].schema["prebuffer"].config["options"]
        assert [option["value"] for option in options] == offered
        await save_options(home, form, {"prebuffer": offered[-1]})
        sent = int(offered[-1]) if offered[-1].isdigit() else "auto"
        assert fake["k2so-configure"].data["settings"]["prebuffer"] == sent


async def test_a_rejected_change_changes_nothing(home: HomeAssistant, starting: Callable[..., ServerProcess]) -> None:
    server = starting()
    entry = await add_entry(home, server)
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
    assert repair_issues(home).keys() == {"failed_switch"}

    assert (await save_options(home, form, {"speed": 1.5}))["type"] is FlowResultType.CREATE_ENTRY
    assert (await settings(server))["speed"] == 1.5
    assert repair_issues(home) == {}


async def test_saving_after_a_restart_sends_only_the_new_options(home: HomeAssistant, socket_enabled: None) -> None:
    async with fake_k2so().listen() as fake:
        entry = await add_entry(home, fake, options={"speed": 1.5})
        form = await open_options(home, entry)
        fake.script["k2so-describe"] = [k2so_info(instance="second")]
        await save_options(home, form, {"speed": 0.75})
        assert fake["k2so-configure"].data["settings"] == {"speed": 0.75}


@pytest.mark.parametrize("code", ["bad-request", "busy", "forbidden", "shutdown"])
async def test_shows_why_the_server_refuses_a_change(home: HomeAssistant, k2so_server: FakeServer, code: str) -> None:
    (entry,) = home.config_entries.async_entries(DOMAIN)
    form = await open_options(home, entry)
    k2so_server.refusal = Error("not now", code)

    form = await save_options(home, form, {"speed": 1.5})

    key = code.replace("-", "_")
    assert (form["errors"], form["description_placeholders"]) == ({"base": key}, {"reason": "Not now."})
    assert ENGLISH["options"]["error"][key]
    assert entry.options == {}


async def test_a_locked_server_rejects_changes(home: HomeAssistant, starting: Callable[..., ServerProcess]) -> None:
    entry = await add_entry(home, starting("--lock-settings"))
    form = await save_options(home, await open_options(home, entry), {"speed": 1.5})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "locked"})
    assert entry.options == {}


async def test_offers_only_what_the_server_supports(home: HomeAssistant, socket_enabled: None) -> None:
    async with fake_k2so().listen() as fake:
        entry = await add_entry(home, fake)
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
        assert fake["k2so-configure"].data["settings"]["quantization"] == "int8"

        # After a move to a machine that supports fewer modes.
        fake.script["k2so-describe"] = [k2so_info(settings={"quantization": "fp16"})]
        await pass_time(home)
        assert shown(await open_options(home, entry))["quantization"] is None

        # Without the engine there is no such field, and the saved choice stays.
        fake.script["k2so-describe"] = [k2so_info(allowed={"speed": {"min": 0.5, "max": 2}})]
        await pass_time(home)
        await save_options(home, await open_options(home, entry), {"speed": 1.5})
        assert "quantization" not in fake["k2so-configure"].data["settings"]
        assert (entry.options["quantization"], entry.options["speed"]) == ("int8", 1.5)


async def test_other_servers_have_only_voice_and_language(home: HomeAssistant, other_server: FakeServer) -> None:
    entry = await add_entry(home, other_server)
    form = await open_options(home, entry)
    assert shown(form) == {"voice": None, "language": None}

    await save_options(home, form, {"voice": "coco", "language": "de"})

    assert entry.options == {"voice": "coco", "language": "de"}
    assert not any(event.type.startswith("k2so") for event in other_server.received)
    state = home.states.get("tts.k2_so_speech")
    assert state
    assert shown(await open_options(home, entry)) == {"voice": "coco", "language": "de"}


async def test_options_need_a_connected_server(home: HomeAssistant, other_server: FakeServer) -> None:
    valid, other_server.script["describe"] = other_server.script["describe"], [None]
    entry = await add_entry(home, other_server)
    assert (await open_options(home, entry))["reason"] == "not_loaded"

    other_server.script["describe"] = valid
    await home.config_entries.async_reload(entry.entry_id)
    assert (await open_options(home, entry))["type"] is FlowResultType.FORM


async def test_keeps_a_voice_that_is_missing_for_now(home: HomeAssistant, other_server: FakeServer) -> None:
    entry = await add_entry(home, other_server, options={"voice": "ghost", "language": "tlh"})
    result = await save_options(home, await open_options(home, entry), {"voice": "ghost", "language": "tlh"})
    assert result["type"] is FlowResultType.CREATE_ENTRY

"""Adding servers and changing options, as the frontend does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from socket import gaierror
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.config_entries import SOURCE_HASSIO, SOURCE_USER, SOURCE_ZEROCONF, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from pytest_homeassistant_custom_component.common import MockConfigEntry
from wyoming.error import Error
from wyoming.event import Event

from custom_components.k2so import client
from custom_components.k2so.const import DOMAIN

from .conftest import add, pass_time
from .hass import free_port
from .peer import OURS, Peer, info, k2so, k2so_info, voice
from .server import ServerProcess

CONFUSED = b'{"type": "info", "data": {"tts": [{"name": 1}]}}\n'


def address(server: ServerProcess | Peer) -> dict[str, Any]:
    return {"host": server.host, "port": server.port}


def announced(server: ServerProcess | Peer, id: str | None = None, name: str = "k2so-attic") -> ZeroconfServiceInfo:
    ip = ip_address(server.host)
    kind = "_k2so._tcp.local."
    properties = {"version": "1"} | ({"id": id} if id else {})
    return ZeroconfServiceInfo(ip, [ip], server.port, f"{name}.local.", kind, f"{name}.{kind}", properties)


async def id_of(server: ServerProcess) -> str:
    control = (await client.K2soClient(server.host, server.port).describe()).control
    assert control
    assert control.id
    return control.id


def app(uri: Any) -> HassioServiceInfo:
    return HassioServiceInfo(config={"uri": uri}, name="K2-SO", slug="k2so", uuid="1234")


async def begin(home: HomeAssistant, source: str, data: Any = None) -> Any:
    return await home.config_entries.flow.async_init(DOMAIN, context={"source": source}, data=data)


async def submit(home: HomeAssistant, form: Any, data: dict[str, Any]) -> Any:
    result = await home.config_entries.flow.async_configure(form["flow_id"], data)
    await home.async_block_till_done(wait_background_tasks=True)
    return result


# ---- by hand ------------------------------------------------------------------------------------------------------


async def test_a_server_is_added_by_hand(home: HomeAssistant, server: ServerProcess) -> None:
    form = await begin(home, SOURCE_USER)
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, "user", {})

    result = await submit(home, form, address(server))

    assert (result["type"], result["title"], result["data"]) == (
        FlowResultType.CREATE_ENTRY,
        "K2-SO",
        address(server),
    )
    assert result["result"].state is ConfigEntryState.LOADED
    assert result["result"].unique_id == await id_of(server)


async def test_a_server_that_is_not_ours_is_added(home: HomeAssistant, peer: Peer) -> None:
    result = await submit(home, await begin(home, SOURCE_USER), address(peer))

    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "parrot")
    assert result["result"].state is ConfigEntryState.LOADED
    assert result["result"].unique_id == f"{peer.host}:{peer.port}"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([Error("no", "no").event()], "server_error"),
        ([CONFUSED], "bad_answer"),
        ([None], "disconnected"),
        ([b"HTTP/1.1 400 Bad Request\n\n"], "disconnected"),
        ([info()], "no_voices"),
        ([info(voice("polly", "en", installed=False))], "no_voices"),
        ([info(voice("polly"))], "no_voices"),
        ([info(voice("polly", "en"), attribution=OURS), Event("k2so-info", {"locked": False})], "bad_answer"),
        ([], "timeout"),
    ],
)
async def test_what_answers_wrongly_is_refused_then_added(
    home: HomeAssistant, peer: Peer, monkeypatch: pytest.MonkeyPatch, answer: list[Any], error: str
) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 0.2)
    right, peer.script["describe"] = peer.script["describe"], answer
    form = await submit(home, await begin(home, SOURCE_USER), address(peer))
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": error})

    peer.script["describe"] = right
    result = await submit(home, form, address(peer))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("failure", [None, TimeoutError, gaierror, UnicodeError])
async def test_an_address_where_nobody_is_can_be_corrected(
    home: HomeAssistant, peer: Peer, failure: type[Exception] | None
) -> None:
    form = await begin(home, SOURCE_USER)
    with patch("asyncio.open_connection", side_effect=failure) if failure else nullcontext():
        form = await submit(home, form, {"host": "127.0.0.1", "port": free_port()})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "cannot_connect"})

    result = await submit(home, form, address(peer))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_server_is_added_once(home: HomeAssistant, server: ServerProcess) -> None:
    await add(home, server)
    result = await submit(home, await begin(home, SOURCE_USER), address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_a_server_that_is_added_again_at_another_address_keeps_its_entry(
    home: HomeAssistant, server: ServerProcess
) -> None:
    entry = await add(home, server, unique_id=await id_of(server), data={"host": "127.0.0.1", "port": free_port()})
    result = await submit(home, await begin(home, SOURCE_USER), address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(server)
    assert entry.state is ConfigEntryState.LOADED


# ---- discovered ---------------------------------------------------------------------------------------------------


async def test_an_announced_server_is_added_when_the_user_agrees(home: HomeAssistant, server: ServerProcess) -> None:
    form = await begin(home, SOURCE_ZEROCONF, announced(server))
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "discovery_confirm")
    assert form["description_placeholders"] == {"name": "K2-SO", "host": server.host}
    assert not home.config_entries.async_entries(DOMAIN)

    result = await submit(home, form, {})
    assert (result["type"], result["data"]) == (FlowResultType.CREATE_ENTRY, address(server))
    assert result["result"].unique_id == await id_of(server)


async def test_an_app_is_added_when_the_user_agrees(home: HomeAssistant, server: ServerProcess) -> None:
    form = await begin(home, SOURCE_HASSIO, app(f"tcp://{server.host}:{server.port}"))
    assert form["step_id"] == "discovery_confirm"

    result = await submit(home, form, {})
    assert (result["type"], result["data"]) == (FlowResultType.CREATE_ENTRY, address(server))
    assert result["result"].unique_id == await id_of(server)


@pytest.mark.parametrize("uri", [None, "tcp://", "tcp://here", "tcp://here:99999", 5])
async def test_an_app_without_address_is_let_be(home: HomeAssistant, uri: Any) -> None:
    result = await begin(home, SOURCE_HASSIO, app(uri))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_address")


async def test_an_announced_server_that_cannot_speak_is_let_be(home: HomeAssistant, peer: Peer) -> None:
    right, peer.script["describe"] = peer.script["describe"], [info()]
    result = await begin(home, SOURCE_ZEROCONF, announced(peer))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_voices")

    peer.script["describe"] = right
    assert (await begin(home, SOURCE_ZEROCONF, announced(peer)))["type"] is FlowResultType.FORM


async def test_an_announced_server_may_have_gone_when_the_user_agrees(home: HomeAssistant, peer: Peer) -> None:
    form = await begin(home, SOURCE_ZEROCONF, announced(peer))
    right, peer.script["describe"] = peer.script["describe"], [None]
    form = await submit(home, form, {})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "disconnected"})

    peer.script["describe"] = right
    assert (await submit(home, form, {}))["type"] is FlowResultType.CREATE_ENTRY


async def test_a_server_is_discovered_once(home: HomeAssistant, server: ServerProcess) -> None:
    await begin(home, SOURCE_ZEROCONF, announced(server, await id_of(server)))
    result = await begin(home, SOURCE_HASSIO, app(f"tcp://{server.host}:{server.port}"))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_in_progress")


async def test_an_announcement_of_a_server_added_by_hand_is_let_be(home: HomeAssistant, peer: Peer) -> None:
    await add(home, peer)
    result = await begin(home, SOURCE_ZEROCONF, announced(peer))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


@pytest.mark.parametrize("elsewhere", ["127.0.0.2", "192.0.2.7"])
@pytest.mark.parametrize("tells_its_id", [True, False])
async def test_a_server_that_has_moved_is_found_again(
    home: HomeAssistant, server: ServerProcess, elsewhere: str, tells_its_id: bool
) -> None:
    known = await id_of(server)
    with patch("asyncio.open_connection", side_effect=OSError):
        entry = await add(home, server, unique_id=known, data={"host": elsewhere, "port": server.port})
    assert entry.state.value == "setup_retry"

    result = await begin(home, SOURCE_ZEROCONF, announced(server, known if tells_its_id else None))
    await home.async_block_till_done(wait_background_tasks=True)

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(server)
    assert entry.state is ConfigEntryState.LOADED


async def test_a_server_that_is_still_starting_at_its_new_address_is_found_again(
    home: HomeAssistant, peer: Peer
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, unique_id="cafe", data={"host": "192.0.2.7", "port": 1})
    entry.add_to_hass(home)
    peer.script["describe"] = [None]
    result = await begin(home, SOURCE_ZEROCONF, announced(peer, "cafe"))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(peer)


# ---- moved --------------------------------------------------------------------------------------------------------


async def test_an_address_is_changed(home: HomeAssistant, peer: Peer, server: ServerProcess) -> None:
    entry = await add(home, peer)
    form = await entry.start_reconfigure_flow(home)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "reconfigure")

    form = await submit(home, form, {"host": "127.0.0.1", "port": free_port()})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "cannot_connect"})
    assert entry.data == address(peer)

    result = await submit(home, form, address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert entry.data == address(server)
    assert entry.unique_id == await id_of(server)
    assert entry.state is ConfigEntryState.LOADED


async def test_an_address_may_stay(home: HomeAssistant, peer: Peer) -> None:
    entry = await add(home, peer)
    result = await submit(home, await entry.start_reconfigure_flow(home), address(peer))
    assert result["reason"] == "reconfigure_successful"


async def test_two_entries_cannot_have_one_address(home: HomeAssistant, peer: Peer, server: ServerProcess) -> None:
    await add(home, server)
    entry = await add(home, peer)
    result = await submit(home, await entry.start_reconfigure_flow(home), address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(peer)


async def test_two_entries_cannot_have_one_server(home: HomeAssistant, peer: Peer, server: ServerProcess) -> None:
    moved = MockConfigEntry(domain=DOMAIN, unique_id=await id_of(server), data={"host": "192.0.2.7", "port": 1})
    moved.add_to_hass(home)
    entry = await add(home, peer)
    result = await submit(home, await entry.start_reconfigure_flow(home), address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(peer)


# ---- options ------------------------------------------------------------------------------------------------------


async def open_options(home: HomeAssistant, entry: MockConfigEntry) -> Any:
    return await home.config_entries.options.async_init(entry.entry_id)


async def save_options(home: HomeAssistant, form: Any, data: dict[str, Any]) -> Any:
    result = await home.config_entries.options.async_configure(form["flow_id"], data)
    await home.async_block_till_done(wait_background_tasks=True)
    return result


def shown(form: Any) -> dict[str, Any]:
    """Each field with what stands in it."""
    return {str(key): (key.description or {}).get("suggested_value") for key in form["data_schema"].schema}


async def settings(server: ServerProcess) -> dict[str, Any]:
    state = await client.K2soClient(server.host, server.port).describe()
    assert state.control
    return state.control.settings


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


@pytest.fixture
def starting(socket_enabled: None, server_python: str, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts a server of the test's own."""
    started: list[ServerProcess] = []

    def start(*arguments: str) -> ServerProcess:
        started.append(ServerProcess(server_python, free_port(), tmp_path, *arguments))
        started[-1].start()
        return started[-1]

    yield start
    for process in started:
        process.stop()


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

    assert (await save_options(home, form, {"speed": 1.5}))["type"] is FlowResultType.CREATE_ENTRY
    assert (await settings(server))["speed"] == 1.5


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

"""Adding a server by hand, and telling where it has moved to."""

from __future__ import annotations

from contextlib import nullcontext
from socket import gaierror
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry
from wyoming.error import Error
from wyoming.event import Event

from custom_components.k2so import client
from custom_components.k2so.const import DOMAIN

from .conftest import add
from .fake_server import OURS, Peer, info, parrot, voice
from .flows import address, begin, id_of, submit
from .process import free_port
from .server_process import ServerProcess

CONFUSED = b'{"type": "info", "data": {"tts": [{"name": 1}]}}\n'

# ---- added --------------------------------------------------------------------------------------------------------


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


async def test_a_server_that_lets_nobody_in_says_why(home: HomeAssistant, peer: Peer) -> None:
    right, peer.script["describe"] = peer.script["describe"], [Error("32 clients are connected", "busy").event(), None]
    form = await submit(home, await begin(home, SOURCE_USER), address(peer))
    assert (form["errors"], form["description_placeholders"]) == (
        {"base": "busy"},
        {"reason": "32 clients are connected"},
    )
    peer.script["describe"] = right
    assert (await submit(home, form, address(peer)))["type"] is FlowResultType.CREATE_ENTRY


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


@pytest.mark.parametrize("entered", [" {host} ", "{host}:{port}", "tcp://{host}:{port}", "tcp://{host}:{port}/"])
async def test_an_address_may_be_pasted_as_the_server_prints_it(home: HomeAssistant, peer: Peer, entered: str) -> None:
    port = peer.port if "port" not in entered else 10200
    form = await begin(home, SOURCE_USER)
    result = await submit(home, form, {"host": entered.format(**address(peer)), "port": port})
    assert (result["type"], result["data"]) == (FlowResultType.CREATE_ENTRY, address(peer))


@pytest.mark.parametrize("entered", ["tcp://", "tcp://[", "tcp://127.0.0.1:x", "", "attic:9", "fe80::1", "a b", "/"])
async def test_what_is_no_address_can_be_corrected(home: HomeAssistant, peer: Peer, entered: str) -> None:
    with patch("asyncio.open_connection", side_effect=gaierror):
        form = await submit(home, await begin(home, SOURCE_USER), {"host": entered, "port": 1})
    assert form["errors"] == {"base": "cannot_connect"}
    assert (await submit(home, form, address(peer)))["type"] is FlowResultType.CREATE_ENTRY


async def test_two_servers_have_two_names(home: HomeAssistant, peer: Peer) -> None:
    async with parrot().listen() as other:
        await submit(home, await begin(home, SOURCE_USER), address(peer))
        await submit(home, await begin(home, SOURCE_USER), address(other))
    assert [entry.title for entry in home.config_entries.async_entries(DOMAIN)] == ["parrot", "parrot (127.0.0.1)"]


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


# ---- moved --------------------------------------------------------------------------------------------------------


async def test_an_address_is_changed(
    home: HomeAssistant, peer: Peer, server: ServerProcess, caplog: pytest.LogCaptureFixture
) -> None:
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
    assert "Detected that" not in caplog.text


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

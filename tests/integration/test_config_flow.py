"""The config flow: servers that are added by address, and addresses that are changed."""

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

from .config_entries import add_entry
from .fake_server import K2SO, FakeServer, fake_other, info, voice
from .flows import address, begin, id_of, submit
from .process import free_port
from .server_process import ServerProcess
from .translations import ENGLISH

MALFORMED_INFO = b'{"type": "info", "data": {"tts": [{"name": 1}]}}\n'

# ---- adding a server ------------------------------------------------------------------------------------------------


async def test_adds_a_server(home: HomeAssistant, server: ServerProcess) -> None:
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


async def test_adds_a_server_that_is_not_a_k2so_server(home: HomeAssistant, other_server: FakeServer) -> None:
    result = await submit(home, await begin(home, SOURCE_USER), address(other_server))

    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "parrot")
    assert result["result"].state is ConfigEntryState.LOADED
    assert result["result"].unique_id == f"{other_server.host}:{other_server.port}"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([Error("no", "no").event()], "server_error"),
        ([MALFORMED_INFO], "bad_answer"),
        ([None], "disconnected"),
        ([b"HTTP/1.1 400 Bad Request\n\n"], "disconnected"),
        ([info()], "no_voices"),
        ([info(voice("polly", "en", installed=False))], "no_voices"),
        ([info(voice("polly"))], "no_voices"),
        ([info(voice("polly", "en"), attribution=K2SO), Event("k2so-info", {"locked": False})], "bad_answer"),
        ([], "timeout"),
    ],
)
async def test_shows_an_error_for_an_invalid_response_and_adds_the_server_later(
    home: HomeAssistant, other_server: FakeServer, monkeypatch: pytest.MonkeyPatch, answer: list[Any], error: str
) -> None:
    monkeypatch.setattr(client, "ANSWER_S", 0.2)
    valid, other_server.script["describe"] = other_server.script["describe"], answer
    form = await submit(home, await begin(home, SOURCE_USER), address(other_server))
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": error})

    other_server.script["describe"] = valid
    result = await submit(home, form, address(other_server))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("error", "key", "reason"),
    [
        (Error("32 clients are connected", "busy"), "busy", "32 clients are connected."),
        (Error("127.0.0.1 is not on the allow list", "forbidden"), "forbidden", "127.0.0.1 is not on the allow list."),
        (Error("the server is shutting down", "shutdown"), "shutdown", "The server is shutting down."),
        (Error("out of tea", "teapot"), "server_error", "Out of tea."),
    ],
)
async def test_shows_why_a_server_refuses_the_connection(
    home: HomeAssistant, other_server: FakeServer, error: Error, key: str, reason: str
) -> None:
    other_server.refusal = error
    form = await submit(home, await begin(home, SOURCE_USER), address(other_server))
    assert (form["errors"], form["description_placeholders"]) == ({"base": key}, {"reason": reason})
    assert ENGLISH["config"]["error"][key]

    other_server.refusal = None
    assert (await submit(home, form, address(other_server)))["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("failure", [None, TimeoutError, gaierror, UnicodeError])
async def test_an_address_without_a_server_can_be_corrected(
    home: HomeAssistant, other_server: FakeServer, failure: type[Exception] | None
) -> None:
    form = await begin(home, SOURCE_USER)
    with patch("asyncio.open_connection", side_effect=failure) if failure else nullcontext():
        form = await submit(home, form, {"host": "127.0.0.1", "port": free_port()})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "cannot_connect"})

    result = await submit(home, form, address(other_server))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("entered", [" {host} ", "{host}:{port}", "tcp://{host}:{port}", "tcp://{host}:{port}/"])
async def test_accepts_an_address_as_the_server_prints_it(
    home: HomeAssistant, other_server: FakeServer, entered: str
) -> None:
    port = other_server.port if "port" not in entered else 10200
    form = await begin(home, SOURCE_USER)
    result = await submit(home, form, {"host": entered.format(**address(other_server)), "port": port})
    assert (result["type"], result["data"]) == (FlowResultType.CREATE_ENTRY, address(other_server))


@pytest.mark.parametrize("entered", ["tcp://", "tcp://[", "tcp://127.0.0.1:x", "", "attic:9", "fe80::1", "a b", "/"])
async def test_an_invalid_address_can_be_corrected(home: HomeAssistant, other_server: FakeServer, entered: str) -> None:
    with patch("asyncio.open_connection", side_effect=gaierror):
        form = await submit(home, await begin(home, SOURCE_USER), {"host": entered, "port": 1})
    assert form["errors"] == {"base": "cannot_connect"}
    assert (await submit(home, form, address(other_server)))["type"] is FlowResultType.CREATE_ENTRY


async def test_servers_with_the_same_name_get_different_titles(home: HomeAssistant, other_server: FakeServer) -> None:
    async with fake_other().listen() as other:
        await submit(home, await begin(home, SOURCE_USER), address(other_server))
        await submit(home, await begin(home, SOURCE_USER), address(other))
    assert [entry.title for entry in home.config_entries.async_entries(DOMAIN)] == ["parrot", "parrot (127.0.0.1)"]


async def test_a_server_can_be_added_only_once(home: HomeAssistant, server: ServerProcess) -> None:
    await add_entry(home, server)
    result = await submit(home, await begin(home, SOURCE_USER), address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_adding_a_server_again_at_a_new_address_updates_its_entry(
    home: HomeAssistant, server: ServerProcess
) -> None:
    entry = await add_entry(
        home, server, unique_id=await id_of(server), data={"host": "127.0.0.1", "port": free_port()}
    )
    result = await submit(home, await begin(home, SOURCE_USER), address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(server)
    assert entry.state is ConfigEntryState.LOADED


# ---- changing the address -------------------------------------------------------------------------------------------


async def test_changes_the_address(
    home: HomeAssistant, other_server: FakeServer, server: ServerProcess, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await add_entry(home, other_server)
    form = await entry.start_reconfigure_flow(home)
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "reconfigure")

    form = await submit(home, form, {"host": "127.0.0.1", "port": free_port()})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "cannot_connect"})
    assert entry.data == address(other_server)

    result = await submit(home, form, address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert entry.data == address(server)
    assert entry.unique_id == await id_of(server)
    assert entry.state is ConfigEntryState.LOADED
    assert "Detected that" not in caplog.text


async def test_accepts_the_same_address(home: HomeAssistant, other_server: FakeServer) -> None:
    entry = await add_entry(home, other_server)
    result = await submit(home, await entry.start_reconfigure_flow(home), address(other_server))
    assert result["reason"] == "reconfigure_successful"


async def test_rejects_the_address_of_another_entry(
    home: HomeAssistant, other_server: FakeServer, server: ServerProcess
) -> None:
    await add_entry(home, server)
    entry = await add_entry(home, other_server)
    result = await submit(home, await entry.start_reconfigure_flow(home), address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(other_server)


async def test_rejects_the_server_of_another_entry(
    home: HomeAssistant, other_server: FakeServer, server: ServerProcess
) -> None:
    moved = MockConfigEntry(domain=DOMAIN, unique_id=await id_of(server), data={"host": "192.0.2.7", "port": 1})
    moved.add_to_hass(home)
    entry = await add_entry(home, other_server)
    result = await submit(home, await entry.start_reconfigure_flow(home), address(server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(other_server)

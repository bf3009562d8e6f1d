"""Discovery flows: servers that announce themselves over the network, or through the Supervisor as an app."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_HASSIO, SOURCE_ZEROCONF, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from pytest_homeassistant_custom_component.common import MockConfigEntry
from wyoming.error import Error

from custom_components.k2so.const import DOMAIN

from .config_entries import add_entry
from .fake_server import FakeServer, fake_k2so, info, k2so_info
from .flows import address, begin, id_of, submit
from .process import free_port
from .server_process import ServerProcess


def zeroconf_info(
    server: ServerProcess | FakeServer, id: str | None = None, name: str = "k2so-attic"
) -> ZeroconfServiceInfo:
    ip = ip_address(server.host)
    kind = "_k2so._tcp.local."
    properties = {"version": "1"} | ({"id": id} if id else {})
    return ZeroconfServiceInfo(ip, [ip], server.port, f"{name}.local.", kind, f"{name}.{kind}", properties)


def app_info(uri: Any) -> HassioServiceInfo:
    return HassioServiceInfo(config={"uri": uri}, name="K2-SO", slug="k2so", uuid="1234")


async def test_adds_a_server_from_the_network_after_confirmation(home: HomeAssistant, server: ServerProcess) -> None:
    form = await begin(home, SOURCE_ZEROCONF, zeroconf_info(server))
    assert (form["type"], form["step_id"]) == (FlowResultType.FORM, "discovery_confirm")
    assert form["description_placeholders"] == {"name": "K2-SO", "host": server.host}
    assert not home.config_entries.async_entries(DOMAIN)

    result = await submit(home, form, {})
    assert (result["type"], result["data"]) == (FlowResultType.CREATE_ENTRY, address(server))
    assert result["result"].unique_id == await id_of(server)


async def test_adds_an_app_after_confirmation(home: HomeAssistant, server: ServerProcess) -> None:
    form = await begin(home, SOURCE_HASSIO, app_info(f"tcp://{server.host}:{server.port}"))
    assert form["step_id"] == "discovery_confirm"

    result = await submit(home, form, {})
    assert (result["type"], result["data"]) == (FlowResultType.CREATE_ENTRY, address(server))
    assert result["result"].unique_id == await id_of(server)


@pytest.mark.parametrize("uri", [None, "tcp://", "tcp://here", "tcp://here:99999", 5])
async def test_ignores_an_app_without_an_address(home: HomeAssistant, uri: Any) -> None:
    result = await begin(home, SOURCE_HASSIO, app_info(uri))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_address")


async def test_ignores_a_server_without_voices(home: HomeAssistant, other_server: FakeServer) -> None:
    valid, other_server.script["describe"] = other_server.script["describe"], [info()]
    result = await begin(home, SOURCE_ZEROCONF, zeroconf_info(other_server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_voices")

    other_server.script["describe"] = valid
    assert (await begin(home, SOURCE_ZEROCONF, zeroconf_info(other_server)))["type"] is FlowResultType.FORM


async def test_says_that_a_discovered_server_forbids_access(home: HomeAssistant, other_server: FakeServer) -> None:
    other_server.refusal = Error("127.0.0.1 is not on the allow list", "forbidden")
    result = await begin(home, SOURCE_ZEROCONF, zeroconf_info(other_server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "forbidden")
    assert result["description_placeholders"] == {"reason": "127.0.0.1 is not on the allow list."}


async def test_shows_an_error_if_the_server_has_gone_at_confirmation(
    home: HomeAssistant, other_server: FakeServer
) -> None:
    form = await begin(home, SOURCE_ZEROCONF, zeroconf_info(other_server))
    valid, other_server.script["describe"] = other_server.script["describe"], [None]
    form = await submit(home, form, {})
    assert (form["type"], form["errors"]) == (FlowResultType.FORM, {"base": "disconnected"})

    other_server.script["describe"] = valid
    assert (await submit(home, form, {}))["type"] is FlowResultType.CREATE_ENTRY


async def test_starts_one_flow_per_server(home: HomeAssistant, server: ServerProcess) -> None:
    await begin(home, SOURCE_ZEROCONF, zeroconf_info(server, await id_of(server)))
    result = await begin(home, SOURCE_HASSIO, app_info(f"tcp://{server.host}:{server.port}"))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_in_progress")


async def test_ignores_a_server_that_was_added_by_address(home: HomeAssistant, other_server: FakeServer) -> None:
    await add_entry(home, other_server)
    result = await begin(home, SOURCE_ZEROCONF, zeroconf_info(other_server))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


@pytest.mark.parametrize("announces_its_id", [True, False])
async def test_updates_the_address_of_a_server_that_has_moved(
    home: HomeAssistant, server: ServerProcess, announces_its_id: bool
) -> None:
    known = await id_of(server)
    entry = await add_entry(home, server, unique_id=known, data={"host": "127.0.0.1", "port": free_port()})
    assert entry.state.value == "setup_retry"

    result = await begin(home, SOURCE_ZEROCONF, zeroconf_info(server, known if announces_its_id else None))
    await home.async_block_till_done(wait_background_tasks=True)

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(server)
    assert entry.state is ConfigEntryState.LOADED


async def test_keeps_the_address_while_the_server_still_answers_there(
    home: HomeAssistant, socket_enabled: None
) -> None:
    async with fake_k2so(id="cafe").listen() as fake, fake_k2so(id="cafe").listen() as other:
        entry = await add_entry(home, fake, unique_id="cafe")
        result = await begin(home, SOURCE_ZEROCONF, zeroconf_info(other, "cafe"))
        assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
        assert entry.data == address(fake)

        fake.script["k2so-describe"] = [k2so_info(id="beef")]
        await begin(home, SOURCE_ZEROCONF, zeroconf_info(other, "cafe"))
        assert entry.data == address(other)


async def test_updates_the_address_of_a_server_that_is_still_starting(
    home: HomeAssistant, other_server: FakeServer
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, unique_id="cafe", data={"host": "127.0.0.1", "port": free_port()})
    entry.add_to_hass(home)
    other_server.script["describe"] = [None]
    result = await begin(home, SOURCE_ZEROCONF, zeroconf_info(other_server, "cafe"))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(other_server)

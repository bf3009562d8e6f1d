"""Servers that announce themselves: over the network, or as an app of the Supervisor."""

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

from custom_components.k2so.const import DOMAIN

from .conftest import add
from .fake_server import Peer, info, k2so, k2so_info
from .flows import address, begin, id_of, submit
from .process import free_port
from .server_process import ServerProcess


def announced(server: ServerProcess | Peer, id: str | None = None, name: str = "k2so-attic") -> ZeroconfServiceInfo:
    ip = ip_address(server.host)
    kind = "_k2so._tcp.local."
    properties = {"version": "1"} | ({"id": id} if id else {})
    return ZeroconfServiceInfo(ip, [ip], server.port, f"{name}.local.", kind, f"{name}.{kind}", properties)


def app(uri: Any) -> HassioServiceInfo:
    return HassioServiceInfo(config={"uri": uri}, name="K2-SO", slug="k2so", uuid="1234")


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


@pytest.mark.parametrize("tells_its_id", [True, False])
async def test_a_server_that_has_moved_is_found_again(
    home: HomeAssistant, server: ServerProcess, tells_its_id: bool
) -> None:
    known = await id_of(server)
    entry = await add(home, server, unique_id=known, data={"host": "127.0.0.1", "port": free_port()})
    assert entry.state.value == "setup_retry"

    result = await begin(home, SOURCE_ZEROCONF, announced(server, known if tells_its_id else None))
    await home.async_block_till_done(wait_background_tasks=True)

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(server)
    assert entry.state is ConfigEntryState.LOADED


async def test_a_server_with_several_addresses_keeps_the_one_that_works(
    home: HomeAssistant, socket_enabled: None
) -> None:
    async with k2so(id="cafe").listen() as peer, k2so(id="cafe").listen() as other:
        entry = await add(home, peer, unique_id="cafe")
        result = await begin(home, SOURCE_ZEROCONF, announced(other, "cafe"))
        assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
        assert entry.data == address(peer)

        peer.script["k2so-describe"] = [k2so_info(id="beef")]
        await begin(home, SOURCE_ZEROCONF, announced(other, "cafe"))
        assert entry.data == address(other)


async def test_a_server_that_is_still_starting_at_its_new_address_is_found_again(
    home: HomeAssistant, peer: Peer
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, unique_id="cafe", data={"host": "127.0.0.1", "port": free_port()})
    entry.add_to_hass(home)
    peer.script["describe"] = [None]
    result = await begin(home, SOURCE_ZEROCONF, announced(peer, "cafe"))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == address(peer)

"""Diagnostics that users attach to bug reports."""

from __future__ import annotations

import json
from types import MappingProxyType

from homeassistant.core import HomeAssistant
from homeassistant.helpers.discovery_flow import DiscoveryKey
from homeassistant.helpers.json import JSONEncoder
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.k2so.diagnostics import async_get_config_entry_diagnostics

from .config_entries import add_entry
from .fake_server import FakeServer, fake_k2so
from .flows import id_of
from .server_process import ServerProcess


async def test_diagnostics_hold_the_state_of_the_server_but_nothing_that_identifies_it(
    home: HomeAssistant, server: ServerProcess, entry: MockConfigEntry
) -> None:
    await home.config_entries.async_remove(entry.entry_id)
    discovery = {"zeroconf": (DiscoveryKey(domain="zeroconf", key=("k2so-attic._k2so._tcp.local.",), version=1),)}
    entry = await add_entry(
        home,
        server,
        title="The attic of the Smiths",
        unique_id="smiths-attic",
        discovery_keys=MappingProxyType(discovery),
    )

    text = json.dumps(await async_get_config_entry_diagnostics(home, entry), cls=JSONEncoder)

    found = json.loads(text)
    assert found["available"]
    assert found["state"]["k2so"]["settings"]["chunk_samples"] == 4096
    assert found["state"]["voices"][0]["name"]
    assert found["entry"]["data"]["port"] == server.port
    for secret in (server.host, "attic", "Smiths", await id_of(server)):
        assert secret not in text


async def test_diagnostics_say_why_a_server_is_unavailable(home: HomeAssistant, other_server: FakeServer) -> None:
    await other_server.close()
    found = await async_get_config_entry_diagnostics(home, await add_entry(home, other_server))
    assert (found["available"], found["reason"]) == (False, "cannot_connect")


async def test_messages_of_the_server_are_sentences(home: HomeAssistant, socket_enabled: None) -> None:
    engines = [{"name": "xtts", "state": "failed", "detail": "the disk is full"}]
    failed = {"settings": {"engine": "xtts"}, "reason": "out of memory"}
    async with fake_k2so(engines=engines, failed=failed).listen() as fake:
        k2so = (await async_get_config_entry_diagnostics(home, await add_entry(home, fake)))["state"]["k2so"]
    assert k2so["engines"][0]["detail"] == "The disk is full."
    assert k2so["failed"]["reason"] == "Out of memory."

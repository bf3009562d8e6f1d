"""What a user sends along with a report."""

from __future__ import annotations

import json
from types import MappingProxyType

from homeassistant.core import HomeAssistant
from homeassistant.helpers.discovery_flow import DiscoveryKey
from homeassistant.helpers.json import JSONEncoder
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.k2so.diagnostics import async_get_config_entry_diagnostics

from .conftest import add
from .fake_server import Peer
from .flows import id_of
from .server_process import ServerProcess


async def test_diagnostics_tell_all_but_where_the_house_is(
    home: HomeAssistant, server: ServerProcess, entry: MockConfigEntry
) -> None:
    await home.config_entries.async_remove(entry.entry_id)
    announced = {"zeroconf": (DiscoveryKey(domain="zeroconf", key=("k2so-attic._k2so._tcp.local.",), version=1),)}
    entry = await add(
        home,
        server,
        title="The attic of the Smiths",
        unique_id="smiths-attic",
        discovery_keys=MappingProxyType(announced),
    )

    found = json.dumps(await async_get_config_entry_diagnostics(home, entry), cls=JSONEncoder)

    told = json.loads(found)
    assert told["available"]
    assert told["state"]["control"]["settings"]["chunk_samples"] == 4096
    assert told["state"]["voices"][0]["name"]
    assert told["entry"]["data"]["port"] == server.port
    for secret in (server.host, "attic", "Smiths", await id_of(server)):
        assert secret not in found


async def test_diagnostics_tell_why_a_server_is_missing(home: HomeAssistant, peer: Peer) -> None:
    await peer.close()
    found = await async_get_config_entry_diagnostics(home, await add(home, peer))
    assert (found["available"], found["reason"]) == (False, "cannot_connect")

"""Config entries of the integration in the Home Assistant of a test."""

from __future__ import annotations

from datetime import timedelta

from homeassistant.core import HomeAssistant
from homeassistant.util.dt import utcnow
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.k2so.const import DOMAIN
from custom_components.k2so.coordinator import UPDATE_INTERVAL

from .fake_server import FakeServer
from .server_process import ServerProcess


async def add_entry(home: HomeAssistant, server: ServerProcess | FakeServer, **fields: object) -> MockConfigEntry:
    """Set up an entry for a server."""
    data = {"host": server.host, "port": server.port}
    entry = MockConfigEntry(**{"domain": DOMAIN, "title": "K2-SO", "data": data} | fields)
    entry.add_to_hass(home)
    await home.config_entries.async_setup(entry.entry_id)
    await home.async_block_till_done(wait_background_tasks=True)
    return entry


async def pass_time(home: HomeAssistant, interval: timedelta = UPDATE_INTERVAL) -> None:
    """Advance the clock past the next update."""
    await home.async_block_till_done(wait_background_tasks=True)
    async_fire_time_changed(home, utcnow() + interval + timedelta(seconds=1))
    await home.async_block_till_done(wait_background_tasks=True)

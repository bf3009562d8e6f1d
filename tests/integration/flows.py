"""Fills in the forms of config and options flows as the frontend does, and reads what the server made of it."""

from __future__ import annotations

from typing import Any

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.k2so.client import K2soClient
from custom_components.k2so.const import DOMAIN
from custom_components.k2so.models import K2soInfo

from .fake_server import FakeServer
from .server_process import ServerProcess


def address(server: ServerProcess | FakeServer) -> dict[str, Any]:
    return {"host": server.host, "port": server.port}


async def begin(home: HomeAssistant, source: str, data: Any = None) -> Any:
    return await home.config_entries.flow.async_init(DOMAIN, context={"source": source}, data=data)


async def submit(home: HomeAssistant, form: Any, data: dict[str, Any]) -> Any:
    result = await home.config_entries.flow.async_configure(form["flow_id"], data)
    await home.async_block_till_done(wait_background_tasks=True)
    return result


async def open_options(home: HomeAssistant, entry: MockConfigEntry) -> Any:
    return await home.config_entries.options.async_init(entry.entry_id)


async def save_options(home: HomeAssistant, form: Any, data: dict[str, Any]) -> Any:
    result = await home.config_entries.options.async_configure(form["flow_id"], data)
    await home.async_block_till_done(wait_background_tasks=True)
    return result


def shown(form: Any) -> dict[str, Any]:
    """The fields of a form and their suggested values."""
    return {str(key): (key.description or {}).get("suggested_value") for key in form["data_schema"].schema}


async def k2so_info_of(server: ServerProcess) -> K2soInfo:
    """What a K2-SO server reports about itself."""
    found = (await K2soClient(server.host, server.port).describe()).k2so
    assert found
    return found


async def id_of(server: ServerProcess) -> str:
    found = (await k2so_info_of(server)).id
    assert found
    return found


async def settings(server: ServerProcess) -> dict[str, Any]:
    return (await k2so_info_of(server)).settings

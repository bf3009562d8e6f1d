"""Diagnostics to attach to a bug report, without addresses and without anything that identifies the server."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant

from .coordinator import K2soConfigEntry

TO_REDACT = {CONF_HOST, "discovery_keys", "id", "instance", "title", "unique_id"}


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: K2soConfigEntry) -> dict[str, Any]:
    """The entry, and the state of its server or the reason why it is unavailable."""
    found: dict[str, Any] = {"entry": entry.as_dict()}
    if entry.state is ConfigEntryState.LOADED:
        coordinator = entry.runtime_data
        found |= {"available": coordinator.last_update_success, "state": asdict(coordinator.data)}
    else:
        found |= {"available": False, "reason": entry.error_reason_translation_key}
    return async_redact_data(found, TO_REDACT)

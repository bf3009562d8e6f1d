"""What a user can send along with a report; addresses are left out."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant

from .coordinator import K2soConfigEntry

TO_REDACT = {CONF_HOST, "title", "unique_id"}


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: K2soConfigEntry) -> dict[str, Any]:
    """The entry and the server's state."""
    coordinator = entry.runtime_data
    return {
        "entry": async_redact_data(entry.as_dict(), TO_REDACT),
        "available": coordinator.last_update_success,
        "state": asdict(coordinator.data),
    }

"""K2-SO: a text-to-speech server that streams."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .coordinator import K2soConfigEntry, K2soCoordinator

PLATFORMS = [Platform.SENSOR, Platform.TTS]


async def async_setup_entry(hass: HomeAssistant, entry: K2soConfigEntry) -> bool:
    """Set up a server."""
    coordinator = K2soCoordinator(hass, entry)
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    entry.async_on_unload(entry.add_update_listener(_async_options_changed))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: K2soConfigEntry) -> bool:
    """Unload a server."""
    ir.async_delete_issue(hass, DOMAIN, f"fallback_voice_{entry.entry_id}")
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def _async_options_changed(hass: HomeAssistant, entry: K2soConfigEntry) -> None:
    """Let entities take up the options; the server has them already."""
    entry.runtime_data.async_update_listeners()

"""Streaming speech from a wyoming-k2so server, or from any other Wyoming text-to-speech server."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .coordinator import K2soConfigEntry, K2soCoordinator
from .issues import async_update_issues
from .services import async_setup_services

PLATFORMS = [Platform.SENSOR, Platform.TTS]
CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up the actions, which all servers share."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: K2soConfigEntry) -> bool:
    """Set up a server."""
    coordinator = K2soCoordinator(hass, entry)
    entry.async_on_unload(lambda: async_update_issues(hass, entry, {}))
    await coordinator.async_config_entry_first_refresh()
    _update_unique_id(hass, entry, coordinator)
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


def _update_unique_id(hass: HomeAssistant, entry: K2soConfigEntry, coordinator: K2soCoordinator) -> None:
    """Identify the entry by its server's id, so that discovery finds the server at a new address.

    The server may be another one than before. Raises ConfigEntryError when that one has an entry already.
    """
    k2so = coordinator.data.k2so
    if k2so is None or k2so.id in (None, entry.unique_id):
        return
    if hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, k2so.id) is not None:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="another_server")
    hass.config_entries.async_update_entry(entry, unique_id=k2so.id)


async def async_unload_entry(hass: HomeAssistant, entry: K2soConfigEntry) -> bool:
    """Unload a server."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)

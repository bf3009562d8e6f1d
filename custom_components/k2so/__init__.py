"""K2-SO: a text-to-speech server that streams."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .coordinator import K2soConfigEntry, K2soCoordinator
from .issues import async_report
from .services import async_setup_services

PLATFORMS = [Platform.SENSOR, Platform.TTS]
CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what all servers share."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: K2soConfigEntry) -> bool:
    """Set up a server."""
    coordinator = K2soCoordinator(hass, entry)
    entry.async_on_unload(lambda: async_report(hass, entry, {}))
    await coordinator.async_config_entry_first_refresh()
    _follow_server(hass, entry, coordinator)
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


def _follow_server(hass: HomeAssistant, entry: K2soConfigEntry, coordinator: K2soCoordinator) -> None:
    """Know a server by its id, so that discovery finds it at another address; it may be another server than before."""
    control = coordinator.data.control
    if control is None or control.id in (None, entry.unique_id):
        return
    if hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, control.id) is not None:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="another_server")
    hass.config_entries.async_update_entry(entry, unique_id=control.id)


async def async_unload_entry(hass: HomeAssistant, entry: K2soConfigEntry) -> bool:
    """Unload a server."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)

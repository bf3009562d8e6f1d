"""The base class of all entities."""

from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import K2soCoordinator


class K2soEntity(CoordinatorEntity[K2soCoordinator]):
    """An entity of a server. `key` is its translation key and part of its unique ID."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: K2soCoordinator, key: str) -> None:
        super().__init__(coordinator)
        entry, state = coordinator.config_entry, coordinator.data
        self._attr_translation_key = key
        self._attr_unique_id = f"{entry.entry_id}-{key}"
        self._attr_device_info = DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, entry.entry_id)},
            name=entry.title,
            manufacturer=state.manufacturer,
            model=state.program,
            sw_version=state.version,
        )

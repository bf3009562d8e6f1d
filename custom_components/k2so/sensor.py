"""Sensors: the engine in use, and measurements of replies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .coordinator import K2soConfigEntry, K2soCoordinator
from .entity import K2soEntity
from .models import K2soInfo

PARALLEL_UPDATES = 0

ENGINE_STATES = ["ready", "loading", "idle", "failed"]


@dataclass(frozen=True, kw_only=True)
class K2soSensorDescription(SensorEntityDescription):
    """A sensor, and how to read its value."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    value: Callable[[K2soInfo], StateType]


def _of_last_reply(name: str) -> Callable[[K2soInfo], StateType]:
    def value(k2so: K2soInfo) -> Any:
        return (k2so.figures.get("last") or {}).get(name)

    return value


def _engine_state(k2so: K2soInfo) -> str | None:
    """The state of the first selected engine that cannot speak; engines that are off do not count."""
    state = next((engine.state for engine in k2so.selected_engines if engine.state not in ("ready", "off")), "ready")
    return state if state in ENGINE_STATES else None


DESCRIPTIONS = (
    K2soSensorDescription(key="engine", value=lambda k2so: k2so.speaking),
    K2soSensorDescription(
        key="engine_state", device_class=SensorDeviceClass.ENUM, options=ENGINE_STATES, value=_engine_state
    ),
    K2soSensorDescription(
        key="quantization",
        value=lambda k2so: next((e.mode for e in k2so.engines if e.name == k2so.speaking), None),
    ),
    K2soSensorDescription(
        key="first_audio",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=2,
        entity_registry_enabled_default=False,
        value=_of_last_reply("first_audio_s"),
    ),
    K2soSensorDescription(
        key="real_time_factor",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
        entity_registry_enabled_default=False,
        value=_of_last_reply("rtf"),
    ),
    K2soSensorDescription(
        key="underruns",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_registry_enabled_default=False,
        value=lambda k2so: k2so.figures["underruns"],
    ),
    K2soSensorDescription(
        key="fallbacks",
        state_class=SensorStateClass.TOTAL_INCREASING,
        value=lambda k2so: k2so.figures["fallbacks"],
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: K2soConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the sensors of a K2-SO server; other servers have none."""
    if entry.runtime_data.data.k2so is not None:
        async_add_entities(K2soSensor(entry.runtime_data, description) for description in DESCRIPTIONS)


class K2soSensor(K2soEntity, SensorEntity):
    """A sensor of a K2-SO server."""

    entity_description: K2soSensorDescription

    def __init__(self, coordinator: K2soCoordinator, description: K2soSensorDescription) -> None:
        super().__init__(coordinator, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> StateType:
        """The value at the last update."""
        k2so = self.coordinator.data.k2so
        return None if k2so is None else self.entity_description.value(k2so)

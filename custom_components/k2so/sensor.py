"""How the last replies went."""

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

from .client import Control
from .coordinator import K2soConfigEntry, K2soCoordinator
from .entity import K2soEntity

PARALLEL_UPDATES = 0

ENGINE_STATES = ["ready", "loading", "idle", "failed"]


@dataclass(frozen=True, kw_only=True)
class K2soSensorDescription(SensorEntityDescription):
    """A figure and where it is found."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    value: Callable[[Control], StateType]


def _last(name: str) -> Callable[[Control], StateType]:
    def value(control: Control) -> Any:
        return (control.figures.get("last") or {}).get(name)

    return value


def _engine_state(control: Control) -> str | None:
    """Of the engines that may speak, the state of the one that cannot; of an engine that is off nobody waits for it."""
    state = next((engine.state for engine in control.wanted if engine.state not in ("ready", "off")), "ready")
    return state if state in ENGINE_STATES else None


DESCRIPTIONS = (
    K2soSensorDescription(key="engine", value=lambda control: control.speaking),
    K2soSensorDescription(
        key="engine_state", device_class=SensorDeviceClass.ENUM, options=ENGINE_STATES, value=_engine_state
    ),
    K2soSensorDescription(
        key="quantization",
        value=lambda control: next((e.mode for e in control.engines if e.name == control.speaking), None),
    ),
    K2soSensorDescription(
        key="first_audio",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=2,
        entity_registry_enabled_default=False,
        value=_last("first_audio_s"),
    ),
    K2soSensorDescription(
        key="real_time_factor",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
        entity_registry_enabled_default=False,
        value=_last("rtf"),
    ),
    K2soSensorDescription(
        key="underruns",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_registry_enabled_default=False,
        value=lambda control: control.figures["underruns"],
    ),
    K2soSensorDescription(
        key="fallbacks",
        state_class=SensorStateClass.TOTAL_INCREASING,
        value=lambda control: control.figures["fallbacks"],
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: K2soConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the sensors of a K2-SO server; other servers keep no figures."""
    if entry.runtime_data.data.control is not None:
        async_add_entities(K2soSensor(entry.runtime_data, description) for description in DESCRIPTIONS)


class K2soSensor(K2soEntity, SensorEntity):
    """One figure."""

    entity_description: K2soSensorDescription

    def __init__(self, coordinator: K2soCoordinator, description: K2soSensorDescription) -> None:
        super().__init__(coordinator, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> StateType:
        """The figure as the server told it last."""
        control = self.coordinator.data.control
        return None if control is None else self.entity_description.value(control)

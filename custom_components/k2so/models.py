"""What a server reports about itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wyoming.info import TtsVoice

from .const import CONF_ENGINE
from .errors import sentence


@dataclass(frozen=True)
class Engine:
    """A speech engine of a K2-SO server."""

    name: str
    state: str
    """loading, ready, idle, failed or off."""

    detail: str
    """Why it is in this state, as a sentence; may be empty."""

    mode: str | None
    """The precision in use."""

    modes: dict[str, str]
    """The precisions that run well on the server, each with its pros and cons."""

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Engine:
        """Read one engine of a `k2so-info` event. Raises KeyError, TypeError or ValueError for malformed data."""
        return cls(
            name=data["name"],
            state=data["state"],
            detail=sentence(data.get("detail") or ""),
            mode=data.get("mode"),
            modes=dict(data.get("modes", {})),
        )


@dataclass(frozen=True)
class FailedChange:
    """A change of settings that the server could not make."""

    settings: dict[str, Any]
    reason: str


@dataclass(frozen=True)
class K2soInfo:
    """What a K2-SO server reports beyond the Wyoming protocol, in its `k2so-info` event."""

    id: str | None
    """Identifies the server; stays the same when its address changes."""

    instance: str | None
    """Changes each time the server starts."""

    locked: bool
    settings: dict[str, Any]
    allowed: dict[str, dict[str, Any]]
    """The limits of each setting: `choices`, or `min` and `max`."""

    engines: tuple[Engine, ...]
    speaking: str
    """Name of the engine that speaks when a request names no voice."""

    figures: dict[str, Any]
    """Totals since the server started, and the measurements of its last reply (`last`)."""

    failed: FailedChange | None
    """The last change of settings, if it failed."""

    @property
    def selected_engines(self) -> Iterator[Engine]:
        """The engines that may speak according to the settings."""
        selected = self.settings.get(CONF_ENGINE)
        return (engine for engine in self.engines if selected in ("auto", engine.name))

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> K2soInfo:
        """Read a `k2so-info` event. Raises AttributeError, KeyError, TypeError or ValueError for malformed data."""
        failed = data.get("failed")
        return cls(
            id=data.get("id"),
            instance=data.get("instance"),
            locked=data["locked"],
            settings=dict(data["settings"]),
            allowed={key: dict(limits) for key, limits in data["allowed"].items()},
            engines=tuple(Engine.from_data(engine) for engine in data["engines"]),
            speaking=data["speaking"],
            figures=dict(data["figures"]),
            failed=None if failed is None else FailedChange(dict(failed["settings"]), sentence(failed["reason"])),
        )


@dataclass(frozen=True)
class ServerState:
    """What a server reports about itself."""

    program: str
    manufacturer: str
    version: str | None
    streams: bool
    """Accepts text in pieces."""

    voices: tuple[TtsVoice, ...]
    k2so: K2soInfo | None
    """None for other Wyoming servers."""

"""What all connections share."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from .admission import Admission
from .catalog import Catalog
from .control import Control
from .engine import Engine
from .frames import Limits
from .metrics import Metrics
from .pace import Pace
from .watchdog import Watchdog

ADD_VOICE = "k2so-add-voice"
MAX_CLIP_BYTES = 16 * 1024 * 1024


@dataclass
class Service:
    """The voices, the settings, and what was learnt about both."""

    catalog: Catalog
    control: Control
    metrics: Metrics
    paces: WeakKeyDictionary[Engine, Pace] = field(default_factory=WeakKeyDictionary)
    admission: Admission = field(init=False)
    watchdog: Watchdog | None = field(init=False)
    limits: Limits = field(default_factory=lambda: Limits(payload_of={ADD_VOICE: MAX_CLIP_BYTES}))

    def __post_init__(self) -> None:
        """Make what depends on the settings."""
        settings = self.control.config.server
        self.admission = Admission(settings.max_streams)
        self.watchdog = Watchdog(settings.watchdog, self.control.restart) if settings.watchdog else None

"""What all connections of a server share."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from wyoming_k2so.engine import Engine
from wyoming_k2so.reply.speed_model import SpeedModel
from wyoming_k2so.reply.watchdog import Watchdog
from wyoming_k2so.voices.catalog import Catalog

from .admission import Admission
from .framing import Limits
from .live_settings import LiveSettings
from .metrics import Metrics

ADD_VOICE = "k2so-add-voice"
MAX_CLIP_BYTES = 16 * 1024 * 1024


@dataclass
class ServerContext:
    """Voices, settings, metrics and limits."""

    catalog: Catalog
    live_settings: LiveSettings
    metrics: Metrics
    speed_models: WeakKeyDictionary[Engine, SpeedModel] = field(default_factory=WeakKeyDictionary)
    admission: Admission = field(init=False)
    watchdog: Watchdog | None = field(init=False)
    limits: Limits = field(default_factory=lambda: Limits(payload_of={ADD_VOICE: MAX_CLIP_BYTES}))

    def __post_init__(self) -> None:
        """Set up what depends on the settings."""
        settings = self.live_settings.config.server
        self.admission = Admission(settings.max_streams)
        self.watchdog = Watchdog(settings.watchdog, self.live_settings.restart) if settings.watchdog else None

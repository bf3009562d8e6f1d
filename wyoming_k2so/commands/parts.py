"""What several commands share."""

from __future__ import annotations

from wyoming_k2so.settings.config import Config
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_manager import EngineManager


def load_engines(config: Config) -> Catalog:
    """Load all engines that `config` asks for. Raises EngineError or UnknownVoice."""
    catalog = Catalog(defaults=config.voice)
    EngineManager(catalog).start(config, wait=True)
    return catalog

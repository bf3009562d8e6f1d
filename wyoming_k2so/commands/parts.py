"""What several commands put together."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from wyoming_k2so import engines
from wyoming_k2so.settings.config import Config
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_manager import EngineManager


def load_engines(config: Config) -> Catalog:
    """The engines that `config` asks for, all loaded."""
    catalog = Catalog(defaults=config.voice)
    EngineManager(catalog).start(config, wait=True)
    return catalog


def xtts_part(name: str) -> Any:
    """A module of the XTTS engine, which imports torch. Raises EngineError when that is not installed."""
    engines.require("xtts")
    return import_module(f"{engines.__name__}.xtts.{name}")

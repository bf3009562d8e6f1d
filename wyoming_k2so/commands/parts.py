"""What several commands put together."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .. import engines
from ..catalog import Catalog
from ..config import Config
from ..loader import Loader


def load_engines(config: Config) -> Catalog:
    """The engines that `config` asks for, all loaded."""
    catalog = Catalog(defaults=config.voice)
    Loader(catalog).start(config, wait=True)
    return catalog


def xtts_part(name: str) -> Any:
    """A module of the XTTS engine, which imports torch. Raises EngineError when that is not installed."""
    engines.require("xtts")
    return import_module(f"{engines.__name__}.xtts.{name}")

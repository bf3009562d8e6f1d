"""The table of engines. An engine's module is imported only when that engine is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.settings.config import Config

# ONNX Runtime would report to its maker how it is used. Read when it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


@dataclass(frozen=True)
class Entry:
    """Where an engine lives and what it needs."""

    target: str
    """module:Class; the class has a `load(config) -> Engine` that raises EngineError."""

    modules: tuple[str, ...]
    """Modules that must be importable."""

    extra: str | None = None
    """The extra of this package that installs them."""

    check: str | None = None
    """module:function that is given the configuration and raises EngineError for what is wrong at first sight."""

    reclaim: str | None = None
    """module:function that gives memory back to the system after a model of the engine was dropped."""


ENGINES = {
    "piper": Entry("wyoming_k2so.engines.piper:PiperEngine", ("piper",)),
    "xtts": Entry(
        "wyoming_k2so.engines.xtts.engine:XttsEngine",
        ("torch", "torchaudio", "TTS"),
        extra="xtts",
        check="wyoming_k2so.engines.xtts.weights.source:check",
        reclaim="wyoming_k2so.engines.xtts.weights.memory:reclaim",
    ),
}


def missing(name: str) -> list[str]:
    """Modules that the engine needs and that are not installed. Imports nothing."""
    return [module for module in ENGINES[name].modules if find_spec(module) is None]


def check(name: str, config: Config) -> None:
    """Raise EngineError for what can be seen at once to keep an engine from loading. Quick, and loads nothing."""
    require(name)
    if (target := ENGINES[name].check) is not None:
        _named(target)(config)


def require(name: str) -> None:
    """Raise EngineError when the engine needs what is not installed."""
    if absent := missing(name):
        extra = ENGINES[name].extra
        package = f"'wyoming-k2so[{extra}]'" if extra else "wyoming-k2so"
        raise EngineError(f"engine {name} needs {', '.join(absent)}: pip install {package}")


def reclaim(name: str) -> None:
    """Give memory back to the system after a model of the engine was dropped."""
    target = ENGINES[name].reclaim
    if target is not None and target.partition(":")[0] in sys.modules:  # else there was none
        _named(target)()


def load(name: str, config: Config) -> Engine:
    """Load an engine; this can take long.

    Raises:
        EngineError: it cannot be loaded; the message says what to do.
    """
    check(name, config)
    try:
        loader: Callable[[Config], Engine] = _named(ENGINES[name].target).load
    except Exception as error:  # native libraries that do not fit each other raise anything
        raise EngineError(f"engine {name} is installed but cannot be imported: {error}") from error
    try:
        return loader(config)
    except EngineError:
        raise
    except Exception as error:
        raise EngineError(f"engine {name} cannot be loaded: {str(error) or type(error).__name__}") from error


def _named(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)

"""What the program knows of an engine before it is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.settings.config import Config


@dataclass(frozen=True)
class EngineSpec:
    """One engine: where it is, what it needs and what it can do. Targets are `module:name`, imported when needed."""

    name: str
    """What users choose it by: lower-case letters, digits, `-` and `_`."""

    engine: str
    """Target: a class with a class method `load(config) -> Engine`, which raises EngineError."""

    settings: type | None = None
    """Its own settings: a frozen dataclass of `option` fields. Flags, variables and live settings derive from it."""

    modules: tuple[str, ...] = ()
    """Modules that must be installed."""

    package: str = ""
    """The requirement that installs them, for `pip install`."""

    rank: int = 0
    """`--engine auto` takes the engine of the highest rank that loads."""

    fallback: bool = False
    """Loads at once, without a download, so that it can speak while another engine loads or fails.

    Of several such engines, the one of the highest rank that loads does so.
    """

    languages: tuple[str, ...] = ()
    """BCP 47 tags of the languages that it speaks out of the box."""

    clones: bool = False
    """Makes voices from clips (engine.Cloning)."""

    repeats: bool = False
    """Repeats itself when Request.seed is the same."""

    loggers: tuple[str, ...] = ()
    """Loggers of its libraries that may quote users' texts; silent unless the user asks for `--debug`."""

    precheck: str | None = None
    """Target: a quick function of the configuration, which raises EngineError if loading cannot succeed."""

    reclaimer: str | None = None
    """Target: a function that returns memory to the system after a model has been dropped."""

    @property
    def precisions(self) -> tuple[str, ...]:
        """Keys of the settings that choose a numeric precision."""
        own = fields(self.settings) if self.settings else ()
        return tuple(field.name for field in own if field.metadata["option"].modes)

    def missing(self) -> list[str]:
        """The modules that are not installed. Imports none of them."""
        return [module for module in self.modules if find_spec(module) is None]

    def require(self) -> None:
        """Raise EngineError if a module that the engine needs is not installed."""
        if absent := self.missing():
            raise EngineError(f"engine {self.name} needs {', '.join(absent)}{self.remedy}")

    @property
    def remedy(self) -> str:
        """How to install what is missing, at the end of a message; empty if nothing is."""
        return f": pip install '{self.package}'" if self.package and self.missing() else ""

    def check(self, config: Config) -> None:
        """Raise EngineError if it is plain that the engine cannot load. Quick; loads nothing."""
        self.require()
        if self.precheck is not None:
            _imported(self.precheck)(config)

    def load(self, config: Config) -> Engine:
        """Load the engine; this can take minutes.

        Raises:
            EngineError: it cannot be loaded.
        """
        self.check(config)
        try:
            loader: Callable[[Config], Engine] = _imported(self.engine).load
        except Exception as error:  # native libraries that do not fit each other raise anything
            raise EngineError(f"engine {self.name} is installed but cannot be imported: {error}") from error
        try:
            return loader(config)
        except EngineError:
            raise
        except Exception as error:
            raise EngineError(f"cannot load engine {self.name}: {str(error) or type(error).__name__}") from error

    def reclaim(self) -> None:
        """Return memory to the system after a model has been dropped."""
        if self.reclaimer is not None and self.reclaimer.partition(":")[0] in sys.modules:  # else there was no model
            _imported(self.reclaimer)()


def _imported(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)

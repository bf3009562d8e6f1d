"""Unloads models that nobody uses, and loads them again when they are asked for.

An UnloadedEngine takes the model's place in the catalog. The fallback engine always stays.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from weakref import ref

from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.settings.config import Config

from .background import LOADING, WATCH, start
from .catalog import Catalog
from .engine_loader import EngineLoader
from .engine_states import EngineStates, State
from .unloaded import UnloadedEngine

_LOGGER = logging.getLogger(__name__)


class IdleUnload:
    """Unloads and reloads the engines of a catalog."""

    def __init__(
        self, catalog: Catalog, states: EngineStates, loader: EngineLoader, adjust: Callable[[Config], None]
    ) -> None:
        """`adjust` hands settings on that changed while an engine was loading."""
        self._catalog, self._states, self._loader, self._adjust = catalog, states, loader, adjust
        self.config = Config()
        """How to load an engine again."""

    def watch(self, idle_s: float, unused_s: Callable[[str], float]) -> None:
        """Unload models that are not used for `idle_s` seconds, from a thread of its own.

        `unused_s`: for how many seconds an engine, given by name, has not spoken.
        """

        def run() -> None:
            while True:
                time.sleep(self.unload_idle(idle_s, unused_s))

        start(WATCH, run)

    def unload_idle(self, idle_s: float, unused_s: Callable[[str], float]) -> float:
        """Unload the models that were not used for `idle_s`; returns in how many seconds to look again.

        A reply that holds a model keeps it to its end.
        """
        with self._loader.lock:
            names = [engine.name for engine in self._catalog.engines if self._may_unload(engine)]
            waits = [idle_s]
            for name in names:
                left = idle_s - min(unused_s(name), self._loader.untouched_s(name))
                if left > 0:
                    waits.append(left)
                else:
                    self._unload(name, idle_s / 60)
        return min(waits)

    def wake(self, name: str) -> None:
        """Load an engine again, in a thread, if it was unloaded."""
        if self._states[name].state != "loading":
            start(LOADING, self._reload_quietly, name)

    def reload(self, name: str) -> None:
        """Load an engine again if it was unloaded, and count it as used.

        Raises:
            EngineError: it cannot be loaded now. Its state says why; the next request for it tries again.
        """
        self._loader.touch(name)
        if not isinstance(self._catalog.named(name), UnloadedEngine):
            return
        with self._loader.lock:
            if not isinstance(self._catalog.named(name), UnloadedEngine):
                return  # another thread has loaded it
            config = self.config
            _LOGGER.info("reloading engine %s", name)
            try:
                self._loader.load(name, config)
            except EngineError as error:
                self._states[name] = State("failed", str(error))
                _LOGGER.warning("cannot reload engine %s; using %s: %s", name, self._loader.fallback, error)
                raise
            if self.config is not config:
                self._adjust(self.config)

    def _reload_quietly(self, name: str) -> None:
        with suppress(EngineError):
            self.reload(name)

    def _may_unload(self, engine: Engine) -> bool:
        return engine.name != self._loader.fallback and not isinstance(engine, UnloadedEngine)

    def _unload(self, name: str, minutes: float) -> None:
        engine = self._catalog.named(name)
        assert engine is not None
        self._catalog.put(UnloadedEngine(engine, partial(self.wake, name)))
        held = ref(engine)
        del engine
        self._loader.reclaim(name)
        if held() is not None:  # a reply whose text pauses
            self._loader.reclaim_when_gone(held, name)
        self._states[name] = State("idle", f"not used for {minutes:g} minutes; the next request for it loads it")
        _LOGGER.info("unloaded engine %s: not used for %g minutes", name, minutes)

"""Loads engines beside the ones that speak, and puts them into the catalog when they are ready.

Knows how, not which: `engine_manager` decides that. A load that fails leaves everything as it was; the state says why.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from weakref import WeakSet, ref

from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.settings.config import Config

from .background import LOADING, WATCH, start
from .catalog import Catalog, UnknownVoice
from .engine_states import EngineStates, State

_LOGGER = logging.getLogger(__name__)

RECLAIM_POLL_S = 0.5
"""How often to look whether a replaced engine has spoken its last reply."""

MAX_HUNG = 3
"""An engine that hangs keeps its memory: after so many, no further one is loaded."""


class EngineLoader:
    """Loads and unloads one engine at a time. Its methods may be called from any thread."""

    def __init__(
        self,
        catalog: Catalog,
        states: EngineStates,
        fallback: str,
        load: Callable[[str, Config], Engine],
        reclaim: Callable[[str], None],
        prepare: Callable[[Engine], None],
        clock: Callable[[], float],
    ) -> None:
        """`fallback`: name of the engine that the others go before; `prepare` may use an engine before it speaks."""
        self.fallback = fallback
        self.lock = threading.RLock()
        """Held while an engine is loaded or unloaded. Take it to decide by what is loaded."""

        self._catalog, self._states = catalog, states
        self._load, self._reclaim, self._prepare = load, reclaim, prepare
        self._clock = clock
        self._touched: dict[str, float] = {}
        self._hung: WeakSet[Engine] = WeakSet()
        self._noticing = threading.Lock()

    def load(
        self, name: str, config: Config, *, tentative: bool = False, accept: Callable[[Engine], None] | None = None
    ) -> None:
        """Load an engine and let it speak from the next segment on, in place of the one of that name.

        Args:
            name: which engine.
            config: how to load it.
            tentative: if it cannot be loaded, it is not wanted either, and its state stays as it was.
            accept: is shown the engine before it speaks; raises UnknownVoice to reject it.

        Raises:
            EngineError: it cannot be loaded; the old one goes on.
            UnknownVoice: it was rejected; likewise.
        """
        with self.lock:
            loading = before = self._states.get(name, State("off"))
            if before.state != "loading":
                self._states[name] = loading = State("loading")
            try:
                engine = self._load(name, config)
                if accept is not None:
                    accept(engine)
                self._prepare(engine)
            except (EngineError, UnknownVoice) as error:
                with self._noticing:
                    if self._states[name] is not loading:
                        pass  # the one that spoke has hung meanwhile, and waits to be reloaded
                    elif tentative or self._catalog.named(name) is not None:
                        self._states[name] = before
                    else:
                        self._catalog.incomplete = True
                        self._states[name] = State("failed", str(error))
                raise
            with self._noticing:
                old = self._catalog.named(name)
                self._catalog.put(engine, first=name != self.fallback)
                self._catalog.incomplete = False
                self.touch(name)
                self._states[name] = State("ready")
            _LOGGER.debug("engine %s is ready", name)
            if old is not None:
                self.reclaim_when_gone(ref(old), name)

    def unload(self, name: str, reason: str) -> None:
        """Take an engine out of the catalog. Replies that it speaks go on to their end."""
        with self.lock, self._noticing:
            old = self._catalog.named(name)
            self._catalog.drop(name)
            self._catalog.incomplete = False
            self._states[name] = State("off", reason)
            if old is not None:
                self.reclaim_when_gone(ref(old), name)

    def restart(self, engine: Engine, config: Config) -> bool:
        """Reload an engine that hangs, in a thread of its own; False if that was asked for already.

        The one that hangs speaks no more replies, if there is another engine that can.
        """
        with self._noticing:
            if engine in self._hung or engine not in self._catalog.engines:
                return False
            self._hung.add(engine)
            if len(self._catalog.engines) > 1:
                self._catalog.incomplete = True
                self._catalog.drop(engine.name)
            self._states[engine.name] = state = State("loading", "it hung and is being reloaded")
        _LOGGER.error("engine %s is not responding; reloading it", engine.name)
        start(LOADING, self._replace, engine.name, state, config)
        return True

    def _replace(self, name: str, state: State, config: Config) -> None:
        with self.lock:
            if self._states[name] is not state:
                return  # it has been loaded or unloaded meanwhile
            try:
                if len(self._hung) >= MAX_HUNG:
                    raise EngineError(f"{name} hung {MAX_HUNG} times and keeps its memory; restart the server")
                self.load(name, config)
                _LOGGER.warning("engine %s speaks again", name)
            except Exception as error:  # noqa: BLE001  memory may run out beside an engine that hangs
                why = str(error) or type(error).__name__
                self._states[name] = State("failed", why)
                _LOGGER.error("cannot reload engine %s: %s", name, why)

    def touch(self, name: str) -> None:
        """Note that an engine is in use."""
        self._touched[name] = self._clock()

    def untouched_s(self, name: str) -> float:
        """Seconds since an engine was loaded or `touch`ed."""
        return self._clock() - self._touched.get(name, self._clock())

    def reclaim(self, name: str) -> None:
        """Return the memory of models that are gone to the system."""
        self._reclaim(name)

    def reclaim_when_gone(self, engine: ref[Engine], name: str) -> None:
        """Return an engine's memory to the system after the last reply that it speaks."""

        def run() -> None:
            while engine() is not None:
                time.sleep(RECLAIM_POLL_S)
            time.sleep(RECLAIM_POLL_S)  # its parts are freed after it
            self._reclaim(name)

        start(WATCH, run)

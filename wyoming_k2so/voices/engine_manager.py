"""Which engines a configuration asks for: at the start, and after each change of the settings.

The fallback engine is loaded first and always stays. Beside it there is the chosen engine: the one that was asked for
by name or, with `auto`, the one of the highest rank that loads. Nothing here knows the name of any engine.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from wyoming_k2so import engines
from wyoming_k2so.engine import Adjustable, Engine, EngineError
from wyoming_k2so.engines.table import EngineTable
from wyoming_k2so.settings.config import AUTO, Config
from wyoming_k2so.settings.options import Setting

from .background import LOADING, start
from .catalog import Catalog, UnknownVoice
from .engine_loader import EngineLoader
from .engine_states import EngineStates, State
from .idle_unload import IdleUnload

_LOGGER = logging.getLogger(__name__)

_NOT_WANTED = State("off", "not asked for")

Failed = Callable[[EngineError | UnknownVoice], None]


class EngineManager:
    """The engines of a server. Its methods may be called from any thread."""

    def __init__(
        self,
        catalog: Catalog,
        load: Callable[[str, Config], Engine] | None = None,
        reclaim: Callable[[str], None] | None = None,
        changed: Callable[[str, str], None] = lambda _engine, _state: None,
        prepare: Callable[[Engine], None] = lambda _engine: None,
        clock: Callable[[], float] = time.monotonic,
        table: EngineTable | None = None,
    ) -> None:
        """Manage the engines of `catalog`.

        Args:
            catalog: where the loaded engines are.
            load: loads an engine by name; by default as the table says.
            reclaim: returns the memory of an engine that is gone; likewise.
            changed: is called with an engine's name and its new state.
            prepare: may use an engine before it speaks.
            clock: seconds.
            table: by default, the engines of this installation.
        """
        self.table = engines.installed() if table is None else table
        self.states = EngineStates(changed)
        self._catalog = catalog
        self.loader = EngineLoader(
            catalog,
            self.states,
            self.table.fallbacks[0],
            load or self.table.load,
            reclaim or self.table.reclaim,
            prepare,
            clock,
        )
        self.idle = IdleUnload(catalog, self.states, self.loader, self.adjust)

    @property
    def fallback(self) -> str:
        """Name of the engine that speaks when the chosen one cannot."""
        return self.loader.fallback

    # ---- the start ----------------------------------------------------------------------------------------------

    def start(self, config: Config, *, wait: bool, failed: Failed | None = None) -> None:
        """Load the fallback engine, then the chosen one.

        The chosen one joins later, unless `wait`. With `auto` it may be missing. If it was asked for by name, what
        plainly keeps it from loading is raised here, and `failed` is called, in the thread that loads, with the rest.

        Raises:
            EngineError: an engine that was asked for by name cannot be loaded, or no fallback engine can.
            UnknownVoice: no engine has the default voice, and none will join.
        """
        self.idle.config = config
        wanted = config.engines.engine
        if wanted != AUTO:
            self.table[wanted].check(config)
        self.loader.fallback = self._load_fallback(config)
        names = [name for name in self.table.candidates(wanted, self.fallback) if self._can_start(name, wanted)]
        for name in self.table:
            self.states.setdefault(name, _NOT_WANTED)
        if not names:
            self._check_defaults()
        elif wait:
            self._load_first(names, config)
            self._check_defaults()
        else:
            self.states[names[0]] = State("loading")
            self._catalog.incomplete = True
            start(LOADING, self._join, names, config, failed)

    def _load_fallback(self, config: Config) -> str:
        *better, last = self.table.fallbacks
        for name in better:
            try:
                self.loader.load(name, config)
            except EngineError as error:
                if name == config.engines.engine:
                    raise
                _LOGGER.warning("engine %s cannot be the fallback: %s", name, error)
            else:
                return name
        self.loader.load(last, config)
        return last

    def _can_start(self, name: str, wanted: str) -> bool:
        """Whether to try an engine of `auto`; its state says why not."""
        if wanted == AUTO and (absent := self.table[name].missing()):
            self.states[name] = State("off", f"{', '.join(absent)} not installed")
            return False
        return wanted != AUTO or name not in self.states  # else it could not be the fallback

    def _load_first(self, names: Sequence[str], config: Config) -> None:
        """Load the first engine that loads. Raises EngineError if the one asked for by name does not."""
        for name in names:
            try:
                self.loader.load(name, config)
                return
            except EngineError as error:
                if config.engines.engine != AUTO:
                    raise
                _LOGGER.warning("cannot load engine %s; using %s: %s", name, self.fallback, error)

    def _join(self, names: Sequence[str], config: Config, failed: Failed | None) -> None:
        auto = config.engines.engine == AUTO
        try:
            self._load_first(names, config)
            _LOGGER.info("now speaking with engine %s", self._catalog.resolve().engine.name)
            self._catalog.check_defaults()
        except (EngineError, UnknownVoice) as error:
            if auto:
                _LOGGER.warning("using a different voice than configured: %s", error)
            elif failed is not None:
                failed(error)

    # ---- changes ------------------------------------------------------------------------------------------------

    def apply(self, old: Config, new: Config) -> None:
        """Load, unload and adjust engines so that they fit `new`.

        Raises:
            EngineError: an engine cannot be loaded. Nothing has changed.
            UnknownVoice: there would be no default voice. Nothing has changed.
        """
        changed = (new.engines, new.engine_settings) != (old.engines, old.engine_settings)
        reload = {setting.group for setting in self._reloading(old, new)}
        wanted = self.table.candidates(new.engines.engine, self.fallback)
        present = [name for name in wanted if self._catalog.named(name) is not None]
        better = new.engines != old.engines and present[:1] != wanted[:1]
        if changed and (reload or better or not present):
            with self.loader.lock:  # what is loading now may be what is asked for
                self._switch(new, wanted, reload)
        elif not self._catalog.incomplete:
            check_voice(new, self._catalog.engines)
        if new.engine_settings != old.engine_settings:
            self.adjust(new)

    def adjust(self, config: Config) -> None:
        """Hand on settings that need no other model; they take effect from the next reply on."""
        self.idle.config = config
        for engine in self._catalog.engines:
            if isinstance(engine, Adjustable):
                engine.adjust(config)

    def restart(self, engine: Engine, config: Config) -> bool:
        """Reload an engine that hangs, in the background; False if that was asked for already."""
        return self.loader.restart(engine, config)

    def reload_cloning(self) -> None:
        """Load an engine that clones voices again if it was unloaded. Its state says why it cannot be loaded."""
        for spec in self.table.values():
            if spec.clones:
                with suppress(EngineError):
                    self.idle.reload(spec.name)

    def _reloading(self, old: Config, new: Config) -> list[Setting]:
        """The engines' settings that differ and need another model."""
        own = self.table.schema.engine_groups
        settings = (setting for setting in self.table.schema if setting.option.loads and setting.group in own)
        return [setting for setting in settings if setting.get(old) != setting.get(new)]

    def _switch(self, new: Config, wanted: Sequence[str], reload: set[type]) -> None:
        """Make one of `wanted` the chosen engine, with a new model if its group is in `reload`."""
        stays = [engine for engine in self._catalog.engines if engine.name == self.fallback]
        for name in wanted:
            other_model = self.table[name].settings in reload
            if self._catalog.named(name) is None:
                try:
                    self.loader.load(
                        name, new, tentative=True, accept=lambda engine: check_voice(new, (engine, *stays))
                    )
                except EngineError:
                    if new.engines.engine != AUTO or other_model:
                        raise
                    continue
            else:
                if not self._catalog.incomplete:
                    check_voice(new, self._catalog.engines)
                if other_model:
                    self.loader.load(name, new, tentative=True)
            self._drop_others(name)
            return
        if wanted:  # of `auto`, none of which can be loaded
            if not self._catalog.incomplete:
                check_voice(new, self._catalog.engines)
            return
        check_voice(new, stays)
        self._drop_others(self.fallback)

    def _drop_others(self, chosen: str) -> None:
        for name in self.table:
            off = name in self.states and self.states[name].state == "off"
            if name not in (chosen, self.fallback) and not off:
                self.loader.unload(name, _NOT_WANTED.detail)

    def _check_defaults(self) -> None:
        """Raise UnknownVoice, with the remedy, if no engine has the default voice, speaker or language."""
        try:
            self._catalog.check_defaults()
        except UnknownVoice as error:
            wished = self._catalog.defaults
            able = self.table.speaking(wished.language) if wished.language and not wished.voice else []
            remedies = [
                f"; engine {spec.name} does{spec.remedy}" for spec in able if not self._catalog.named(spec.name)
            ]
            raise UnknownVoice(f"{error}{''.join(remedies)}") from None


def check_voice(config: Config, among: Iterable[Engine]) -> None:
    """Raise UnknownVoice if none of the engines has the default voice, speaker or language."""
    Catalog(among, config.voice).check_defaults()

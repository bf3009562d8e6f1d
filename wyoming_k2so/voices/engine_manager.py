"""Loads engines beside the ones that speak, and puts them into the catalog when they are ready.

A load that fails leaves everything as it was; the state says why. A model that is not used may be freed: a stand-in
takes its place in the catalog until it is asked for.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar
from weakref import WeakSet, ref

from wyoming_k2so import engines
from wyoming_k2so.engine import Adjustable, Engine, EngineError
from wyoming_k2so.settings.config import Config

from .catalog import Catalog, UnknownVoice
from .unloaded import UnloadedEngine

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")

LOADING = "loading"
"""Name of the threads that load."""

WATCH = "idle watch"

LEAVES_WITHIN_S = 0.5
"""How often it is looked whether an engine that was replaced still speaks."""

EMBEDDED = "piper"
FLAGSHIP = "xtts"

MAX_HUNG = 3
"""An engine that hangs keeps its memory: with so many of them there, no further one is loaded."""


@dataclass(frozen=True)
class State:
    """Where an engine stands."""

    state: Literal["loading", "ready", "idle", "failed", "off"]
    detail: str = ""
    """Why, in one sentence."""


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """What `work(*arguments)` returns or raises, from a thread that loads and that nobody must wait for at the end."""
    future: Future[T] = Future()
    threading.Thread(target=_work, args=(future, partial(work, *arguments)), name=LOADING, daemon=True).start()
    try:
        return await asyncio.wrap_future(future)
    finally:
        del future  # an error would hold itself, and what was loaded until then


def _work(future: Future[T], work: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001  it is raised where the result is awaited
        future.set_exception(error)
        del future  # likewise


class EngineManager:
    """The engines that a configuration asks for. `load` may be called from any thread."""

    def __init__(
        self,
        catalog: Catalog,
        load: Callable[[str, Config], Engine] = engines.load,
        check: Callable[[str, Config], None] = engines.check,
        reclaim: Callable[[str], None] = engines.reclaim,
        changed: Callable[[str, str], None] = lambda _engine, _state: None,
        prepare: Callable[[Engine], None] = lambda _engine: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed` is told an engine's name and its new state; `prepare` may use an engine before it speaks."""
        self._catalog = catalog
        self._load = load
        self._check = check
        self._hung: WeakSet[Engine] = WeakSet()
        self._noticing = threading.Lock()
        self._reclaim = reclaim
        self._changed = changed
        self._prepare = prepare
        self._clock = clock
        self._touched = clock()
        self._config = Config()
        self._one_at_a_time = threading.RLock()
        self.states: dict[str, State] = {}

    def start(
        self, config: Config, *, wait: bool, failed: Callable[[EngineError | UnknownVoice], None] | None = None
    ) -> None:
        """Load the embedded voice, then the flagship if it is wanted.

        The flagship joins later, unless `wait`. With engine `auto` it may be missing. Asked for by name, what is wrong
        at first sight is raised here, and what turns out later is told to `failed`, in the thread that loads.

        Raises:
            EngineError: an engine that was asked for by name cannot be loaded, or the embedded voice is broken.
            UnknownVoice: the default voice is none of those loaded, and none will join.
        """
        self._config = config
        wanted = config.engines.engine
        if wanted == FLAGSHIP:
            self._check(FLAGSHIP, config)
        self.load(EMBEDDED, config)
        if wanted == FLAGSHIP and wait:
            self.load(FLAGSHIP, config)
        elif wanted == "auto" and (absent := engines.missing(FLAGSHIP)):
            self._set(FLAGSHIP, State("off", f"{', '.join(absent)} not installed"))
        elif wanted == "auto" and wait:
            self._join(config)
        elif wanted in ("auto", FLAGSHIP):
            self._set(FLAGSHIP, State("loading"))
            self._catalog.incomplete = True
            join = self._join_late if wanted == "auto" else partial(self._join_or_fail, failed)
            threading.Thread(target=join, args=(config,), name=LOADING, daemon=True).start()
            return
        else:
            self._set(FLAGSHIP, State("off", "not asked for"))
        self._catalog.check_defaults()

    def alone(self) -> AbstractContextManager[object]:
        """While it is open, no other thread loads or unloads; waits for one that does."""
        return self._one_at_a_time

    def load(
        self, name: str, config: Config, *, tentative: bool = False, accept: Callable[[Engine], None] | None = None
    ) -> None:
        """Load an engine and let it speak from the next segment on, in place of the one of that name.

        Args:
            name: which engine.
            config: how it is loaded.
            tentative: when it cannot be loaded, it was not wanted either, and the state stays as it was.
            accept: is shown the engine before it speaks, and raises UnknownVoice when it is of no use.

        Raises:
            EngineError: it cannot be loaded; the old one goes on.
            UnknownVoice: it was not accepted; likewise.
        """
        with self._one_at_a_time:
            loading = before = self.states.get(name, State("off"))
            if before.state != "loading":
                loading = State("loading")
                self._set(name, loading)
            try:
                engine = self._load(name, config)
                if accept is not None:
                    accept(engine)
                self._prepare(engine)
            except (EngineError, UnknownVoice) as error:
                with self._noticing:
                    if self.states[name] is not loading:
                        pass  # the one that spoke hung meanwhile, and waits to be loaded anew
                    elif tentative or self._catalog.named(name) is not None:
                        self._set(name, before)
                    else:
                        self._catalog.incomplete = True
                        self._set(name, State("failed", str(error)))
                raise
            with self._noticing:
                old = self._catalog.named(name)
                self._catalog.put(engine, first=name == FLAGSHIP)
                self._catalog.incomplete = False
                self._touched = self._clock()
                self._set(name, State("ready"))
            _LOGGER.debug("Engine %s is ready", name)
            if old is not None:
                self._reclaim_when_gone(ref(old), name)

    def unload(self, name: str, reason: str) -> None:
        """Take an engine out of the catalog. Replies that it speaks go on to their end."""
        with self._one_at_a_time, self._noticing:
            old = self._catalog.named(name)
            self._catalog.drop(name)
            self._catalog.incomplete = False
            self._set(name, State("off", reason))
            if old is not None:
                self._reclaim_when_gone(ref(old), name)

    def _reclaim_when_gone(self, engine: ref[Engine], name: str) -> None:
        """Give an engine's memory back once the last reply that it speaks has left it."""

        def run() -> None:
            while engine() is not None:
                time.sleep(LEAVES_WITHIN_S)
            time.sleep(LEAVES_WITHIN_S)  # its parts go after it
            self._reclaim(name)

        threading.Thread(target=run, name=WATCH, daemon=True).start()

    def watch(self, idle_s: float, unused_s: Callable[[str], float]) -> None:
        """Free the flagship's model whenever it is not used for `idle_s` seconds, in a thread of its own.

        `unused_s`: how long an engine, given by name, has not spoken.
        """

        def run() -> None:
            while True:
                time.sleep(self.rest(idle_s, unused_s))

        threading.Thread(target=run, name=WATCH, daemon=True).start()

    def rest(self, idle_s: float, unused_s: Callable[[str], float]) -> float:
        """Free the flagship's model if it was not used for `idle_s`; returns in how many seconds to look again.

        A reply that holds the model keeps it to its end.
        """
        with self._one_at_a_time:
            if (engine := self._flagship()) is None or isinstance(engine, UnloadedEngine):
                return idle_s
            left = idle_s - min(unused_s(FLAGSHIP), self._clock() - self._touched)
            if left > 0:
                return left
            self._catalog.put(UnloadedEngine(engine, self.wake))
            held = ref(engine)
            del engine
            self._reclaim(FLAGSHIP)
            if held() is not None:  # a reply whose text pauses
                self._reclaim_when_gone(held, FLAGSHIP)
            self._set(
                FLAGSHIP, State("idle", f"not used for {idle_s / 60:g} minutes; it is loaded when it is asked for")
            )
        _LOGGER.info("Engine %s was not used for %g minutes: its memory is free", FLAGSHIP, idle_s / 60)
        return idle_s

    def wake(self) -> None:
        """Load the flagship again, in a thread, if it was freed."""
        if self.states[FLAGSHIP].state != "loading":
            threading.Thread(target=self._awaken, name=LOADING, daemon=True).start()

    def awaken(self) -> None:
        """Load the flagship again if it was freed, and count it as used.

        Raises:
            EngineError: it cannot be loaded now; its state says why, and the next one who asks for it tries again.
        """
        self._touched = self._clock()
        if not isinstance(self._flagship(), UnloadedEngine):
            return
        with self._one_at_a_time:
            if not isinstance(self._flagship(), UnloadedEngine):
                return  # another thread has loaded it
            config = self._config
            _LOGGER.info("Loading engine %s again", FLAGSHIP)
            try:
                self.load(FLAGSHIP, config)
            except EngineError as error:
                self._set(FLAGSHIP, State("failed", str(error)))
                _LOGGER.warning("The embedded voice speaks, because XTTS cannot be loaded again: %s", error)
                raise
            if self._config is not config:  # sampling was changed meanwhile
                self.adjust(self._config)

    def _awaken(self) -> None:
        with suppress(EngineError):
            self.awaken()

    def _flagship(self) -> Engine | None:
        return self._catalog.named(FLAGSHIP)

    def _set(self, name: str, state: State) -> None:
        self.states[name] = state
        self._changed(name, state.state)

    def restart(self, engine: Engine, config: Config) -> bool:
        """Load an engine that hangs anew, in a thread of its own; False when that was asked for already.

        The one that hangs speaks no more replies from now on, if there is another engine that can.
        """
        with self._noticing:
            if engine in self._hung or engine not in self._catalog.engines:
                return False
            self._hung.add(engine)
            if len(self._catalog.engines) > 1:
                self._catalog.incomplete = True
                self._catalog.drop(engine.name)
            state = State("loading", "it hung and is loaded anew")
            self._set(engine.name, state)
        _LOGGER.error("Engine %s hangs; it is loaded anew", engine.name)
        threading.Thread(target=self._replace, args=(engine.name, state, config), name=LOADING, daemon=True).start()
        return True

    def _replace(self, name: str, state: State, config: Config) -> None:
        with self._one_at_a_time:
            if self.states[name] is not state:
                return  # somebody has loaded or unloaded it meanwhile
            try:
                if len(self._hung) >= MAX_HUNG:
                    raise EngineError(f"{name} hung {MAX_HUNG} times and keeps its memory; start the server anew")
                self.load(name, config)
                _LOGGER.warning("Engine %s speaks again", name)
            except Exception as error:  # noqa: BLE001  beside one that hangs, memory may run out
                why = str(error) or type(error).__name__
                self._set(name, State("failed", why))
                _LOGGER.error("Engine %s cannot be loaded anew: %s", name, why)

    def _join(self, config: Config) -> None:
        try:
            self.load(FLAGSHIP, config)
        except EngineError as error:
            _LOGGER.warning("The embedded voice speaks, because XTTS cannot: %s", error)

    def _join_or_fail(self, failed: Callable[[EngineError | UnknownVoice], None] | None, config: Config) -> None:
        try:
            self.load(FLAGSHIP, config)
            self._catalog.check_defaults()
            _LOGGER.info("Voices speak by engine %s from now on", self._catalog.resolve().engine.name)
        except (EngineError, UnknownVoice) as error:
            if failed is not None:
                failed(error)

    def adjust(self, config: Config) -> None:
        """Hand on settings that need no other model; they hold from the next reply on."""
        self._config = config
        for engine in self._catalog.engines:
            if isinstance(engine, Adjustable):
                engine.adjust(config)

    def _join_late(self, config: Config) -> None:
        self._join(config)
        _LOGGER.info("Voices speak by engine %s from now on", self._catalog.resolve().engine.name)
        try:
            self._catalog.check_defaults()
        except UnknownVoice as error:
            _LOGGER.warning("Another voice than the chosen one speaks: %s", error)

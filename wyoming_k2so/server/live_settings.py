"""Reading and changing settings while the server runs. Knows nothing of sockets: `connection` carries it.

A change is checked like a flag or a key of the configuration file. Either all of it takes effect or none of it does:
another precision from the next segment on, the rest from the next reply on.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from wyoming_k2so import __version__
from wyoming_k2so.engine import Cloning, Engine, EngineError
from wyoming_k2so.settings import options
from wyoming_k2so.settings.config import MAX_NAME_CHARS, Config
from wyoming_k2so.voices.catalog import Catalog, UnknownVoice
from wyoming_k2so.voices.engine_manager import EMBEDDED, FLAGSHIP, EngineManager, State, in_thread

from .metrics import Metrics

MOST_CLIPS = 4
"""Clips that may wait to become voices; each is held in memory."""


class Refused(ValueError):
    """A change was not made; `code` says why to programs, the message to people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LiveSettings:
    """The settings in force."""

    def __init__(
        self, config: Config, catalog: Catalog, loader: EngineManager, metrics: Metrics, identity: str | None = None
    ) -> None:
        self.config = config
        self._identity = identity
        self._instance = uuid.uuid4().hex
        self._catalog = catalog
        self._loader = loader
        self._metrics = metrics
        self._changing = asyncio.Lock()
        self._clips = 0
        self._failed: dict[str, Any] | None = None

    def describe(self) -> dict[str, Any]:
        """Settings, what each may be, the engines' states and the figures so far; see docs/protocol.md."""
        settings, allowed = {}, {}
        flagship = self._catalog.named(FLAGSHIP)
        for setting in _live():
            if setting.group == FLAGSHIP and flagship is None:
                continue
            value = getattr(getattr(self.config, setting.group), setting.key)
            settings[setting.key] = value if isinstance(value, (bool, int, float, str)) or value is None else str(value)
            option = setting.option
            allowed[setting.key] = {
                key: value
                for key, value in (
                    ("choices", list(option.choices)),
                    ("min", option.low),
                    ("max", option.high),
                    ("help", option.help),
                )
                if value not in (None, [])
            }
        if flagship is not None:
            allowed["quantization"]["choices"] = ["auto", *flagship.modes]
            allowed["vocoder_precision"]["choices"] = ["auto", *flagship.vocoder_modes]
        return {
            "id": self._identity,
            "instance": self._instance,
            "version": __version__,
            "locked": self.config.server.lock_settings,
            "settings": settings,
            "allowed": allowed,
            "engines": [self._engine(name, state) for name, state in self._loader.states.items()],
            "failed": self._failed,
            "speaking": self._catalog.resolve().engine.name,
            "figures": self._metrics.snapshot(),
        }

    def _engine(self, name: str, state: State) -> dict[str, Any]:
        found: dict[str, Any] = {"name": name, "state": state.state, "detail": state.detail}
        if (engine := self._catalog.named(name)) is not None:
            found |= {"detail": state.detail or engine.note, "mode": engine.mode, "modes": dict(engine.modes)}
            if engine.vocoder_modes:
                found["vocoder_modes"] = dict(engine.vocoder_modes)
        return found

    async def change(self, values: Mapping[str, Any]) -> None:
        """Change settings; those that are not named stay.

        Raises:
            Refused: the settings are locked (`locked`), a value is not allowed (`bad-setting`), or an engine cannot be
                loaded as asked (`failed`, which is also described until such a change succeeds). Nothing has changed
                then.
        """
        self._check_lock()
        async with self._changing:
            old, new = self.config, self._checked(values)
            switch = {key: value for key, value in values.items() if key == "engine" or key in _other_model()}
            try:
                await in_thread(self._switch, old, new)
            except EngineError as error:
                self._failed = {"settings": switch, "reason": str(error)}
                raise Refused("failed", str(error)) from None
            except UnknownVoice as error:
                raise Refused("bad-setting", str(error)) from None
            if switch:
                self._failed = None
            if new.xtts != old.xtts:
                self._loader.adjust(new)
            self.config, self._catalog.defaults = new, new.voice

    async def add_voice(self, name: str, language: str | None, clip: bytes) -> None:
        """Make a voice of a clip, which is there from the next reply on.

        Raises:
            Refused: the settings are locked (`locked`), no engine clones voices (`cannot-clone`), name, language or
                clip are of no use (`bad-voice`), or too many clips wait already (`busy`).
        """
        if self._clips >= MOST_CLIPS:
            raise Refused("busy", "other voices are being made; try again in a minute")
        self._clips += 1
        try:
            cloning = await self._cloning()
            async with self._changing:
                voices = (voice for engine in self._catalog.engines for voice in engine.voices())
                if any(voice.name.casefold() == name.casefold() for voice in voices):
                    raise Refused("bad-voice", f"there is a voice {name} already; remove it, or take another name")
                await self._clone(cloning.add_voice, name, language, clip)
        finally:
            self._clips -= 1

    async def remove_voice(self, name: str) -> None:
        """Remove a voice that was made of a clip.

        Raises:
            Refused: as with `add_voice`; also when it is the default voice.
        """
        cloning = await self._cloning()
        async with self._changing:
            if name.casefold() == (self.config.voice.voice or "").casefold():
                raise Refused("bad-voice", f"{name} is the default voice; choose another one first")
            await self._clone(cloning.remove_voice, name)

    def restart(self, engine: Engine) -> None:
        """Load an engine anew that hangs, beside the one that speaks meanwhile. From any thread, at once."""
        if self._loader.restart(engine, self.config):
            self._metrics.hang(engine.name)

    def _check_lock(self) -> None:
        if self.config.server.lock_settings:
            raise Refused("locked", "this server's settings are locked; change them where it is started")

    async def _cloning(self) -> Cloning:
        self._check_lock()
        with suppress(EngineError):  # its state tells why
            await in_thread(self._loader.awaken)
        for engine in self._catalog.engines:
            if isinstance(engine, Cloning):
                return engine
        state = self._loader.states.get(FLAGSHIP, State("off"))
        why = f"{FLAGSHIP} is {state.state}" + (f" ({state.detail})" if state.detail else "")
        raise Refused("cannot-clone", f"no engine that clones voices is loaded: {why}")

    async def _clone(self, change: Callable[..., None], *arguments: Any) -> None:
        try:
            await in_thread(change, *arguments)
        except Exception as error:  # a stranger's clip may make the libraries that read it raise anything
            raise Refused("bad-voice", str(error) or type(error).__name__) from error

    def _checked(self, values: Mapping[str, Any]) -> Config:
        known = {setting.key: setting for setting in _live()}
        config = self.config
        for key, value in values.items():
            if key not in known:
                raise Refused("bad-setting", f"{key} cannot be changed here; there are: {', '.join(known)}")
            setting = known[key]
            try:
                converted = None if value is None else options.convert(value, setting, key)
            except options.OptionError as error:
                raise Refused("bad-setting", str(error)) from None
            if isinstance(converted, str) and len(converted) > MAX_NAME_CHARS:
                raise Refused("bad-setting", f"{key} may have at most {MAX_NAME_CHARS} characters")
            if converted is None and setting.default is not None:
                converted = setting.default
            config = replace(config, **{setting.group: replace(getattr(config, setting.group), **{key: converted})})
        return config

    def _switch(self, old: Config, new: Config) -> None:
        """Load or unload what `new` asks for, if there is its voice then; else raise before anything has changed."""
        changed = (new.engines, new.xtts) != (old.engines, old.xtts)
        other = any(getattr(new.xtts, key) != getattr(old.xtts, key) for key in _other_model())
        if changed and (other or new.engines.engine == EMBEDDED or self._catalog.named(FLAGSHIP) is None):
            with self._loader.alone():  # what is loading now may be what is asked for
                self._switch_model(new, other=other)
        elif not self._catalog.incomplete:
            _check_voice(new, self._catalog.engines)

    def _switch_model(self, new: Config, *, other: bool) -> None:
        wanted, present = new.engines.engine, self._catalog.engines
        rest = [engine for engine in present if engine.name != FLAGSHIP]
        loaded = len(rest) < len(present)
        if wanted == EMBEDDED:
            _check_voice(new, rest)
            self._loader.unload(FLAGSHIP, "not asked for")
            return
        if not loaded:
            try:
                self._loader.load(
                    FLAGSHIP, new, tentative=True, accept=lambda engine: _check_voice(new, (engine, *rest))
                )
                return
            except EngineError:
                if wanted != "auto" or other:
                    raise  # else auto is content with what there is
        if not self._catalog.incomplete:
            _check_voice(new, present)
        if loaded and other:
            self._loader.load(FLAGSHIP, new, tentative=True)


def _check_voice(config: Config, engines: Iterable[Engine]) -> None:
    """Raise UnknownVoice when the default voice, speaker or language is none of those that the engines have."""
    Catalog(engines, config.voice).check_defaults()


def _other_model() -> list[str]:
    return [setting.key for setting in options.settings() if setting.option.loads]


def _live() -> list[options.Setting]:
    return [setting for setting in options.settings() if setting.option.live]

"""Settings and voices that clients change while the server runs. Knows nothing of sockets: `settings_events` does.

A change is checked like a flag or a key of the configuration file. Either all of it takes effect or none of it does:
another precision from the next segment on, everything else from the next reply on.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from wyoming_k2so import __version__
from wyoming_k2so.engine import Cloning, Engine, EngineError
from wyoming_k2so.settings import options
from wyoming_k2so.settings.config import AUTO, MAX_NAME_CHARS, Config, Option
from wyoming_k2so.voices.background import in_thread
from wyoming_k2so.voices.catalog import Catalog, UnknownVoice
from wyoming_k2so.voices.engine_manager import EngineManager
from wyoming_k2so.voices.engine_states import State

from .metrics import Metrics

MOST_CLIPS = 4
"""Clips that may wait to become voices; each is held in memory."""


class Refused(ValueError):
    """A change was rejected: `code` gives the reason to programs, the message to people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LiveSettings:
    """The settings in force."""

    def __init__(
        self, config: Config, catalog: Catalog, manager: EngineManager, metrics: Metrics, identity: str | None = None
    ) -> None:
        self.config = config
        self._identity = identity
        self._instance = uuid.uuid4().hex
        self._catalog = catalog
        self._manager = manager
        self._live = {s.key: s for s in manager.table.schema if s.option.live}
        self._metrics = metrics
        self._changing = asyncio.Lock()
        self._clips = 0
        self._failed: dict[str, Any] | None = None

    def describe(self) -> dict[str, Any]:
        """The data of `k2so-info`; see docs/protocol.md."""
        offered = list(self._offered())
        return {
            "id": self._identity,
            "instance": self._instance,
            "version": __version__,
            "locked": self.config.server.lock_settings,
            "settings": {setting.key: _plain(setting.get(self.config)) for setting in offered},
            "allowed": {setting.key: _limits(setting.option) for setting in offered},
            "engines": [self._engine(name, state) for name, state in self._manager.states.items()],
            "failed": self._failed,
            "speaking": self._catalog.resolve().engine.name,
            "figures": self._metrics.snapshot(),
        }

    def _offered(self) -> Iterator[options.Setting]:
        """The settings that have an effect now: those of engines that are loaded, with the precisions that run here."""
        loaded = {engine.name: engine for engine in self._catalog.engines}
        specs = [spec for spec in self._manager.table.values() if spec.name in loaded]
        for setting in self._live.values():
            option = setting.option
            if setting.group in self._manager.table.schema.engine_groups:
                owners = [loaded[spec.name] for spec in specs if spec.settings is setting.group]
                if not owners:
                    continue
                if option.modes is not None:
                    auto = [word for word in option.choices if word == AUTO]
                    modes = (*auto, *getattr(owners[0], option.modes))
                    setting = replace(setting, option=replace(option, choices=modes))  # noqa: PLW2901
            if option.needs is None or any(getattr(spec, option.needs) for spec in specs):
                yield setting

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
            loading = {key: value for key, value in values.items() if self._live[key].option.loads}
            try:
                await in_thread(self._manager.apply, old, new)
            except EngineError as error:
                self._failed = {"settings": loading, "reason": str(error)}
                raise Refused("failed", str(error)) from None
            except UnknownVoice as error:
                raise Refused("bad-setting", str(error)) from None
            if loading:
                self._failed = None
            self.config, self._catalog.defaults = new, new.voice

    async def add_voice(self, name: str, language: str | None, clip: bytes) -> None:
        """Make a voice from a clip; it can speak from the next reply on.

        Raises:
            Refused: the settings are locked (`locked`), no engine clones voices (`cannot-clone`), the name, language or
                clip cannot be used (`bad-voice`), or too many clips are waiting (`busy`).
        """
        if self._clips >= MOST_CLIPS:
            raise Refused("busy", "other voices are being made; try again in a minute")
        self._clips += 1
        try:
            cloning = await self._cloning()
            async with self._changing:
                voices = (voice for engine in self._catalog.engines for voice in engine.voices())
                if any(voice.name.casefold() == name.casefold() for voice in voices):
                    raise Refused("bad-voice", f"there is a voice {name} already; remove it, or choose another name")
                await self._clone(cloning.add_voice, name, language, clip)
        finally:
            self._clips -= 1

    async def remove_voice(self, name: str) -> None:
        """Remove a voice that was made from a clip.

        Raises:
            Refused: as with `add_voice`; also if it is the default voice.
        """
        cloning = await self._cloning()
        async with self._changing:
            if name.casefold() == (self.config.voice.voice or "").casefold():
                raise Refused("bad-voice", f"{name} is the default voice; choose another one first")
            await self._clone(cloning.remove_voice, name)

    def restart(self, engine: Engine) -> None:
        """Reload an engine that hangs, while another one speaks. From any thread; returns at once."""
        if self._manager.restart(engine, self.config):
            self._metrics.hang(engine.name)

    def _check_lock(self) -> None:
        if self.config.server.lock_settings:
            raise Refused("locked", "this server's settings are locked; change them where it is started")

    async def _cloning(self) -> Cloning:
        self._check_lock()
        await in_thread(self._manager.reload_cloning)
        for engine in self._catalog.engines:
            if isinstance(engine, Cloning):
                return engine
        names = [spec.name for spec in self._manager.table.values() if spec.clones]
        states = ((name, self._manager.states.get(name, State("off"))) for name in names)
        why = ", ".join(f"{name} is {s.state}" + (f" ({s.detail})" if s.detail else "") for name, s in states)
        raise Refused("cannot-clone", f"no engine that clones voices is loaded: {why}")

    async def _clone(self, change: Callable[..., None], *arguments: Any) -> None:
        try:
            await in_thread(change, *arguments)
        except Exception as error:  # a client's clip may make the libraries that read it raise anything
            raise Refused("bad-voice", str(error) or type(error).__name__) from error

    def _checked(self, values: Mapping[str, Any]) -> Config:
        config = self.config
        for key, value in values.items():
            if (setting := self._live.get(key)) is None:
                raise Refused("bad-setting", f"cannot change {key} while the server runs, only {', '.join(self._live)}")
            try:
                converted = None if value is None else setting.convert(value, key)
            except options.OptionError as error:
                raise Refused("bad-setting", str(error)) from None
            if isinstance(converted, str) and len(converted) > MAX_NAME_CHARS:
                raise Refused("bad-setting", f"{key} may have at most {MAX_NAME_CHARS} characters")
            config = setting.put(config, setting.default if converted is None else converted)
        return config


def _plain(value: Any) -> Any:
    """A setting's value as JSON has it."""
    return value if isinstance(value, (bool, int, float, str)) or value is None else str(value)


def _limits(option: Option) -> dict[str, Any]:
    limits = {"choices": list(option.choices), "min": option.low, "max": option.high, "help": option.help}
    return {key: value for key, value in limits.items() if value not in (None, [])}

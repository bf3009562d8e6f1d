"""Settings from flags, environment variables and a TOML file, in this order of precedence, over the defaults.

Everything is derived from groups: frozen dataclasses of `config.option` fields. So each setting is declared once,
whether it belongs to the program or to an engine. The sources are passed in: only `cli` knows the real ones.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from . import values
from .config import Config, EngineConfig, LogConfig, Option, ServerConfig, StreamConfig, VoiceConfig
from .errors import UserError

ENV_PREFIX = "K2SO_"
# Variables of the project's own scripts and tests; not settings of the program.
ENV_IGNORED = ("K2SO_DEV_",)
# What Kubernetes and Docker tell every container about a service of this name: K2SO_PORT_10200_TCP=tcp://10.0.0.1:10200.
_SERVICE_VARIABLE = re.compile(
    r"K2SO_(\w+_)?(SERVICE_HOST=.*|SERVICE_PORT(_\w+)?=\d+|PORT(_\d+_[A-Z]+)?=\w+://.*|PORT_\d+_[A-Z]+_(PROTO|PORT|ADDR)=.*)"
)


class OptionError(UserError, ValueError):
    """A setting is unknown or its value is not allowed; the message names it, its source and what is allowed."""


@dataclass(frozen=True)
class Setting:
    """One field of one group."""

    group: type
    key: str
    kind: Any
    """Type of the value, without None."""

    default: Any
    option: Option

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.key.replace("_", "-")

    @property
    def flags(self) -> tuple[str, ...]:
        """All of its names on the command line."""
        return (self.flag, f"--no-{self.flag[2:]}") if self.kind is bool else (self.flag,)

    @property
    def env(self) -> str:
        """Its name in the environment."""
        return ENV_PREFIX + self.key.upper()

    def get(self, config: Config) -> Any:
        """Its value in `config`."""
        return getattr(config.group(self.group), self.key)

    def put(self, config: Config, value: Any) -> Config:
        """`config` with another value."""
        return config.with_group(replace(config.group(self.group), **{self.key: value}))

    def convert(self, value: Any, source: str) -> Any:
        """Convert what a user wrote. Raises OptionError, which names `source`: it is not allowed."""
        try:
            converted = values.convert(value, self.kind, self.option)
        except ValueError:
            raise OptionError(f"{source}: {value!r} is not {values.describe(self.kind, self.option)}") from None
        if problem := values.check(converted, self.option):
            raise OptionError(f"{source}: {value!r} is not allowed, it {problem}")
        return converted


def settings_of(group: type) -> Iterator[Setting]:
    """The settings of one group."""
    kinds = get_type_hints(group)
    for field in fields(group):
        yield Setting(group, field.name, _required(kinds[field.name]), field.default, field.metadata["option"])


def option_of(group: type, key: str) -> Option:
    """The description of one setting."""
    return next(setting.option for setting in settings_of(group) if setting.key == key)


class Schema:
    """All settings of the program and of its engines."""

    def __init__(
        self, engine_groups: Sequence[type] = (), choices: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        """`choices`: of settings whose choices are known only when the program runs."""
        self.engine_groups = tuple(engine_groups)
        groups = (ServerConfig, EngineConfig, VoiceConfig, StreamConfig, *self.engine_groups, LogConfig)
        self._settings = {setting.key: setting for group in groups for setting in settings_of(group)}
        for key, allowed in (choices or {}).items():
            setting = self._settings[key]
            self._settings[key] = replace(setting, option=replace(setting.option, choices=allowed))

    def __iter__(self) -> Iterator[Setting]:
        return iter(self._settings.values())

    def add_flags(self, parser: argparse.ArgumentParser, groups: Collection[type], defaults: Config) -> None:
        """Add a flag for each setting of `groups`. `defaults` is for the help; `read` converts the values."""
        sections: dict[type, Any] = {}
        for setting in self:
            if setting.group not in groups:
                continue
            if setting.group not in sections:
                title = str(setting.group.__doc__).partition(".")[0]
                sections[setting.group] = parser.add_argument_group(title)
            _add_flag(sections[setting.group], setting, setting.get(defaults))

    def read(
        self, flags: Mapping[str, Any], environ: Mapping[str, str], file: Path | None, defaults: Config | None = None
    ) -> Config:
        """Put the configuration together.

        Args:
            flags: what `add_flags` made of the command line, by key; None where a flag was not given.
            environ: environment variables.
            file: a TOML file of `key = value` lines, or None.
            defaults: values of settings that no source mentions.

        Raises:
            OptionError: something is unknown or not allowed, or the file cannot be read.
        """
        from_file = _read_file(file, self._settings) if file else {}
        self._reject_unknown_variables(environ)
        config = defaults or Config()
        for key, setting in self._settings.items():
            agreed, _, word = (setting.option.agreed or "").partition("=")
            if agreed and environ.get(agreed) == word:
                config = setting.put(config, True)
            elif flags.get(key) is not None:
                config = setting.put(config, setting.convert(flags[key], setting.flag))
            elif setting.env in environ:
                source = f"the environment variable {setting.env}"
                config = setting.put(config, setting.convert(environ[setting.env], source))
            elif key in from_file:
                config = setting.put(config, setting.convert(from_file[key], f"{key} in {file}"))
        return config

    def _reject_unknown_variables(self, environ: Mapping[str, str]) -> None:
        names = {setting.env for setting in self} | {ENV_PREFIX + "CONFIG"}
        for name, value in environ.items():
            ours = name.startswith(ENV_PREFIX) and not name.startswith(ENV_IGNORED)
            if ours and name not in names and not _SERVICE_VARIABLE.fullmatch(f"{name}={value}"):
                raise OptionError(f"unknown environment variable {name}; known are {', '.join(sorted(names))}")


def _add_flag(section: Any, setting: Setting, value: Any) -> None:
    option = setting.option
    if setting.kind is bool:
        action = argparse.BooleanOptionalAction
        section.add_argument(setting.flag, dest=setting.key, action=action, help=option.help, default=None)
        return
    shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
    default = "" if value in (None, ()) else f" (default: {shown})"
    section.add_argument(
        setting.flag,
        dest=setting.key,
        metavar=option.metavar or ("{" + ",".join(map(str, option.choices)) + "}" if option.choices else "N"),
        help=(option.help + default).replace("%", "%%"),
        default=None,
        nargs=None if option.bare is None else "?",
        const=option.bare,
    )


def _read_file(file: Path, known: Collection[str]) -> dict[str, Any]:
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"cannot read the configuration file {file}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"the configuration file {file} is not valid TOML: {error}") from None
    for key in data:
        if key not in known:
            raise OptionError(f"unknown setting {key} in {file}; known are {', '.join(sorted(known))}")
    return data


def _required(kind: Any) -> Any:
    if get_origin(kind) in (UnionType, Union):
        return next(arg for arg in get_args(kind) if arg is not NoneType)
    return kind

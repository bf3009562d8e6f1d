"""Settings from flags, environment variables and a TOML file, in this order of precedence, over the defaults.

Everything is derived from the fields of `config.Config`, so a setting is declared once. The sources are passed in:
only `cli` knows the real ones.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from .config import Config, Option

ENV_PREFIX = "K2SO_"
# Variables of the project's own scripts and tests; no settings of the program.
ENV_IGNORED = ("K2SO_DEV_",)
# What Kubernetes and Docker tell every container about a service of this name: K2SO_PORT_10200_TCP=tcp://10.0.0.1:10200.
_SERVICE_VARIABLE = re.compile(
    r"K2SO_(\w+_)?(SERVICE_HOST=.*|SERVICE_PORT(_\w+)?=\d+|PORT(_\d+_[A-Z]+)?=\w+://.*|PORT_\d+_[A-Z]+_(PROTO|PORT|ADDR)=.*)"
)

_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class OptionError(ValueError):
    """A setting is unknown or has a value that is not allowed; the message names it, its source and what is allowed."""


@dataclass(frozen=True)
class Setting:
    """One field of one group of Config."""

    group: str
    key: str
    kind: Any
    """Type of the value, without None."""

    default: Any
    option: Option

    @property
    def flag(self) -> str:
        """As on the command line."""
        return "--" + self.key.replace("_", "-")

    @property
    def env(self) -> str:
        """As in the environment."""
        return ENV_PREFIX + self.key.upper()


def settings() -> Iterator[Setting]:
    """Every setting of Config."""
    for group in fields(Config):
        group_type = get_type_hints(Config)[group.name]
        kinds = get_type_hints(group_type)
        for field in fields(group_type):
            yield Setting(group.name, field.name, _required(kinds[field.name]), field.default, field.metadata["option"])


def option_of(group: type, key: str) -> Option:
    """The description of one field."""
    found: Option = next(f for f in fields(group) if f.name == key).metadata["option"]
    return found


def check(value: Any, option: Option) -> str | None:
    """What is wrong with a value of the right type, or None."""
    if isinstance(value, tuple):
        problems = (check(part, option) for part in value)
        return next((problem for problem in problems if problem), None)
    low, high = option.low, option.high
    if option.choices and value not in option.choices and low is None:
        return f"must be one of {', '.join(map(str, option.choices))}"
    if is_word(value, option):
        return None
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        words = "".join(f"{word} or " for word in option.choices)
        return f"must be {words}from {low:g} to {high:.10g}"
    return None


def is_word(value: Any, option: Option) -> bool:
    """Whether a value is a word that stands beside the numbers which are allowed."""
    return isinstance(value, str) and value in option.choices


def add_flags(parser: argparse.ArgumentParser, groups: tuple[str, ...], defaults: Config) -> None:
    """Add a flag for every setting of `groups`; `defaults` is for the help. Values stay unconverted until `read`."""
    titles = {group: str(type(getattr(defaults, group)).__doc__).partition(".")[0] for group in groups}
    sections = {group: parser.add_argument_group(title) for group, title in titles.items()}
    for setting in settings():
        if setting.group not in groups:
            continue
        option = setting.option
        if setting.kind is bool:
            sections[setting.group].add_argument(
                setting.flag, dest=setting.key, action=argparse.BooleanOptionalAction, help=option.help, default=None
            )
            continue
        value = getattr(getattr(defaults, setting.group), setting.key)
        default = "" if value in (None, ()) else f" (default: {_show(value)})"
        sections[setting.group].add_argument(
            setting.flag,
            dest=setting.key,
            metavar=option.metavar or ("{" + ",".join(map(str, option.choices)) + "}" if option.choices else "N"),
            help=option.help.replace("%", "%%") + default.replace("%", "%%"),
            default=None,
            nargs=None if option.bare is None else "?",
            const=option.bare,
        )


def read(
    flags: Mapping[str, Any], environ: Mapping[str, str], file: Path | None, defaults: Config | None = None
) -> Config:
    """Put the configuration together.

    Args:
        flags: what `add_flags` made of the command line, by key; None where a flag was not given.
        environ: environment variables.
        file: a TOML file of `key = value` lines, or None.
        defaults: what holds where nothing else is said.

    Raises:
        OptionError: something is unknown or not allowed, or the file cannot be read.
    """
    known = {setting.key: setting for setting in settings()}
    from_file = _read_file(file, known) if file else {}
    _reject_unknown_variables(environ, known)
    chosen: dict[str, dict[str, Any]] = {}
    for key, setting in known.items():
        if flags.get(key) is not None:
            value = convert(flags[key], setting, setting.flag)
        elif setting.env in environ:
            value = convert(environ[setting.env], setting, f"the environment variable {setting.env}")
        elif key in from_file:
            value = convert(from_file[key], setting, f"{key} in {file}")
        else:
            continue
        chosen.setdefault(setting.group, {})[key] = value
    config = defaults or Config()
    return replace(config, **{group: replace(getattr(config, group), **values) for group, values in chosen.items()})


def _read_file(file: Path, known: Mapping[str, Setting]) -> dict[str, Any]:
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"the configuration file {file} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"the configuration file {file} is not valid TOML: {error}") from None
    for key in data:
        if key not in known:
            raise OptionError(f"{key} in {file} is no setting; there are: {', '.join(sorted(known))}")
    return data


def _reject_unknown_variables(environ: Mapping[str, str], known: Mapping[str, Setting]) -> None:
    names = {setting.env for setting in known.values()} | {ENV_PREFIX + "CONFIG"}
    for name, value in environ.items():
        ours = name.startswith(ENV_PREFIX) and not name.startswith(ENV_IGNORED)
        if ours and name not in names and not _SERVICE_VARIABLE.fullmatch(f"{name}={value}"):
            raise OptionError(f"the environment variable {name} is no setting; there are: {', '.join(sorted(names))}")


def convert(value: Any, setting: Setting, source: str) -> Any:
    """A value of the setting's type. Flags and variables come as strings, values of a file with a type of their own."""
    kind = setting.kind
    try:
        if is_word(value, setting.option):
            converted: Any = value
        elif get_origin(kind) is tuple:
            parts = value.split(",") if isinstance(value, str) else value
            if not parts:
                raise ValueError
            converted = tuple(_scalar(part, get_args(kind)[0]) for part in parts)
        else:
            converted = _scalar(value, kind)
    except (TypeError, ValueError, OverflowError):
        raise OptionError(f"{source}: {value!r} is not {_describe(setting)}") from None
    if problem := check(converted, setting.option):
        raise OptionError(f"{source}: {value!r} is not allowed, it {problem}")
    return converted


def _scalar(value: Any, kind: Any) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).strip().lower() not in _BOOLEANS:
            raise ValueError
        return _BOOLEANS[str(value).strip().lower()]
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Path)):
        raise TypeError
    if kind in (int, float):
        if isinstance(value, float) and kind is int:
            raise TypeError
        return kind(value)
    if not isinstance(value, (str, Path)):
        raise TypeError
    return kind(value)


def _describe(setting: Setting) -> str:
    choices = setting.option.choices
    if choices and setting.option.low is None:
        return f"one of {', '.join(map(str, choices))}"
    kind = setting.kind
    if get_origin(kind) is tuple:
        return "a list of numbers separated by commas"
    words = "".join(f"{word} or " for word in choices)
    return (
        words + {bool: "true or false", int: "a whole number", float: "a number", Path: "a path", str: "a text"}[kind]
    )


def _required(kind: Any) -> Any:
    if get_origin(kind) is UnionType:
        return next(arg for arg in get_args(kind) if arg is not NoneType)
    return kind


def _show(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

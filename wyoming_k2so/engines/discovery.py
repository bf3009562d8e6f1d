"""Finds the engines that other packages bring.

A package brings an engine by an entry point of the group `wyoming_k2so.engines`, whose value is an EngineSpec. One that
is broken is left out, and the reason is kept for the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from importlib.metadata import EntryPoint

from wyoming_k2so.settings.config import AUTO
from wyoming_k2so.settings.options import Schema, settings_of
from wyoming_k2so.settings.values import supported

from .spec import EngineSpec
from .table import EngineTable

GROUP = "wyoming_k2so.engines"


def discover(built_in: Iterable[EngineSpec], found: Iterable[EntryPoint]) -> EngineTable:
    """The table of the program's own engines and of those that entry points bring."""
    specs, problems = list(built_in), []
    for entry in sorted(found, key=lambda entry: (entry.name, entry.value)):
        try:
            spec = entry.load()
            problem = _problem(spec, specs)
        except (Exception, SystemExit) as error:  # noqa: BLE001  another package's code may raise anything
            problem = f"{type(error).__name__}: {error}"
        if problem is None:
            specs.append(spec)
        else:
            problems.append(f"engine {entry.name} ({entry.value}) is left out: {problem}")
    return EngineTable(specs, problems)


def _problem(spec: object, others: Iterable[EngineSpec]) -> str | None:
    """Why an engine of another package cannot join, or None."""
    if not isinstance(spec, EngineSpec):
        return "it is not an EngineSpec"
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", spec.name) or spec.name == AUTO:
        return f"{spec.name!r} cannot be an engine's name; use lower-case letters, digits, - and _"
    if any(other.name == spec.name for other in others):
        return f"there is another engine {spec.name}"
    return _settings_problem(spec, others) if spec.settings is not None else None


def _settings_problem(spec: EngineSpec, others: Iterable[EngineSpec]) -> str | None:
    group = spec.settings
    if not isinstance(group, type) or not is_dataclass(group):
        return "its settings are not a dataclass"
    if bare := [field.name for field in fields(group) if "option" not in field.metadata]:
        return f"its setting {bare[0]} has no description; declare it with option()"
    taken = {flag: "the server" for setting in Schema() for flag in setting.flags}
    for other in others:
        own = settings_of(other.settings) if other.settings else ()
        taken |= {flag: f"engine {other.name}" for setting in own for flag in setting.flags}
    prefix = spec.name.replace("-", "_") + "_"
    for setting in settings_of(group):
        if clash := [flag for flag in setting.flags if flag in taken]:
            return f"its flag {clash[0]} is one of {taken[clash[0]]} already; rename its setting {setting.key}"
        if not setting.key.startswith(prefix):
            return f"its setting {setting.key} must begin with {prefix}, so that it never clashes with others"
        if not supported(setting.kind):
            return f"its setting {setting.key} must be a bool, int, float, str, Path or a tuple of one of these"
    return None

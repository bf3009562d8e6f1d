"""The engines of an installation, by name and by rank."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import takewhile

from wyoming_k2so.engine import Engine
from wyoming_k2so.settings.config import AUTO, Config
from wyoming_k2so.settings.options import Schema

from .spec import EngineSpec


class EngineTable(Mapping[str, EngineSpec]):
    """The engines by name."""

    def __init__(self, specs: Iterable[EngineSpec], problems: Iterable[str] = ()) -> None:
        """`problems`: for each engine of another package that is left out, a line that says why."""
        self._specs = {spec.name: spec for spec in specs}
        self.problems = tuple(problems)

    def __getitem__(self, name: str) -> EngineSpec:
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    @cached_property
    def schema(self) -> Schema:
        """The program's settings and those of all engines."""
        groups = [spec.settings for spec in self.values() if spec.settings is not None]
        return Schema(groups, {"engine": (AUTO, *self)})

    @property
    def by_rank(self) -> list[str]:
        """All names, the highest rank first; in the order of the table among equals."""
        return sorted(self, key=lambda name: -self[name].rank)

    @property
    def fallbacks(self) -> list[str]:
        """The engines that can be the fallback, the best first; those that are installed, if any is."""
        able = [name for name in self.by_rank if self[name].fallback]
        return [name for name in able if not self[name].missing()] or able

    def candidates(self, wanted: str, fallback: str) -> list[str]:
        """The engines that may speak beside the fallback engine, the best first; none if it is the one `wanted`."""
        if wanted == AUTO:
            return list(takewhile(lambda name: name != fallback, self.by_rank))
        return [wanted] if wanted != fallback else []

    def using(self, settings: type) -> EngineSpec:
        """The engine that has these settings."""
        return next(spec for spec in self.values() if spec.settings is settings)

    def speaking(self, language: str) -> list[EngineSpec]:
        """The engines that speak a language (a BCP 47 tag) out of the box."""
        primary = language.replace("_", "-").casefold().partition("-")[0]
        tags = {name: [tag.casefold().partition("-")[0] for tag in self[name].languages] for name in self}
        return [self[name] for name in self.by_rank if primary in tags[name]]

    def load(self, name: str, config: Config) -> Engine:
        """Load an engine. Raises EngineError: it cannot be loaded."""
        return self[name].load(config)

    def reclaim(self, name: str) -> None:
        """Return memory to the system after a model of an engine has been dropped."""
        if name in self:
            self[name].reclaim()

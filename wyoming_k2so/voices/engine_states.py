"""Where each engine stands, for people and programs that ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class State:
    """Where an engine stands."""

    state: Literal["loading", "ready", "idle", "failed", "off"]
    detail: str = ""
    """The reason, where there is one to give."""


class EngineStates(dict[str, State]):
    """The state of each engine by name."""

    def __init__(self, changed: Callable[[str, str], None]) -> None:
        """`changed` is called with an engine's name and its new state."""
        super().__init__()
        self._changed = changed

    def __setitem__(self, name: str, state: State) -> None:
        super().__setitem__(name, state)
        self._changed(name, state.state)

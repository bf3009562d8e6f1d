"""What stands in for an engine whose model was freed: its voices are known, but it cannot speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from wyoming_k2so.engine import Engine, EngineError, Request, Voice


class UnloadedEngine:
    """An engine as it was when it was freed. Holds nothing of it."""

    def __init__(self, engine: Engine, wake: Callable[[], None]) -> None:
        """`wake` is told that the engine is asked for; it returns at once."""
        self.name, self.description = engine.name, engine.description
        self.version, self.attribution = engine.version, engine.attribution
        self.mode, self.modes, self.note = engine.mode, dict(engine.modes), engine.note
        self.vocoder_modes = dict(engine.vocoder_modes)
        self.wake = wake
        self._voices = tuple(engine.voices())

    def voices(self) -> Sequence[Voice]:
        """The voices that there were."""
        return self._voices

    def max_chars(self, language: str) -> int:
        """Nothing can be said."""
        return 0

    def open(self, request: Request) -> NoReturn:
        """Always raises EngineError."""
        raise EngineError(f"{self.name} is idle and must be loaded before it can speak.")

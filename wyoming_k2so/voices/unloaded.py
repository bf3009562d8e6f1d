"""The placeholder of an engine whose model is unloaded: it knows the voices, but cannot speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from wyoming_k2so.engine import Engine, EngineError, Request, Voice


class UnloadedEngine:
    """An engine as it was when it was unloaded. Holds no reference to it."""

    def __init__(self, engine: Engine, wake: Callable[[], None]) -> None:
        """`wake` loads the engine again, in the background; call it when the engine is asked for."""
        self.name, self.description = engine.name, engine.description
        self.version, self.attribution = engine.version, engine.attribution
        self.mode, self.modes, self.note = engine.mode, dict(engine.modes), engine.note
        self.vocoder_modes = dict(engine.vocoder_modes)
        self.wake = wake
        self._voices = tuple(engine.voices())

    def voices(self) -> Sequence[Voice]:
        """The voices of the engine."""
        return self._voices

    def max_chars(self, language: str) -> int:
        """0: nothing can be said."""
        return 0

    def open(self, request: Request) -> NoReturn:
        """Always raises EngineError."""
        raise EngineError(f"{self.name} is idle and must be loaded before it can speak")

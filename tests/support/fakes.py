"""An engine without weights: it follows a script, with the delays and failures that a test sets."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from typing import Literal

import numpy as np

from wyoming_k2so.engine import Attribution, EngineError, Request, Samples, Utterance, Voice

Failure = Literal["raise", "raise-late", "nan", "silent", "hang", "hang-late"]

NOBODY = Attribution("Nobody", "")


def make_voice(name: str, *languages: str, speakers: tuple[str, ...] = ()) -> Voice:
    return Voice(name, languages or ("en-US",), f"The voice {name}", NOBODY, speakers=speakers)


class ScriptedEngine:
    """Speaks each character as `CHAR_S` seconds of a constant level, which depends on the character and the voice.

    Args:
        first_audio: seconds until the first piece of each segment.
        rtf: real-time factor, seconds of work per second of audio.
        fail_at: how the n-th call of `say` fails, counted from 0 over all utterances.
        rate: samples per second.
        piece_s: seconds of audio in each piece.
        gate: if given, each segment acquires it before its first piece.

    A call that hangs continues once `go_on` is set.
    """

    CHAR_S = 0.02

    def __init__(
        self,
        *voices: Voice,
        name: str = "scripted",
        first_audio: float = 0.0,
        rtf: float = 0.0,
        fail_at: dict[int, Failure] | None = None,
        fail_open: bool = False,
        fail_expect: bool = False,
        rate: int = 16_000,
        piece_s: float = 0.1,
        max_chars: int = 250,
        gate: threading.Semaphore | None = None,
    ) -> None:
        self.name = name
        self.description = "An engine that follows a script"
        self.version = "1"
        self.mode, self.note = "fp32", ""
        self.modes: dict[str, str] = {"fp32": "The only one."}
        self.vocoder_modes: dict[str, str] = {}
        self.attribution = NOBODY
        self.first_audio = first_audio
        self.rtf = rtf
        self.fail_at = fail_at or {}
        self.fail_open = fail_open
        self.fail_expect = fail_expect
        self.rate = rate
        self.piece_s = piece_s
        self.gate = gate
        self.go_on = threading.Event()
        self._max_chars = max_chars
        self._voices = voices or (make_voice("test"),)
        self.said: list[str] = []
        """Segments, in the order in which their synthesis began."""

        self.expected: list[tuple[int, str]] = []
        """Announced segments, each with the number of segments begun before it."""

        self.requests: list[Request] = []
        self.open_utterances = 0
        self.speaking = 0
        """How many generators are running."""

        self.pieces = 0
        self.samples = 0

    def voices(self) -> Sequence[Voice]:
        return self._voices

    def max_chars(self, language: str) -> int:
        return self._max_chars

    def open(self, request: Request) -> Utterance:
        if self.fail_open:
            raise EngineError("the script says that opening fails")
        self.requests.append(request)
        self.open_utterances += 1
        return ScriptedUtterance(self, request)

    def sound(self, text: str, voice: str = "test") -> Samples:
        """The audio of a segment."""
        levels = [((ord(c) * 31 + sum(map(ord, voice))) % 199 - 99) / 128 for c in text]
        return np.repeat(np.array(levels, np.float32), round(self.CHAR_S * self.rate))


class ScriptedUtterance:
    def __init__(self, engine: ScriptedEngine, request: Request) -> None:
        self._engine = engine
        self._voice = request.voice
        self._open = True
        self.rate = engine.rate

    def say(self, segment: str) -> Generator[Samples]:
        engine = self._engine
        failure = engine.fail_at.get(len(engine.said))
        engine.said.append(segment)
        if engine.gate is not None:
            engine.gate.acquire()
        sound = engine.sound(segment, self._voice)
        size = round(engine.piece_s * engine.rate)
        engine.speaking += 1
        try:
            time.sleep(engine.first_audio)
            if failure == "raise":
                raise EngineError("the script says that this fails")
            if failure == "silent":
                return
            if failure == "hang":
                engine.go_on.wait()
            for start in range(0, len(sound), size):
                if failure == "raise-late" and start:
                    raise RuntimeError("the script says that this fails half-way")
                piece = sound[start : start + size]
                if failure == "hang-late" and start:
                    engine.go_on.wait()
                if failure == "nan" and start:
                    piece = piece * np.nan
                time.sleep(engine.rtf * len(piece) / engine.rate)
                engine.pieces += 1
                engine.samples += len(piece)
                yield piece
        finally:
            engine.speaking -= 1

    def expect(self, segment: str) -> None:
        self._engine.expected.append((len(self._engine.said), segment))
        if self._engine.fail_expect:
            raise RuntimeError("the script says that expecting fails")

    def close(self) -> None:
        self._engine.open_utterances -= self._open
        self._open = False

"""The seam between speech models and everything that streams their sound.

The pipeline, the server and the benchmark know this file and nothing of any model; a model knows this file and
nothing of sockets, queues, chunks or Home Assistant. An engine that fits here streams through the same chunker,
prebuffer, fallback and server as every other.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from wyoming_k2so.settings.config import Config

Samples = NDArray[np.float32]
"""Mono audio, shape (n,), full scale at -1 and 1."""


class EngineError(Exception):
    """An engine cannot load or cannot speak; the message is one sentence that says what to do about it."""


def reason(error: BaseException) -> str:
    """What may be told of a failure: an engine's own sentence; of other errors the kind, as they may quote the text."""
    return str(error) if isinstance(error, EngineError) else type(error).__name__


class ConsentNeeded(EngineError):
    """An engine's model may be downloaded only after the user has agreed to its licence."""


@dataclass(frozen=True)
class AudioFormat:
    """What a stream of PCM bytes means: little-endian signed integers, channels interleaved."""

    rate: int
    """Samples per second and channel."""

    width: int = 2
    """Bytes per sample."""

    channels: int = 1

    def seconds(self, size: int) -> float:
        """Playing time of `size` bytes."""
        return size / (self.rate * self.frame)

    @property
    def frame(self) -> int:
        """Bytes of one sample of all channels."""
        return self.width * self.channels


@dataclass(frozen=True)
class Attribution:
    """Who made something, and where it comes from."""

    name: str
    url: str


@dataclass(frozen=True)
class Voice:
    """One voice that an engine offers."""

    name: str
    """Unique within the engine; what a client asks for."""

    languages: tuple[str, ...]
    """BCP 47 tags; the first where nothing else says which."""

    description: str
    attribution: Attribution
    speakers: tuple[str, ...] = ()
    """Names of the speakers in a multi-speaker voice; the first is the default."""

    language: str | None = None
    """The one of several languages that is the voice's own, if one is."""

    version: str | None = None


@dataclass(frozen=True)
class Request:
    """How one reply shall sound. Its text comes afterwards, segment by segment."""

    voice: str
    language: str
    """BCP 47 tag; one that the voice lists."""

    speaker: str | None = None
    speed: float = 1.0
    """1 is the voice's own pace, 2 twice as fast; 0.5 to 2."""

    seed: int | None = None
    """Makes an engine that draws random numbers repeat itself."""


class Utterance(Protocol):
    """The state of one request. Used by one thread at a time."""

    @property
    def rate(self) -> int:
        """Samples per second of everything that `say` yields."""

    def say(self, segment: str) -> Generator[Samples]:
        """Yield the sound of one segment, piece by piece, as it is generated.

        `segment` is cleaned text of at most `Engine.max_chars` characters. Closing the generator cancels the work.

        Raises:
            EngineError: the segment cannot be spoken.
        """

    def close(self) -> None:
        """Free what the request holds. May be called twice."""


@runtime_checkable
class Interruptible(Utterance, Protocol):
    """An utterance whose work can be broken off between two pieces of sound."""

    def interrupt(self) -> None:
        """Let `say` raise soon, wherever it is; nothing more can be said. From any thread."""


@runtime_checkable
class Foresighted(Utterance, Protocol):
    """An utterance that can work on the next segment while it says the present one."""

    def expect(self, segment: str) -> None:
        """Tell which segment `say` will be given next. Between two pieces of sound; returns at once.

        It changes when the segment's sound is made, not how it sounds.
        """


class Engine(Protocol):
    """A loaded speech model: its weights are shared by every request in the process. Safe to use from any thread."""

    @property
    def name(self) -> str:
        """The name under which users choose the engine."""

    @property
    def description(self) -> str:
        """What the engine is, for people."""

    @property
    def version(self) -> str:
        """Version of the software, not of the model."""

    @property
    def attribution(self) -> Attribution:
        """Who made it."""

    @property
    def mode(self) -> str:
        """Numeric precision in use."""

    @property
    def modes(self) -> Mapping[str, str]:
        """The precisions that run well here, each with a sentence that says what it costs and gains."""

    @property
    def vocoder_modes(self) -> Mapping[str, str]:
        """The precisions of the vocoder that run well here, likewise; empty where it has none of its own."""

    @property
    def note(self) -> str:
        """Why the precision is not the one asked for, in one sentence; empty when it is."""

    def voices(self) -> Sequence[Voice]:
        """All voices, the default first. Cheap: called for each `describe`."""

    def max_chars(self, language: str) -> int:
        """The longest segment that sounds well in `language`, in characters."""

    def open(self, request: Request) -> Utterance:
        """Begin a reply in one of `voices`. Raises EngineError when the voice cannot be used."""


@runtime_checkable
class Adjustable(Protocol):
    """What an engine can do besides when some of its settings need no other model."""

    def adjust(self, config: Config) -> None:
        """Speak with these settings from the next reply on; those that need another model stay as they were."""


@runtime_checkable
class Cloning(Protocol):
    """What an engine can do besides when it makes voices from clips."""

    def add_voice(self, name: str, language: str | None, clip: bytes) -> None:
        """Make a voice of a clip: an audio file, of which nothing is known yet. It is one of `voices` afterwards.

        Args:
            name: what the client wants to call it.
            language: BCP 47 tag of the voice's own language; None: the engine's default.
            clip: the bytes of the file.

        Raises:
            EngineError: the name, the language or the clip is of no use, or there is no room. Nothing has changed.
        """

    def remove_voice(self, name: str) -> None:
        """Remove a voice that was made of a clip. Raises EngineError: there is none of that name, or it must stay."""

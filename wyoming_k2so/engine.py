"""The seam between speech models and everything that streams their audio.

The pipeline, the server and the benchmark know this file and nothing of any model. A model knows this file and
nothing of sockets, queues, chunks or Home Assistant. Any engine that implements it streams through the same chunker,
prebuffer, fallback and server. docs/engines.md shows how to write one.
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
    """An engine cannot load or cannot speak; the message names the reason and the remedy."""


def reason(error: BaseException) -> str:
    """What may be said of a failure: an engine's own message; of other errors the type, as they may quote the text."""
    return str(error) if isinstance(error, EngineError) else type(error).__name__


class ConsentNeeded(EngineError):
    """The user must accept the licence of an engine's model before it is downloaded."""


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
    """BCP 47 tags; the first is the default."""

    description: str
    attribution: Attribution
    speakers: tuple[str, ...] = ()
    """Names of the speakers in a multi-speaker voice; the first is the default."""

    language: str | None = None
    """The voice's own language, if one of several is."""

    version: str | None = None


@dataclass(frozen=True)
class Request:
    """How a reply shall sound. Its text follows, segment by segment."""

    voice: str
    language: str
    """BCP 47 tag; one that the voice lists."""

    speaker: str | None = None
    speed: float = 1.0
    """Speaking rate, 0.5 to 2: 1 is the voice's normal rate, 2 twice as fast."""

    seed: int | None = None
    """Of the random numbers that the engine draws; None: a new one for each reply."""


class Utterance(Protocol):
    """The state of one request. Used by one thread at a time."""

    @property
    def rate(self) -> int:
        """Samples per second of everything that `say` yields."""

    def say(self, segment: str) -> Generator[Samples]:
        """Yield the audio of one segment, piece by piece, as it is generated.

        `segment` is cleaned text of at most `Engine.max_chars` characters. Closing the generator cancels the work.

        Raises:
            EngineError: the segment cannot be spoken.
        """

    def close(self) -> None:
        """Free everything that the request holds. May be called twice."""


@runtime_checkable
class Interruptible(Utterance, Protocol):
    """An utterance whose work can be interrupted between two pieces of audio."""

    def interrupt(self) -> None:
        """Make `say` raise soon; the utterance cannot be used any more. May be called from any thread."""


@runtime_checkable
class Foresighted(Utterance, Protocol):
    """An utterance that can work on the next segment while it says the current one."""

    def expect(self, segment: str) -> None:
        """Announce the segment that `say` will get next. Called between two pieces of audio; returns at once.

        It changes when the segment's audio is generated, not how it sounds.
        """


class Engine(Protocol):
    """A loaded speech model; all requests share its weights. Its methods may be called from any thread."""

    @property
    def name(self) -> str:
        """The name by which users choose the engine, as in its EngineSpec."""

    @property
    def description(self) -> str:
        """What the engine is, for people to read."""

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
        """The precisions that run well on this machine, each with a sentence on its costs and gains."""

    @property
    def vocoder_modes(self) -> Mapping[str, str]:
        """The same for the vocoder; empty if it has no precision of its own."""

    @property
    def note(self) -> str:
        """Why the precision is not the one asked for; empty if it is."""

    def voices(self) -> Sequence[Voice]:
        """All voices, the default first. Must be cheap: it is called for each `describe`."""

    def max_chars(self, language: str) -> int:
        """The longest segment that sounds well in `language`, in characters."""

    def open(self, request: Request) -> Utterance:
        """Begin a reply in one of `voices`. Raises EngineError: the voice cannot be used."""


@runtime_checkable
class Adjustable(Protocol):
    """An engine with settings that can change without loading another model."""

    def adjust(self, config: Config) -> None:
        """Use these settings from the next reply on; ignore those that need another model."""


@runtime_checkable
class Cloning(Protocol):
    """An engine that makes voices from clips."""

    def add_voice(self, name: str, language: str | None, clip: bytes) -> None:
        """Add a voice made from a clip to `voices`.

        Args:
            name: the name that the client chose.
            language: BCP 47 tag of the voice's own language; None: the engine's default.
            clip: the bytes of an audio file, not checked yet.

        Raises:
            EngineError: the name, the language or the clip cannot be used, or there is no room. Nothing has changed.
        """

    def remove_voice(self, name: str) -> None:
        """Remove a voice made from a clip. Raises EngineError: it does not exist or cannot be removed."""

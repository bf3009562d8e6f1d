"""One reply in numbers, and what a listener hears who plays it as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "cancelled", "error"]

AUDIBLE_GAP_S = 0.02
"""A shorter gap is scheduling noise, which every player's own buffer covers."""


class PlaybackClock:
    """A listener who starts to play with the first chunk and hears everything in real time."""

    def __init__(self) -> None:
        self._ends: float | None = None

    @property
    def ends(self) -> float | None:
        """When the listener will have heard everything; None before the first sound."""
        return self._ends

    def sent(self, now: float, seconds: float) -> float:
        """Note that `seconds` of sound leave at `now`; returns how long the listener heard nothing before them."""
        gap = 0.0 if self._ends is None else max(0.0, now - self._ends)
        self._ends = (now if self._ends is None else max(now, self._ends)) + seconds
        return gap


@dataclass
class ReplyStats:
    """One reply in numbers. Times are in seconds. Clients see the fields: docs/protocol.md lists them."""

    engine: str
    voice: str
    first_audio_s: float | None = None
    """From the first text until the reader took the first chunk."""

    busy_s: float = 0.0
    """Time spent generating."""

    audio_s: float = 0.0
    silence_s: float = 0.0
    """Silence that kept the stream alive; not part of `audio_s`."""

    chunks: int = 0
    samples: int = 0
    underruns: int = 0
    """Gaps that a listener would have heard although there was text to speak."""

    instead_of: str | None = None
    """The voice that was asked for and is not available now."""

    yielded: bool = False
    """The fallback voice spoke all of it, because the engine was busy with other replies."""

    retries: int = 0
    fallbacks: int = 0
    """Segments that the fallback voice had to speak."""

    mode: str = ""
    """Numeric precision of the engine at the end of the reply."""

    note: str = ""
    """Why that is not the precision asked for; empty when it is."""

    outcome: Outcome = "ok"
    error: str | None = None

    @property
    def rtf(self) -> float | None:
        """Real-time factor: time spent per second of sound."""
        return self.busy_s / self.audio_s if self.audio_s else None

    def summary(self) -> str:
        """One line for the log, without a word of the text."""
        first = "none" if self.first_audio_s is None else f"{self.first_audio_s:.3f} s"
        rtf = "none" if self.rtf is None else f"{self.rtf:.3f}"
        extra = "".join(
            f", {count} {what}"
            for count, what in ((self.retries, "retries"), (self.fallbacks, "segments by the fallback voice"))
            if count
        )
        if self.instead_of is not None:
            extra += f", instead of {self.instead_of}"
        if self.yielded:
            extra += ", all by the fallback voice because the engine was busy"
        if self.note:
            extra += f", in {self.mode} because {self.note}"
        end = self.outcome if self.error is None else f"{self.outcome}: {self.error}"
        return (
            f"{self.engine}/{self.voice}: {self.audio_s:.2f} s of speech in {self.chunks} chunks, "
            f"first audio {first}, RTF {rtf}, {self.underruns} underruns{extra}, {end}"
        )

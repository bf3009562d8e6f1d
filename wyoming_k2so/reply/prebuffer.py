"""When the sound of a reply may leave: early enough to feel prompt, late enough to last.

Pure: times are passed in, and nothing here waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Moment:
    """What is known when a prebuffer is asked to release sound. Times are in seconds."""

    now: float
    chunks: int
    """How many chunks are held back; at least one."""

    held_s: float
    """Their playing time."""

    pending_s: float = 0.0
    """Sound that does not fill a chunk yet."""

    waiting_chars: int = 0
    """Text that has arrived and whose synthesis has not begun, in `spoken_chars`."""

    complete: bool = False
    """No more text will arrive."""

    starved_s: float = 0.0
    """How long synthesis has been waiting for text; 0 while it works."""


class Prebuffer(Protocol):
    """Decides when sound leaves. It is told of each piece of sound, and asked whenever some is held back.

    Only the reply's synthesis thread uses it.
    """

    def begin_segment(self, chars: int) -> None:
        """Note that the synthesis of a segment begins: `chars` in `spoken_chars`."""

    def add_piece(self, sound_s: float, took_s: float) -> None:
        """Note the segment's next piece: seconds of sound, and seconds of work."""

    def release(self, moment: Moment) -> bool:
        """Whether everything that is held back may leave now."""

    def end(self) -> None:
        """Note that the reply has ended."""


class FixedPrebuffer:
    """Holds back until a fixed number of chunks is there, once."""

    def __init__(self, chunks: int) -> None:
        self._chunks = chunks
        self._released = False

    def begin_segment(self, chars: int) -> None:
        """Do nothing."""

    def add_piece(self, sound_s: float, took_s: float) -> None:
        """Do nothing."""

    def release(self, moment: Moment) -> bool:
        """Whether there are enough chunks, or no more will come for now."""
        self._released = self._released or moment.starved_s > 0 or moment.chunks >= self._chunks
        return self._released

    def end(self) -> None:
        """Do nothing."""

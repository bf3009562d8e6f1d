"""When the first sound of a reply may leave: early enough to feel prompt, late enough not to run dry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Prebuffer(Protocol):
    """Decides whether the sound made so far is still held back. Asked after each chunk, until it says release."""

    def release(self, *, chunks: int, starved: bool) -> bool:
        """Whether playback may begin.

        Args:
            chunks: how many chunks are held back.
            starved: no text is waiting to be spoken, so holding back longer gains nothing.
        """


@dataclass(frozen=True)
class FixedPrebuffer:
    """Holds back until a fixed number of chunks is there."""

    chunks: int

    def release(self, *, chunks: int, starved: bool) -> bool:
        """Whether enough chunks are there, or no more will come for now."""
        return starved or chunks >= self.chunks

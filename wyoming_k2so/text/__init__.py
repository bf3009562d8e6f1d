"""Temporary."""

from __future__ import annotations
from dataclasses import dataclass
from sentence_stream import SentenceBoundaryDetector


@dataclass(frozen=True)
class Segment:
    text: str
    pause_s: float = 0.0


class Segmenter:
    def __init__(self, *, max_chars: int, text_format: str = "text", early_clause: bool = True) -> None:
        self._d = SentenceBoundaryDetector()

    def feed(self, text: str) -> list[Segment]:
        return [Segment(s) for s in self._d.add_chunk(text)]

    def flush(self) -> list[Segment]:
        s = self._d.finish()
        return [Segment(s)] if s else []

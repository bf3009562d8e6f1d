"""The segments that an engine speaks one by one.

Joins a reader of the text's format to the splitter of sentences. Knows nothing of engines: the caller says how long a
segment may be.
"""

from __future__ import annotations

from dataclasses import dataclass

from .markdown import MarkdownReader
from .scan import Scanner
from .sentences import Piece, SentenceSplitter
from .ssml import SsmlReader


@dataclass(frozen=True)
class Segment:
    """What to say in one breath, or how long to be silent."""

    text: str
    """Speakable text; empty: silence only."""
    pause_s: float = 0.0
    """Silence after the text. Today it only comes without text: a pause may arrive after its sentence has gone."""
    ends_sentence: bool = False
    """False where a sentence was cut, and for silence."""


class Segmenter:
    """Turns text that arrives in pieces of any cut into speakable segments; the cut does not change them.

    One segmenter serves one text: from the first `feed` to `flush`.
    """

    def __init__(self, *, max_chars: int, text_format: str = "text", early_clause: bool = True) -> None:
        if max_chars < 1:
            raise ValueError(f"max_chars must be at least 1, not {max_chars}")
        if text_format not in ("text", "ssml"):
            raise ValueError(f"text_format must be text or ssml, not {text_format!r}")
        self._reader: Scanner = SsmlReader() if text_format == "ssml" else MarkdownReader()
        self._splitter = SentenceSplitter(max_chars=max_chars, early_clause=early_clause)

    def feed(self, text: str) -> list[Segment]:
        """Return the segments that are complete now."""
        return self._segments(self._reader.feed(text))

    def flush(self) -> list[Segment]:
        """End the text and return the segments that are left."""
        return self._segments([*self._reader.flush(), "\n"])

    def _segments(self, parts: list[str | float]) -> list[Segment]:
        segments: list[Segment] = []
        for part in parts:
            if isinstance(part, str):
                segments += map(_spoken, self._splitter.feed(part))
            else:
                segments += [*map(_spoken, self._splitter.end()), Segment("", part)]
        return segments


def _spoken(piece: Piece) -> Segment:
    return Segment(piece.text, ends_sentence=piece.ends_sentence)

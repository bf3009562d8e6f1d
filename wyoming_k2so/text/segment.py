"""The segments that an engine speaks one by one.

Joins a reader of the text's format, the splitter of sentences and the normalizer of the language. Knows nothing of
engines: the caller says how long a segment may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .markdown import MarkdownReader
from .normalization import normalizer
from .scan import Scanner
from .sentences import Piece, SentenceSplitter, cut
from .ssml import SsmlReader


@dataclass(frozen=True)
class Segment:
    """What to say in one breath, or how long to be silent."""

    text: str
    """Speakable text in words; empty: silence only."""
    pause_s: float = 0.0
    """Silence after the text. Today it only comes without text: a pause may arrive after its sentence has gone."""
    ends_sentence: bool = False
    """False where a sentence was cut, and for silence."""
    written: str = field(default="", compare=False)
    """What the text was before numbers and signs were put into words; empty where it is part of the segment before."""


class Segmenter:
    """Turns text that arrives in pieces of any cut into speakable segments; the cut does not change them.

    One segmenter serves one text: from the first `feed` to `flush`.
    """

    def __init__(
        self, *, max_chars: int, language: str = "en", text_format: str = "text", early_clause: bool = True
    ) -> None:
        """`language`: BCP 47 tag of the text."""
        if max_chars < 1:
            raise ValueError(f"max_chars must be at least 1, not {max_chars}")
        if text_format not in ("text", "ssml"):
            raise ValueError(f"text_format must be text or ssml, not {text_format!r}")
        self._max_chars = max_chars
        self._language = language
        self._reader: Scanner = SsmlReader() if text_format == "ssml" else MarkdownReader()
        base = language.replace("_", "-").partition("-")[0].lower()
        self._splitter = SentenceSplitter(base, max_chars=max_chars, early_clause=early_clause)

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
                segments += self._spoken(self._splitter.feed(part))
            else:
                segments += [*self._spoken(self._splitter.end()), Segment("", part)]
        return segments

    def _spoken(self, pieces: list[Piece]) -> Iterator[Segment]:
        """Pieces in words; numbers grow when they are read out, so that a piece may become several segments."""
        for piece in pieces:
            text, written = normalizer(self._language).say(piece.text), piece.text
            while len(text) > self._max_chars:
                end = cut(text, self._max_chars)
                yield Segment(text[:end].rstrip(), written=written)
                text, written = text[end:].lstrip(), ""
            if any(map(str.isalnum, text)):
                yield Segment(text, ends_sentence=piece.ends_sentence, written=written)

"""Reads SSML as it arrives: what to say, and where to pause for how long.

Tolerant: unknown tags are dropped, their text is kept, and nothing raises. Declarations are skipped, so entities that a
text declares are never expanded.
"""

from __future__ import annotations

import regex

from .characters import Normalizer
from .marks import GAP
from .scan import COMMENT, ENTITY, Scanner, decode_entity

MAX_PAUSE_S = 10.0
PARAGRAPH_PAUSE_S = 0.5
STRENGTHS_S = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 1.0, "x-strong": 1.5}
DEFAULT_STRENGTH = "medium"

_TEXT = regex.compile(r"[^<&]++")
_CDATA = regex.compile(r"<!\[CDATA\[")
_CDATA_TEXT = regex.compile(r"[^\]]++")
_CDATA_END = regex.compile(r"\]\]>")
_INSTRUCTION = regex.compile(r"<\?")
_DECLARATION = regex.compile(r"<!(?=[A-Za-z\]])")
_TAG = regex.compile(r"<(/?)([A-Za-z][\w:.-]{0,60}+)((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>")
_BROKEN_TAG = regex.compile(r"</?[A-Za-z][^<>]*+>")
_ATTRIBUTE = regex.compile(r"(?<![\w:.-])([\w:.-]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>/]++))")
_TIME = regex.compile(r"\s*+\+?(\d{1,9}+(?:\.\d{0,9}+)?|\.\d{1,9}+)\s*+(m?)s\s*+", regex.IGNORECASE)


class SsmlReader(Scanner):
    """Reads SSML in pieces. Returns text, in which a newline is a sentence boundary, and pauses in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._normalizer = Normalizer()
        self._cdata = False
        self._replaced = False  # inside a <sub> whose alias was said
        self._paragraph_ended = False
        self._spoke = False

    def feed(self, text: str) -> list[str | float]:
        """Return the text and pauses that are certain."""
        self._scan(text)
        return self._take()

    def flush(self) -> list[str | float]:
        """Return the rest."""
        self._final = True
        self._scan("")
        self._border()
        return self._take()

    def _step(self) -> None:
        char = self._buffer[self._pos]
        if self._cdata:
            self._in_cdata(char)
        elif char == "<":
            self._markup()
        elif char == "&":
            match = self._match(ENTITY)
            text = decode_entity(match) if match else None
            self._say("&" if text is None else text)
            self._pos += len(match[0]) if match and text is not None else 1
        else:
            match = _TEXT.match(self._buffer, self._pos)
            text = match[0] if match else char
            self._say(text)
            self._pos += len(text)

    def _in_cdata(self, char: str) -> None:
        if char == "]" and self._match(_CDATA_END):
            self._cdata = False
            self._pos += 3
            return
        match = _CDATA_TEXT.match(self._buffer, self._pos)
        text = match[0] if match else char
        self._say(text)
        self._pos += len(text)

    def _markup(self) -> None:
        for opening, end in ((COMMENT, "-->"), (_INSTRUCTION, "?>"), (_DECLARATION, ">")):
            if match := self._match(opening):
                self._pos += len(match[0])
                self._skip_past = end
                return
        if match := self._match(_CDATA):
            self._cdata = True
            self._pos += len(match[0])
        elif match := self._match(_TAG):
            self._tag(match[2].rsplit(":")[-1].lower(), match[3], closing=bool(match[1]))
            self._pos += len(match[0])
        elif match := self._match(_BROKEN_TAG):
            self._pos += len(match[0])
        elif self._final and not self._after(1).isspace() and ">" not in self._buffer[self._pos :]:
            self._pos = len(self._buffer)  # the text ended inside a tag
        else:
            self._say("<" if self._after(1).isspace() else GAP)
            self._pos += 1

    def _tag(self, name: str, attributes: str, *, closing: bool) -> None:
        if name in ("speak", "p", "s", "paragraph", "sentence"):
            self._border()
            if closing and name in ("p", "paragraph"):
                self._paragraph_ended = self._spoke
        elif name == "break" and not closing:
            self._pause(_attributes(attributes))
        elif name == "sub":
            alias = "" if closing else _attributes(attributes).get("alias", "").strip()
            self._replaced = False
            if alias:
                self._say(alias)
                self._replaced = not attributes.rstrip().endswith("/")

    def _say(self, text: str) -> None:
        if self._replaced:
            return
        if self._paragraph_ended and not text.isspace():
            self._paragraph_ended = False
            self._silence(PARAGRAPH_PAUSE_S)
        self._spoke = True
        self._writer.write(self._normalizer.feed(text))

    def _border(self) -> None:
        self._replaced = False
        self._writer.write(self._normalizer.flush())
        self._writer.border(full_stop=False)

    def _pause(self, attributes: dict[str, str]) -> None:
        seconds = _seconds(attributes)
        if not seconds:
            return
        self._border()
        self._paragraph_ended = False
        self._silence(seconds)


def _attributes(text: str) -> dict[str, str]:
    return {
        match[1].rsplit(":")[-1].lower(): ENTITY.sub(_entity_text, match[2] or match[3] or match[4] or "")
        for match in _ATTRIBUTE.finditer(text)
    }


def _entity_text(match: regex.Match[str]) -> str:
    text = decode_entity(match)
    return match[0] if text is None else text


def _seconds(attributes: dict[str, str]) -> float:
    if match := _TIME.fullmatch(attributes.get("time", "")):
        return min(MAX_PAUSE_S, float(match[1]) / (1000 if match[2] else 1))
    strength = attributes.get("strength", DEFAULT_STRENGTH).strip().lower()
    return STRENGTHS_S.get(strength, STRENGTHS_S[DEFAULT_STRENGTH])

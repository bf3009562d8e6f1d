"""A scanner whose result does not depend on how its input is split, with bounded look-ahead.

A step uses only what later input cannot change. A pattern that needs more text waits for it, but for at most LOOKAHEAD
characters; beyond that it does not match. Patterns must use possessive quantifiers, and a positive look-ahead if they
end in a repetition.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from html.entities import html5

import regex

from .characters import normalize
from .writer import Writer

LOOKAHEAD = 500

ENTITY = regex.compile(r"&(?:(#[0-9]{1,7}+|#[xX][0-9a-fA-F]{1,6}+)|([A-Za-z][A-Za-z0-9]{1,31}+));")
COMMENT = regex.compile("<!--")


class NeedMore(Exception):
    """The decision depends on text that has not arrived yet."""


class Scanner(ABC):
    """Holds the undecided text and steps through it."""

    def __init__(self) -> None:
        self._writer = Writer()
        self._parts: list[str | float] = []
        self._buffer = ""
        self._pos = 0
        self._final = False
        self._skip_past: str | None = None

    @abstractmethod
    def feed(self, text: str) -> list[str | float]:
        """Return speakable text, in which a newline is a sentence border, and silences in seconds."""

    @abstractmethod
    def flush(self) -> list[str | float]:
        """End the text and return the rest."""

    @abstractmethod
    def _step(self) -> None:
        """Consume at least one character; raise NeedMore before any change of state."""

    def _silence(self, seconds: float) -> None:
        self._parts += [self._writer.take(), seconds]

    def _take(self) -> list[str | float]:
        parts = [*self._parts, self._writer.take()]
        self._parts.clear()
        return parts

    def _scan(self, text: str) -> None:
        self._buffer = self._buffer[self._pos :] + text
        self._pos = 0
        try:
            while self._pos < len(self._buffer):
                if self._skip_past is None:
                    self._step()
                else:
                    self._skip()
        except NeedMore:
            return

    def _skip(self) -> None:
        end = self._skip_past or ""
        at = self._buffer.find(end, self._pos)
        if at >= 0:
            self._pos = at + len(end)
            self._skip_past = None
            return
        self._pos = max(self._pos, len(self._buffer) - len(end) + 1)
        if not self._final:
            raise NeedMore
        self._pos = len(self._buffer)

    def _match(self, pattern: regex.Pattern[str]) -> regex.Match[str] | None:
        end = self._pos + LOOKAHEAD
        undecided = not self._final and len(self._buffer) < end
        match = pattern.match(self._buffer, self._pos, end, partial=undecided)
        if match and match.partial:
            raise NeedMore
        return match

    def _after(self, count: int) -> str:
        """Return the character `count` places after this one."""
        at = self._pos + count
        if at < len(self._buffer):
            return self._buffer[at]
        if not self._final:
            raise NeedMore
        return "\n"


def decode_entity(match: regex.Match[str]) -> str | None:
    """Return the text that a match of ENTITY stands for, if any. It is never read as markup or another entity."""
    number, name = match.groups()
    if name:
        text = html5.get(f"{name};")
    else:
        code = int(number[2:], 16) if number[1] in "xX" else int(number[1:])
        text = chr(code) if 0 < code <= 0x10FFFF else ""
    return None if text is None else normalize(text)

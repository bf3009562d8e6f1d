"""Assembles speakable text: single spaces, no space before a full stop, a newline at each sentence boundary.

Knows nothing of markup. Text is final once it is written.
"""

from __future__ import annotations

import regex

from .marks import COMMA, GAP

_TOKEN = regex.compile(rf"[^\s{GAP}{COMMA}]++|[\s\S]")
_CLOSING = frozenset(".,;:!?%)]}…。、，；：！？）」』】》؟،؛।॥")
_PAUSING = frozenset(".,;:!?…。、，；：！？؟،؛।॥")
_QUOTES = "\"')]}»”’）」』】》"
_OPENING = frozenset("([{«（「『【《")
_CJK = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー]")
_DEVANAGARI = regex.compile(r"\p{Devanagari}")


class Writer:
    """Collects text. Spaces, pauses and gaps take effect when the next word is known."""

    def __init__(self) -> None:
        self.last = "\n"  # the last character written
        self._before_quotes = ""  # the last character that is not a closing quote or bracket
        self._out: list[str] = []
        self._space = self._gap = self._comma = False

    def take(self) -> str:
        """Return what was written since the last call."""
        text = "".join(self._out)
        self._out.clear()
        return text

    def write(self, text: str) -> None:
        """Write text that may hold spaces and marks."""
        for token in _TOKEN.findall(text):
            if token == COMMA:
                self.comma()
            elif token == GAP:
                self._gap = True
            elif token.isspace():
                self._space = True
            else:
                self._word(token)

    def space(self) -> None:
        """Keep the words on both sides apart."""
        self._space = True

    def comma(self) -> None:
        """Pause between the words on both sides."""
        self._comma = True

    def border(self, *, full_stop: bool) -> None:
        """End the sentence. `full_stop`: add one unless the sentence already ends with punctuation."""
        self._space = self._gap = self._comma = False
        if self.last == "\n":
            return
        if full_stop and self._before_quotes not in _PAUSING:
            self._out.append(_full_stop_after(self._before_quotes))
        self._out.append("\n")
        self.last = "\n"
        self._before_quotes = ""

    def _word(self, word: str) -> None:
        first = word[0]
        if self.last != "\n":
            if self._comma and first not in _CLOSING and self.last not in _PAUSING and self.last not in _OPENING:
                self._out.append("，" if _CJK.match(self._before_quotes) else ", ")
            elif self._needs_space(first):
                self._out.append(" ")
        self._space = self._gap = self._comma = False
        self._out.append(word)
        self.last = word[-1]
        bare = word.rstrip(_QUOTES)
        if bare:
            self._before_quotes = bare[-1]

    def _needs_space(self, first: str) -> bool:
        if self._gap or self._comma:
            return first not in _CLOSING and self.last not in _OPENING
        return self._space


def _full_stop_after(char: str) -> str:
    if _CJK.match(char):
        return "。"
    return "।" if _DEVANAGARI.match(char) else "."

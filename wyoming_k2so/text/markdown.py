"""Turns a language model's Markdown and HTML into plain text as it arrives: the lines. inline.py reads the rest.

The output is final. A newline is a sentence boundary, everything else is speakable. Sentences within a line are split
later.
"""

from __future__ import annotations

import regex

from .characters import Normalizer
from .inline import InlineScanner
from .marks import COMMA, GAP

_FENCE = regex.compile(r"(`{3,}+)[^`\n]*+\n|(~{3,}+)[^\n]*+\n")
_FENCE_END = regex.compile(r" *+(`{3,}+|~{3,}+) *+\n")
_RULE = regex.compile(rf"[-=*_~#:|+ {COMMA}]++\n")
_HEADING = regex.compile(r"#{1,6}+ ++(?=[^\s#])")
_QUOTE = regex.compile(r">++(?=[^=\d])")
_BULLET = regex.compile(rf"(?:[-*+·{COMMA}]{GAP}?|{GAP}{{1,3}}+) ++(?:\[[ xX]\] ++)?(?=[^\s])")
_NUMBER = regex.compile(r"(\d{1,3}+)[.)] ++(?=\S)")
_LINK_DEFINITION = regex.compile(r"\[[^\]\[\n]{1,60}+\]: *+<?(?:https?://|www\.|/|#)[^\n]*+\n")
_FOOTNOTE_DEFINITION = regex.compile(r"\[\^[^\]\[\n]{1,30}+\]: *+")


class MarkdownReader(InlineScanner):
    """Reads Markdown in pieces. Returns text as soon as its meaning is certain."""

    def __init__(self) -> None:
        super().__init__()
        self._normalizer = Normalizer()
        self._indented = self._blank = False
        self._item = False  # like `_block`
        self._fence = ""
        self._fence_line = False  # inside a line of a code block

    def feed(self, text: str) -> list[str | float]:
        """Return the text that is certain."""
        self._scan(self._normalizer.feed(text))
        return self._take()

    def flush(self) -> list[str | float]:
        """Return the rest."""
        self._scan(self._normalizer.flush())
        self._final = True
        self._scan("\n")
        self._writer.border(full_stop=self._block)
        return self._take()

    def _step(self) -> None:
        if self._fence:
            self._in_fence()
        elif self._url:
            self._in_url()
        elif self._line_start:
            self._at_line_start(self._buffer[self._pos])
        else:
            self._in_line(self._buffer[self._pos])

    def _at_line_start(self, char: str) -> None:
        if char == " ":
            self._indented = True
            self._advance(1)
        elif char == "\n":
            self._blank, self._indented = True, False
            self._advance(1)
        elif char in "`~" and (match := self._match(_FENCE)):
            self._begin(block=True)
            self._fence = match[1] or match[2]
            self._block, self._line_start = False, True
            self._advance(len(match[0]))
        elif char in "-=*_~#:|+" + COMMA and (match := self._match(_RULE)):
            self._begin(block=True)
            self._block, self._line_start = False, True
            self._advance(len(match[0]))
        elif char == ">" and (match := self._match(_QUOTE)):
            self._indented = False
            self._advance(len(match[0]))
        elif char == "[" and (match := self._match(_LINK_DEFINITION)):
            self._advance(len(match[0]))
            self._blank = True
        else:
            self._begin_text(char)

    def _begin_text(self, char: str) -> None:
        if char == "#" and (match := self._match(_HEADING)):
            self._begin(block=True)
            self._advance(len(match[0]))
        elif char in "-*+·" + COMMA + GAP and (match := self._match(_BULLET)):
            self._begin(block=True, item=True)
            self._advance(len(match[0]))
        elif char.isdecimal() and (match := self._match(_NUMBER)):
            self._begin(block=True, item=True)
            self._writer.write(f"{match[1]}. ")
            self._advance(len(match[0]))
        elif char == "[" and (match := self._match(_FOOTNOTE_DEFINITION)):
            self._begin(block=True)
            self._advance(len(match[0]))
        else:
            self._begin(block=char == "|")

    def _begin(self, *, block: bool, item: bool = False) -> None:
        """End the previous line as this one requires, and begin this one."""
        continues_item = self._item and self._indented and not block
        if block or self._blank or (self._block and not continues_item):
            self._writer.border(full_stop=self._block)
            self._block, self._item = block, item
        else:
            self._writer.space()
        self._blank = self._indented = False
        self._start_line()

    def _in_fence(self) -> None:
        if not self._fence_line:
            match = self._match(_FENCE_END)
            if match and match[1].startswith(self._fence):
                self._fence = ""
                self._advance(len(match[0]))
                return
        end = self._buffer.find("\n", self._pos)
        self._fence_line = end < 0
        self._advance((len(self._buffer) if end < 0 else end + 1) - self._pos)

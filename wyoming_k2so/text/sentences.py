"""Splits speakable text: at sentences, after the first clause, and inside sentences that are too long.

Text is processed character by character, so the result does not depend on how it arrived.
"""

from __future__ import annotations

from typing import NamedTuple

import regex

from .boundaries import Boundaries
from .characters import MAX_MARKS

EARLY_MIN_CHARS = 20
"""The shortest first clause to speak on its own: engines speak very short texts badly."""
EARLY_MIN_WORDS = 4
EARLY_REST_WORDS = 2
"""Whole words that must follow the first clause, so that the rest is not too short either."""
CJK_WORD_CHARS = 2
"""Characters that count as one word in Chinese and Japanese, which write no spaces."""

_MAX_PIECE = 64
_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}ー"
_CJK_CHAR = regex.compile(rf"[{_CJK}]")
_WIDE = regex.compile(
    r"[\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
_CLAUSE_END = regex.compile(r"[,;:،؛](?=\s)|\s[-–—](?=\s)|[、，；：][」』”’）】》]*+")
_CLAUSE_END_EARLY = regex.compile(r"[,;:،؛](?=\s\D)|\s[-–—](?=\s\D)|[、，；：][」』”’）】》]*+")
_WIDE_END = regex.compile(r"[。！？]++[”’」』）》】〕〉]*+\Z")
_WIDE_MORE = frozenset("。！？”’」』）》】〕〉")
_WORD_END = regex.compile(rf"\s++|(?<={_WIDE.pattern})(?=[{_CJK}])(?![ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮー々])")
_GRAPHEME = regex.compile(r"\X")


class Piece(NamedTuple):
    """A sentence, or a part of one."""

    text: str
    ends_sentence: bool


class SentenceSplitter:
    """Splits plain text that arrives in pieces. A newline always ends a sentence."""

    def __init__(self, language: str, *, max_chars: int, early_clause: bool) -> None:
        self._boundaries = Boundaries(language)
        self._max_chars = max_chars
        self._early = early_clause
        self._spoken = 0  # text emitted so far, in letters
        self._out: list[Piece] = []
        self._text = ""  # text not emitted yet
        self._word = 0  # start of its last word
        self._stop: int | None = None  # where its first sentence may end; the next word decides

    def feed(self, text: str) -> list[Piece]:
        """Return the sentences that are complete."""
        for char in text:
            if char == "\n":
                self._end()
            elif char == " ":
                self._end_word()
            else:
                self._add(char)
        return self._take()

    def end(self) -> list[Piece]:
        """End the sentence here and return what is left."""
        self._end()
        return self._take()

    def _take(self) -> list[Piece]:
        out, self._out = self._out, []
        return out

    def _add(self, char: str) -> None:
        if self._text[-1:] in _WIDE_MORE and char not in _WIDE_MORE and _WIDE_END.search(self._text):
            self._split(len(self._text))
        self._text += char
        if self._stop is not None:
            self._judge(complete=False)
        if _WIDE.match(char):
            self._cut_early()
        if len(self._text) - self._word >= _MAX_PIECE:
            self._cut_long()

    def _end_word(self) -> None:
        if self._stop is not None:
            self._judge(complete=True)
        if _WIDE_END.search(self._text):
            self._split(len(self._text))
        elif self._boundaries.possible(self._text[self._word :]):
            self._stop = len(self._text)
        self._text += " " if self._text else ""
        self._word = len(self._text)
        self._cut_early()

    def _judge(self, *, complete: bool) -> None:
        """Decide whether the sentence ends at `_stop`, if the word after it is enough to tell."""
        assert self._stop is not None
        sentence, following = self._text[: self._stop], self._text[self._stop :].lstrip()
        ends = self._boundaries.ends(sentence, following, complete=complete) if following else None
        if ends:
            self._split(self._stop)
        elif ends is False:
            self._stop = None

    def _end(self) -> None:
        if self._stop is not None:
            self._judge(complete=True)
        self._split(len(self._text))

    def _split(self, end: int, *, ends_sentence: bool = True) -> None:
        """Emit the text up to `end`."""
        self._emit(self._text[:end], ends_sentence=ends_sentence)
        rest = self._text[end:].lstrip()
        shift = len(self._text) - len(rest)
        self._word = max(0, self._word - shift)
        self._stop = self._stop - shift if self._stop is not None and self._stop > shift else None
        self._text = rest

    def _cut_long(self) -> None:
        while len(self._text.strip()) > self._max_chars:
            self._split(cut(self._text.strip(), self._max_chars), ends_sentence=False)

    def _cut_early(self) -> None:
        self._cut_long()
        if self._early:
            self._speak_first_clause()

    def _speak_first_clause(self) -> None:
        text = self._text.strip()
        for match in _CLAUSE_END_EARLY.finditer(text):
            clause, rest = text[: match.end()], text[match.end() :]
            if _words(rest) < EARLY_REST_WORDS:
                return
            enough = _letters(clause) >= EARLY_MIN_CHARS and _words(clause) >= EARLY_MIN_WORDS
            if enough and not self._boundaries.is_abbreviation(_last_word(clause)):
                self._split(match.end(), ends_sentence=False)
                return

    def _emit(self, sentence: str, *, ends_sentence: bool) -> None:
        text = sentence.strip()
        while text:
            end = cut(text, self._max_chars) if len(text) > self._max_chars else len(text)
            segment, text = text[:end].rstrip(), text[end:].lstrip()
            if any(map(str.isalnum, segment)):
                self._out.append(Piece(segment, ends_sentence and not text))
                self._spoken += _letters(segment)
                # After a short greeting, the next clause may leave early too.
                self._early = self._early and self._spoken < EARLY_MIN_CHARS


def _letters(text: str) -> int:
    return len(text) + len(_CJK_CHAR.findall(text))  # each of these takes as long to say as two letters


def _words(text: str) -> int:
    return len(text.split()) + len(_CJK_CHAR.findall(text)) // CJK_WORD_CHARS


def _last_word(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1]


def cut(text: str, limit: int) -> int:
    """Return where to cut a text that is too long: after a clause, else after a word, else between graphemes.

    Prefers a place that leaves neither part very short.
    """
    least, most = limit // 4, limit * 4 // 5
    for pattern, shortest in ((_CLAUSE_END, least), (_WORD_END, 1)):
        ends: list[int] = [
            match.end() for match in pattern.finditer(text, 0, limit + 1) if shortest <= match.end() <= limit
        ]
        comfortable = [end for end in ends if end <= most]
        if ends:
            return comfortable[-1] if comfortable else ends[0]
    graphemes: list[int] = [
        match.end() for match in _GRAPHEME.finditer(text, 0, limit + MAX_MARKS) if match.end() <= limit
    ]
    return graphemes[-1] if graphemes else limit

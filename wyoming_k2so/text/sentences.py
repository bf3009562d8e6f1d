"""Where speakable text may be cut: at sentences, at the first clause, and where a sentence is too long.

Sentence borders are sentence_stream's; this file keeps its buffer short and its text unharmed. Text comes in at places
that depend on the text alone, so the cuts do not depend on how it arrived.
"""

from __future__ import annotations

from typing import NamedTuple

import regex
from sentence_stream import SentenceBoundaryDetector

from .abbreviations import ends_no_sentence, is_abbreviation, is_ordinal, needs_next_word
from .marks import DOT, STAR
from .normalize import MAX_MARKS

EARLY_MIN_CHARS = 20
"""The shortest first clause worth speaking alone: an engine speaks very short texts badly."""
EARLY_MIN_WORDS = 4
EARLY_REST_WORDS = 2
"""Whole words that must follow the first clause, so that what is left is no scrap either."""
CJK_WORD_CHARS = 2
"""Chinese and Japanese write no spaces: so many characters count as a word."""

_MAX_PIECE = 64
_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}ー"
_CJK_CHAR = regex.compile(rf"[{_CJK}]")
_WIDE = regex.compile(
    r"[\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
_CLAUSE_END = regex.compile(r"[,;:،؛](?=\s)|\s[-–—](?=\s)|[、，；：][」』”’）】》]*+")
_CLAUSE_END_EARLY = regex.compile(r"[,;:،؛](?=\s\D)|\s[-–—](?=\s\D)|[、，；：][」』”’）】》]*+")
_WORD_END = regex.compile(rf"\s++|(?<={_WIDE.pattern})(?=[{_CJK}])(?![ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮー々])")
_GRAPHEME = regex.compile(r"\X")


class Piece(NamedTuple):
    """A sentence, or what was cut off one."""

    text: str
    ends_sentence: bool


class SentenceSplitter:
    """Splits plain text that arrives in pieces; a newline is a border that the text's author set."""

    def __init__(self, *, max_chars: int, early_clause: bool) -> None:
        self._max_chars = max_chars
        self._early = early_clause
        self._spoken = 0  # what has left, in letters
        self._out: list[Piece] = []
        self._detector = SentenceBoundaryDetector()
        self._pending = ""  # what the detector holds
        self._held = ""  # the end of a word whose full stop the next word explains
        self._explained = ""  # that word, whole
        self._word = ""  # the current word, of which the detector has the first `_fed` characters
        self._fed = 0

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
        self._word += char
        if len(self._word) >= _MAX_PIECE or _WIDE.match(char):
            self._push_word("")
        elif len(self._word) == 1 and not self._held:
            # the capital that starts a sentence is what ends the one before
            self._push(char)
            self._fed = 1

    def _end_word(self) -> None:
        if needs_next_word(self._word) and not self._held and not self._starts_sentence():
            self._held = self._word[self._fed :] + " "
            self._explained = self._word
            self._word, self._fed = "", 0
        else:
            self._push_word(" ")

    def _starts_sentence(self) -> bool:
        return self._pending.strip() == self._word[: self._fed]

    def _push_word(self, space: str) -> None:
        word, rest = self._word, self._word[self._fed :]
        if self._held:
            held, self._held = self._held, ""
            self._push(held.replace(".", DOT) if ends_no_sentence(self._explained, word) else held)
        if is_abbreviation(word) or (is_ordinal(word) and self._starts_sentence()):
            rest = rest.replace(".", DOT)
        self._word, self._fed = "", 0
        self._push(rest + space)

    def _end(self) -> None:
        self._push_word("")
        self._emit(self._pending)
        self._restart("")

    def _push(self, piece: str) -> None:
        if not piece:
            return
        self._detect(piece.replace("*", STAR))
        while len(self._pending.strip()) > self._max_chars:
            self._cut_off(_cut(self._pending.strip(), self._max_chars))
        if self._early and (piece[-1] == " " or _WIDE.match(piece[-1])):
            self._speak_first_clause()

    def _detect(self, piece: str) -> None:
        self._pending += piece
        for sentence in self._detector.add_chunk(piece):
            self._emit(sentence)
            self._pending = self._pending.lstrip()[len(sentence) :]

    def _cut_off(self, end: int) -> None:
        text = self._pending.strip()
        self._emit(text[:end], ends_sentence=False)
        self._restart(text[end:].lstrip() + " " * self._pending.endswith(" "))

    def _restart(self, rest: str) -> None:
        self._detector.finish()
        self._pending = ""
        self._detect(rest)

    def _speak_first_clause(self) -> None:
        text = self._pending.strip()
        for match in _CLAUSE_END_EARLY.finditer(text):
            clause, rest = text[: match.end()], text[match.end() :]
            if _words(rest) < EARLY_REST_WORDS:
                return
            enough = _letters(clause) >= EARLY_MIN_CHARS and _words(clause) >= EARLY_MIN_WORDS
            if enough and not is_abbreviation(_last_word(clause)):
                self._cut_off(match.end())
                return

    def _emit(self, sentence: str, *, ends_sentence: bool = True) -> None:
        text = sentence.strip()
        while text:
            end = _cut(text, self._max_chars) if len(text) > self._max_chars else len(text)
            segment, text = text[:end].rstrip(), text[end:].lstrip()
            if any(map(str.isalnum, segment)):
                whole = segment.replace(STAR, "*").replace(DOT, ".")
                self._out.append(Piece(whole, ends_sentence and not text))
                self._spoken += _letters(whole)
                # A greeting is over before the sentence behind it has been written.
                self._early = self._early and self._spoken < EARLY_MIN_CHARS


def _letters(text: str) -> int:
    return len(text) + len(_CJK_CHAR.findall(text))  # each of these takes as long to say as two letters


def _words(text: str) -> int:
    return len(text.split()) + len(_CJK_CHAR.findall(text)) // CJK_WORD_CHARS


def _last_word(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1].replace(DOT, ".")


def _cut(text: str, limit: int) -> int:
    """Return where to cut a text that is too long: after a clause, else after a word, else inside what has no words.

    The best place leaves neither part very short.
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

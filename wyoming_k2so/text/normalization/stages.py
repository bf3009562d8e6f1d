"""What all stages share: a stage finds one kind of thing that is written with signs, and puts words in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import regex

from .language import Context, Language
from .number import GROUPING

CJK = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}ー々"
LETTER = rf"[\p{{L}}\p{{M}}--[{CJK}\p{{Arabic}}]]"
WORD_LETTER = rf"[\p{{L}}\p{{M}}--[{CJK}]]"
START = rf"(?<![\d_])(?<!{LETTER})(?<!\d[.,:/])"
"""Not inside a word or a number. Chinese, Japanese, Korean and Arabic write their words directly beside numbers."""
END = rf"(?![\d_]|{LETTER}|[.,:/]\d)"
SIGN = rf"(?:(?<!{LETTER})(?<![\p{{N}})\]%°/.])[-+±](?=[\d\p{{Sc}}]))?"
_WORD = r"[\p{L}\p{M}'’\-]+"
LAST_WORDS = regex.compile(rf"(?:(?P<earlier>{_WORD})\s+)?(?<!{_WORD})(?P<last>{_WORD})[^\p{{L}}\p{{N}}]*\Z")
FIRST_WORD = regex.compile(rf" ?({_WORD})")


class Stage(NamedTuple):
    """One kind of thing to say."""

    name: str
    needs: regex.Pattern[str]
    """A text without a match of this is left alone."""
    pattern: regex.Pattern[str]
    say: Callable[[Language, regex.Match[str]], str | None]
    """What a match is in words; None: leave it as it is."""


ANY_DIGIT = regex.compile(r"\d")
ANYTHING = regex.compile("")


def stage(
    name: str, pattern: str, say: Callable[[Language, regex.Match[str]], str | None], needs: str = r"\d"
) -> Stage:
    """Make a stage of a pattern."""
    return Stage(name, regex.compile(needs), regex.compile(pattern, regex.VERSION1), say)


def number(language: Language, name: str = "number", *, sign: bool = True) -> str:
    """A pattern of a written number, with its sign if it has one."""
    groups = f"[.,{GROUPING}{' ' if language.group.isspace() else ''}]"
    thousand = rf"(?P={name}_sign)\d{{3}}(?!\d)"
    grouped = rf"\d{{1,3}}(?P<{name}_sign>{groups})\d{{3}}(?!\d)(?:{thousand})*"
    spaced = r"\d{1,3}(?: \d{3}(?!\d)){2,}"
    lakhs = r"\d{1,2}(?:,\d\d)+,\d{3}(?!\d)"
    digits = rf"(?:{spaced}|{lakhs}|{grouped}|\d++)(?:[.,]\d++)?"
    return f"(?P<{name}>{SIGN if sign else ''}{digits})"


def any_of(words: Iterable[str]) -> str:
    """A pattern of any of these, the longest first; of nothing if there are none."""
    escaped = [regex.escape(word, literal_spaces=True) for word in sorted(words, key=len, reverse=True)]
    return "|".join(escaped) or "(?!)"


def ending_joint(language: Language) -> str:
    """A pattern of what joins an ending to something written with signs, and goes where that is in words."""
    if not language.ending_signs:
        return ""
    joint = language.unit_endings or rf"(?:{language.ending_signs})(?=\p{{L}})"
    return f"(?P<joint>{joint})?"


def around(match: regex.Match[str]) -> Context:
    """The words on both sides of a match."""
    before = LAST_WORDS.search(match.string, max(0, match.start() - 60), match.start())
    after = FIRST_WORD.match(match.string, match.end())
    return Context(before["last"] if before else "", after[1] if after else "", (before and before["earlier"]) or "")


def run(stages: list[Stage], language: Language, text: str) -> str:
    """Let each stage say what it finds."""
    for current in stages:
        if current.needs.search(text):
            text = current.pattern.sub(lambda match: _replacement(current, language, match), text)  # noqa: B023
    return text


def _replacement(current: Stage, language: Language, match: regex.Match[str]) -> str:
    words = current.say(language, match)
    if words is None:
        return str(match[0])
    if language.spaces and words:
        text, start, end = match.string, match.start(), match.end()
        if words[0] == " " and _joined(language.prefixes, text[:start]):
            words = words[1:]
        if start and text[start - 1].isalnum() and words[0].isalnum() and not _joined(language.prefixes, text[:start]):
            words = " " + words
        joined = match.groupdict().get("joint") or (language.suffixes and regex.match(language.suffixes, text, pos=end))
        if not joined and end < len(text) and text[end].isalnum() and words[-1].isalnum():
            words += " "
    return words


def _joined(prefixes: str, before: str) -> bool:
    return bool(prefixes) and regex.search(rf"(?:{prefixes})\Z", before[-12:]) is not None

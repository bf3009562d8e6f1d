"""What is left when everything has been said in words: no sign that an engine would name, no stop inside a sentence."""

from __future__ import annotations

import regex

from .language import Language
from .stages import CJK

_MARKS = r"\ue010-\ue03f"
_UNREAD = regex.compile(
    rf"[^\p{{L}}\p{{M}}\p{{N}}\s\u200c\u200d{_MARKS}.,;:!?'\"()\[\]\-’…¡¿«»„“”‚‘·。，、！？；：（）「」『』【】《》〈〉・～؟،؛।॥]++",
    regex.VERSION0,
)
_ELLIPSIS = regex.compile(r"[ ,;:]*(?:\.{2,}|…+)[.…]*")
_PAUSES = regex.compile(r"[ ,;:]*+(?<= )[-–—]++(?= )[ ,;:]*+")
_STOP = regex.compile(r"\.(?=.*[\p{L}\p{N}])(?<!\d\.(?=\d))")
_STOP_IN_WORD = regex.compile(r"(?<=[\p{L}\p{N}])\.(?=[\p{L}\p{N}])(?<!\d\.(?=\d))")
_CALL = regex.compile(r"[!?]++(?= ?[\"')\]»”]*+ [\"'(\[]*+[\p{L}\p{N}])")
_LOOSE_HYPHEN = regex.compile(r"(?<![\p{L}\p{M}\p{N}])-++(?=[^\s\d])|-++(?![\p{L}\p{M}\p{N}])")
_SPACES = regex.compile(r"\s++")
_SPACE_BEFORE = regex.compile(r"\s++(?=[,;:.!?)\]。，、！？；：）」』】》])|(?<=[(\[（「『【《])\s++")
_CJK_SPACE = regex.compile(rf"(?<=[{CJK}、。]) (?=[{CJK}])")
_TWICE = regex.compile(r"([,;:.])[,;:]++")
_START = regex.compile(r"\A[\s,;:.!?)-]++(?=.*[\p{L}\p{N}])")
_ENDS = ".!?。！？।؟…"
_PLAIN = regex.compile(r"[\p{L}\p{M}](?:[\p{L}\p{M}]|[,;:]?+ (?=[\p{L}\p{M}])|['’-](?=\p{L}))*+[.!?。！？।؟]?")


def finish(text: str, language: Language) -> str:
    """Make one sentence of it, with plain punctuation."""
    if not language.spaces:
        text = _CJK_SPACE.sub("", text)
    if _PLAIN.fullmatch(text):
        return text
    comma = language.comma
    text = _ELLIPSIS.sub(lambda match: comma if _goes_on(text, match.end()) else ".", text)
    text = _STOP_IN_WORD.sub(f" {language.dot} " if language.spaces else language.dot, text)
    text = _CALL.sub(",", text)
    text = _STOP.sub("", text)
    text = _PAUSES.sub(comma, text)
    text = _UNREAD.sub(" ", text)
    text = _LOOSE_HYPHEN.sub(" ", text)
    text = _SPACES.sub(" ", text).strip()
    text = _SPACE_BEFORE.sub("", text)
    text = _TWICE.sub(r"\1", text)
    return str(_START.sub("", text))


def _goes_on(text: str, end: int) -> bool:
    return any(map(str.isalnum, text[end:]))

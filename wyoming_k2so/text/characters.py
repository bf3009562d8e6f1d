"""Unicode clean-up: one spelling per character, and only characters that can be spoken or that affect speech.

Knows nothing of markup or sentences. A dropped character that separated two words leaves a mark.
"""

from __future__ import annotations

import unicodedata

import regex

from .marks import COMMA, GAP

MAX_MARKS = 30
"""Combining marks kept per character, as in Unicode's Stream-Safe Text Format. Without a limit, input could stall."""

_DROPPED = regex.compile(
    # controls, private use, lone surrogates, soft hyphens, bidi marks, variation selectors, tags
    r"[\p{Cc}\p{Co}\p{Cs}\u00ad\u034f\u061c\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    r"\U000e0000-\U000e01ef--[\n]]",
    regex.V1,
)
_UNSPOKEN = regex.compile(
    # technical symbols, shapes, dingbats (but for the circled digits), braille patterns, every block of emoji
    r"[\p{Extended_Pictographic}\u2300-\u245f\u2500-\u2775\u2794-\u27bf\u27f0-\u28ff\u2900-\u297f\u2b00-\u2bff\ufffc\ufffd"
    r"\U0001f000-\U0001faff]"
)
_PAUSES = regex.compile("[\u2190-\u21ff—―•‣]")
_SPELLINGS = str.maketrans(
    {
        **dict.fromkeys("\t\v\f\u00a0\u1680\u202f\u205f\u3000", " "),
        **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
        **dict.fromkeys("\r\u0085\u2028", "\n"),
        "\u2029": "\n\n",
        **dict.fromkeys("“”„‟", '"'),
        **dict.fromkeys("‘’‚‛", "'"),
        **dict.fromkeys("‐‑‒−", "-"),
        "‼": "!!",
        "⁇": "??",
        "⁈": "?!",
        "⁉": "!?",
    }
)
_PLAIN_ASCII = regex.compile(r"[\n -~]*+")

_EXTEND = r"\p{M}\u1160-\u11ff\u200c\u200d\ud7b0-\ud7ff"
_EXCESS = regex.compile(rf"([{_EXTEND}]{{{MAX_MARKS}}})[{_EXTEND}]++")
_LAST_CLUSTER = regex.compile(rf"(?:[^{_EXTEND}]|\A)[{_EXTEND}]*+\Z")
_KEYCAP = regex.compile(r"[0-9#*]\u20e3")
_JOINER = regex.compile(r"(?<=[\s\S])(?<![[\u0600-\u1fff]&&[\p{L}\p{M}]])[\u200c\u200d]", regex.V1)
_ELLIPSIS = regex.compile(r"(?<=[\s\S])(?<![\p{Han}\p{Hiragana}\p{Katakana}？！」』”…])…++")
_DASH_AFTER_SPACE = regex.compile(r"(?<=\s)–")


class Normalizer:
    """Normalizes text in pieces. Holds back the last character, because a mark in the next piece may change it."""

    def __init__(self) -> None:
        self._held = ""
        self._last = "\n"
        self._after_return = False

    def feed(self, text: str) -> str:
        """Return what no later piece can change."""
        text = self._held + self._respell(text)
        if not text.isascii():
            text = _EXCESS.sub(r"\1", text)
        cluster = _LAST_CLUSTER.search(text, max(0, len(text) - MAX_MARKS - 1))
        cut = cluster.start() if cluster else 0
        self._held = text[cut:]
        return self._compose(text[:cut])

    def flush(self) -> str:
        """Return the rest."""
        text, self._held = self._held, ""
        return self._compose(text)

    def _respell(self, text: str) -> str:
        """Apply the changes that concern single characters."""
        if not text:
            return ""
        if self._after_return and text[0] == "\n":
            text = text[1:]
        self._after_return = text.endswith("\r")
        if _PLAIN_ASCII.fullmatch(text):
            return text
        text = _DROPPED.sub("", text.replace("\r\n", "\n").translate(_SPELLINGS))
        text = _UNSPOKEN.sub(GAP, text)
        return str(_PAUSES.sub(COMMA, text))

    def _compose(self, text: str) -> str:
        """Apply the changes that depend on neighbouring characters. The text starts and ends with whole clusters."""
        if not text.isascii():
            # the patterns below look at one character before, so the last one goes before the text while they run
            text = self._last + _KEYCAP.sub(GAP, unicodedata.normalize("NFC", text))
            text = _JOINER.sub("", text)  # Persian and Hindi, for two, need theirs
            text = _ELLIPSIS.sub(lambda run: "..." * len(run[0]), text)
            text = _DASH_AFTER_SPACE.sub(COMMA, text)[1:].replace("–", "-")
        self._last = text[-1:] or self._last
        return text


def normalize(text: str) -> str:
    """Normalize a whole text."""
    normalizer = Normalizer()
    return normalizer.feed(text) + normalizer.flush()

"""Abbreviations that end with a full stop, by language: what they stand for, and whether they can end a sentence.

One TOML file per language. Up to three tables of `written = "spoken"`; an empty string keeps the written letters:

- `never_last`: something always follows, so the full stop never ends a sentence ("Dr.", "z. B.");
- `before_number`: an abbreviation only where a number follows ("No. 5", but "No.");
- `may_be_last`: its full stop ends a sentence if a new one seems to begin ("etc.").

Lists of words in lower case, all optional:

- `ordinals`, for languages whose ordinals end with a full stop: `after` and `before` are the words beside which "2." is
  one even though a capital follows. The empty table `[ordinals]` is enough where none does;
- `continues`: capitalized words that may follow an abbreviation of `may_be_last` inside a sentence;
- `before_letters`: words before a single letter that is no initial ("Plan B.");
- `letter_words`: single letters that are words ("So am I.").
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

import regex

_TABLES = ("never_last", "before_number", "may_be_last")


class Abbreviations:
    """The abbreviations of one language."""

    def __init__(self, code: str) -> None:
        file = files(__name__) / f"{code}.toml"
        data = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
        self._tables: dict[str, dict[str, str]] = {
            name: {_key(written): _words(written, spoken) for written, spoken in data.get(name, {}).items()}
            for name in _TABLES
        }
        self.known = bool(data)
        ordinals = data.get("ordinals", {})
        self.has_ordinals = bool(ordinals)
        self.ordinals_after = frozenset(ordinals.get("after", "").split())
        self.ordinals_before = frozenset(ordinals.get("before", "").split())
        self._first_words = {
            written.split()[0].lower() for name in _TABLES for written in data.get(name, {}) if " " in written
        }
        self.before_letters = frozenset(data.get("before_letters", "").split())
        self.letter_words = frozenset(f"{word}." for word in data.get("letter_words", "").split())
        self.continues = frozenset(data.get("continues", "").split())
        self.pattern = _pattern(written for name in _TABLES for written in data.get(name, {}))

    def spoken(self, written: str, *, before_number: bool) -> str | None:
        """What an abbreviation stands for; None where it is none."""
        key = _key(written)
        for name, table in self._tables.items():
            if key in table and (before_number or name != "before_number"):
                return table[key]
        return None

    def never_ends(self, words: str, following: str) -> bool:
        """Whether the full stop behind these words ends no sentence, before that first character."""
        key = _key(words)
        return key in self._tables["never_last"] or (following.isdecimal() and key in self._tables["before_number"])

    def may_end(self, words: str) -> bool:
        """Whether this is an abbreviation that can be the last word of a sentence."""
        return _key(words) in self._tables["may_be_last"]

    def begins(self, word: str) -> bool:
        """Whether an abbreviation that is written with spaces begins with this."""
        return word.lower() in self._first_words


@lru_cache(maxsize=64)
def abbreviations(code: str) -> Abbreviations:
    """The abbreviations of a language, by its ISO 639 code; none where there is no file."""
    return Abbreviations(code)


def _key(written: str) -> str:
    return written.replace(" ", "").lower()


def _words(written: str, spoken: str) -> str:
    return spoken or written.replace(".", " ").strip()


def _pattern(written: Iterable[str]) -> str:
    """A pattern of all of them, the longest first, with or without the spaces inside."""
    escaped = (
        regex.escape(word, literal_spaces=True).replace(" ", " ?") for word in sorted(written, key=len, reverse=True)
    )
    return "|".join(escaped) or "(?!)"

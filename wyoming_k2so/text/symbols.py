"""Symbols that are markup in some places and meant in others: what a run of one of them becomes.

Pure: a run is judged by its length and the characters on both sides.
"""

from __future__ import annotations

from typing import NamedTuple

import regex

from .marks import COMMA, GAP

_WORD_CHAR = regex.compile(r"[^\W_]|\p{N}")


class Run(NamedTuple):
    """A run of one symbol inside a line."""

    char: str
    length: int
    before: str
    """The character before the run; a newline at the start of a line."""
    after: str
    """The character after it; a newline at the end of the text."""

    @property
    def inside_word(self) -> bool:
        """Whether letters or digits stand on both sides."""
        return is_word(self.before) and is_word(self.after)


def is_word(char: str) -> bool:
    """Whether a character is a letter, a digit or another number."""
    return _WORD_CHAR.match(char) is not None


def underscores(run: Run) -> str:
    """Emphasis, except in names such as `living_room`."""
    return run.char * run.length if run.inside_word else ""


def tildes(run: Run) -> str:
    """`~5` means about five; the rest strikes text out."""
    return "~" if run.length == 1 and (run.after.isdecimal() or run.after in "./$€£") else ""


def hashes(run: Run) -> str:
    """`#1` and `C#` are meant; the rest marks headings."""
    return "#" if run.length == 1 and (is_word(run.after) or is_word(run.before)) else ""


def carets(run: Run) -> str:
    """A power, as in `x^2`, or nothing that can be said."""
    power = run.length == 1 and is_word(run.before) and (is_word(run.after) or run.after in "-(")
    return "^" if power else GAP


def equals_signs(run: Run) -> str:
    """`a = b` and `a == b` are meant; the rest underlines."""
    if run.length == 1:
        return "="
    return "==" if run.length == 2 and run.before == run.after == " " else ""


def hyphens(run: Run) -> str:
    """A hyphen stays; two or more are a dash, or introduce an option such as `--help`."""
    if run.length == 1:
        return "-"
    return "" if run.before == " " and is_word(run.after) else COMMA


MEANINGS = {"_": underscores, "~": tildes, "#": hashes, "^": carets, "=": equals_signs, "-": hyphens}
"""For each symbol that needs no more context, the function that decides."""

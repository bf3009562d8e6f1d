"""Written text becomes words: numbers, units, money, dates, signs and abbreviations, as a language says them.

Pure: a sentence and its language give the words. Languages and the libraries behind them load when they are first used.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec

from ..abbreviations import abbreviations
from . import dates, quantities, words
from .finish import finish
from .language import Language
from .stages import Stage, run

__all__ = ["Normalizer", "normalizer"]

_SAME = {"no": "nb", "nn": "nb"}
_lock = threading.Lock()


class Normalizer:
    """Says sentences of one language in words. Safe to use from any thread."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._stages = _stages(language)

    def say(self, text: str) -> str:
        """A sentence in words. It may be longer than what was written, and empty where there is nothing to say."""
        return finish(run(self._stages, self.language, words.characters(text)), self.language)


def _stages(language: Language) -> list[Stage]:
    by_name, by_number = dates.stages(language)
    known = abbreviations(language.code)
    return [
        *words.terms(language),
        *by_number,
        *quantities.sequences(),
        *quantities.ranges(language),
        *by_name,
        *words.abbreviations(known),
        *words.roman(language),
        *words.operators(language),
        *quantities.stages(language),
        *words.symbols(language),
    ]


def normalizer(tag: str) -> Normalizer:
    """The normalizer of a language by its BCP 47 tag, loaded once."""
    base, _, region = tag.replace("_", "-").partition("-")
    with _lock:
        return _load(_SAME.get(base.lower(), base.lower()), region.upper())


@lru_cache(maxsize=64)
def _load(code: str, region: str) -> Normalizer:
    name = f"{__name__}.languages.{code}"
    make = import_module(name).LANGUAGE if code.isidentifier() and find_spec(name) else Language
    return Normalizer(make(code, region))

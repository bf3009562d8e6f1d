"""The stages that a sentence goes through, in order."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from wyoming_k2so.text.abbreviations import abbreviations

from . import dates, languages, quantities, words
from .finish import finish
from .language import Language
from .stages import Stage, run


class Normalizer:
    """Says sentences of one language in words. Safe to use from any thread."""

    def __init__(self, code: str, region: str = "") -> None:
        """`code`: ISO 639; languages without a file of their own are said with what the libraries know about them."""
        name = f"{languages.__name__}.{code}"
        make = import_module(name).LANGUAGE if code.isidentifier() and find_spec(name) else Language
        self._language: Language = make(code, region)
        self._stages = _stages(self._language)

    def say(self, text: str) -> str:
        """A sentence in words. It may be longer than what was written, and empty where there is nothing to say."""
        return finish(run(self._stages, self._language, words.characters(text)), self._language)


def _stages(language: Language) -> list[Stage]:
    """What has several numbers goes before what has one, and what has a unit before what has none."""
    return [
        *words.terms(language),
        *dates.in_numbers(language),
        *quantities.sequences(),
        *quantities.ranges(language),
        *dates.with_names(language),
        *dates.times(language),
        *words.abbreviations(abbreviations(language.code)),
        *words.roman(language),
        *words.operators(language),
        *quantities.amounts(language),
        *words.symbols(language),
    ]

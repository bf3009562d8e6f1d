"""Whole numbers in words, by ICU's spell-out rules (CLDR's RBNF data, in the package unicode-rbnf).

A rule set's name says what for: `spellout-cardinal-feminine`, `spellout-ordinal`, `spellout-numbering-year`. Decimals
are not taken from there: CLDR reads them wrongly in several languages.
"""

from __future__ import annotations

from functools import lru_cache

from unicode_rbnf import RbnfEngine
from unicode_rbnf.engine import RbnfError

MAX_DIGITS = 15
"""Longer numbers are read digit by digit, as people do."""

_RULES_FOR = {"nb": "no", "nn": "no"}
_SOFT_HYPHEN = "\u00ad"


class Spellout:
    """The spell-out rules of one language. Loading takes a few milliseconds."""

    def __init__(self, language: str) -> None:
        self._engine: RbnfEngine | None = None
        code = _RULES_FOR.get(language, language)
        if code in RbnfEngine.get_supported_languages():
            self._engine = RbnfEngine.for_language(code)
        self.known = self._engine is not None

    @lru_cache(maxsize=1024)  # noqa: B019  one per language, for ever
    def say(self, number: int, rules: str) -> str | None:
        """A number in words; None where CLDR has no such rules for it."""
        if self._engine is None or rules not in self._engine.rulesets:
            return None
        return self._format(number, rules)

    def point(self) -> str:
        """What is said between whole and decimals; empty where the rules do not tell."""
        for rules in self._engine.rulesets if self._engine else ():
            if rules.startswith("spellout-cardinal"):
                words = (self._format(3.5, rules) or "").split()
                if len(words) == 3:
                    return words[1]
        return ""

    def _format(self, number: float, rules: str) -> str | None:
        assert self._engine is not None
        try:
            text = self._engine.format_number(number, ruleset_names=[rules]).text
        except RbnfError:
            return None
        return None if any(map(str.isdecimal, text)) else text.replace(_SOFT_HYPHEN, "")

"""Whole numbers in words, by ICU's spell-out rules (CLDR's RBNF data, in the package unicode-rbnf).

A rule set's name says what for: `spellout-cardinal-feminine`, `spellout-ordinal`, `spellout-numbering-year`. Decimals
are not taken from there: CLDR reads them wrongly in several languages.
"""

from __future__ import annotations

from functools import lru_cache

from unicode_rbnf import RbnfEngine

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
        text = self._engine.format_number(number, ruleset_names=[rules]).text
        return None if any(map(str.isdecimal, text)) else text.replace(_SOFT_HYPHEN, "")

    def point(self, rules: str) -> str:
        """What stands between whole and decimals; empty where that cannot be told."""
        one, two = self.say(1, rules), self.say(2, rules)
        if self._engine is None or one is None or two is None:
            return ""
        text = self._engine.format_number(1.2, ruleset_names=[rules]).text.replace(_SOFT_HYPHEN, "")
        between = text.removeprefix(one).removesuffix(two)
        return between.strip() if len(between) == len(text) - len(one) - len(two) else ""

"""Names of units, currencies and months, and plural forms: CLDR's, by way of Babel.

Babel puts numbers into its phrases as digits. What comes back from here has `{0}` in their place.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

import regex
from babel import Locale, UnknownLocaleError
from babel.localedata import exists
from babel.numbers import format_currency
from babel.units import UnknownUnitError, format_unit

_NUMBER = regex.compile(r"\p{Nd}(?:[\p{Nd}.,\s]*\p{Nd})?")


class Cldr:
    """What CLDR knows about one language. Loading takes some 10 ms, the first time another 30 for Babel."""

    def __init__(self, code: str) -> None:
        base = code.partition("-")[0]
        try:
            self._locale = Locale.parse(code, sep="-")
        except (UnknownLocaleError, ValueError):
            self._locale = Locale.parse(base if exists(base) else "en")
        symbols = self._locale.number_symbols["latn"]
        self.decimal = str(symbols["decimal"])
        self.group = str(symbols["group"])

    def plural(self, number: Decimal) -> str:
        """The plural category: zero, one, two, few, many or other."""
        return str(self._locale.plural_form(abs(number)))

    @lru_cache(maxsize=1024)  # noqa: B019  one per language, for ever
    def unit(self, name: str, number: Decimal) -> str | None:
        """`{0} kilowatt hours`, as it is with this number; None where CLDR does not know the unit."""
        try:
            text = format_unit(abs(number), name, length="long", format="0", locale=self._locale)
        except UnknownUnitError:
            return None
        return str(_NUMBER.sub("{0}", text, count=1))

    @lru_cache(maxsize=256)  # noqa: B019
    def currency(self, code: str, number: Decimal) -> str:
        """`{0} Swiss francs`, as it is with this number."""
        text = format_currency(abs(number), code, format_type="name", locale=self._locale)
        return str(_NUMBER.sub("{0}", text, count=1))

    @lru_cache(maxsize=1)  # noqa: B019
    def months(self) -> dict[str, int]:
        """The months by every name that CLDR writes them with, in lower case and without full stops."""
        return {
            name.rstrip(".").lower(): number
            for context in ("format", "stand-alone")
            for width in ("wide", "abbreviated")
            for number, name in self._locale.months[context][width].items()
            if not any(map(str.isdecimal, name))
        }

    def month(self, number: int) -> str:
        """A month's name as it stands in a date."""
        return str(self._locale.months["format"]["wide"][number])

"""A number as it is written: which sign separates thousands, which decimals, and where its minus is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from wyoming_k2so.text.marks import GROUP

GROUPING = f"'’{GROUP}"
"""What separates thousands in every language: apostrophes and the narrow spaces that became marks."""


@dataclass(frozen=True)
class Number:
    """A number in digits."""

    whole: str
    point: str = ""
    """The sign between whole and decimals; empty without decimals."""
    decimals: str = ""
    sign: str = ""
    """Empty, "-", "+" or "±"."""
    grouped: bool = False
    case: str = ""
    """The grammatical case that the words around it want; empty for the one of a number alone."""

    @property
    def value(self) -> Decimal:
        """The number, with as many decimals as are written: plural forms depend on them."""
        amount = Decimal(f"{self.whole}.{self.decimals}" if self.decimals else self.whole)
        return -amount if self.sign == "-" else amount

    @property
    def is_integer(self) -> bool:
        """Whether there are no decimals."""
        return not self.decimals

    def times(self, factor: int) -> Number:
        """The number multiplied, as far as that leaves no decimals of its own."""
        product = abs(self.value) * factor
        whole, _, decimals = f"{product:f}".partition(".")
        return Number(whole, self.point, decimals.rstrip("0"), self.sign, case=self.case)


def parse(text: str, *, decimal: str, group: str) -> Number:
    """Read digits with `decimal` before decimals and `group` between thousands, as a language writes them.

    Where the two are mixed up, the text's own consistency decides: in `1,234.50` the last of both is the decimal sign;
    a sign that comes more than once separates thousands; a language's decimal sign that comes once is one.
    """
    sign = text[0] if text[0] in "-+±" else ""
    text = text.removeprefix(sign).strip()
    for char in GROUPING + " ":
        text = text.replace(char, "_")
    points = [char for char in text if char in ".,"]
    last = points[-1] if points else ""
    grouped = points.count(last) > 1 or (len(points) == 1 and _groups(text, last, decimal, group))
    point = "" if grouped else last
    whole, _, decimals = text.rpartition(point) if point else (text, "", "")
    digits = "".join(filter(str.isdecimal, whole))
    return Number(digits or "0", point, decimals, sign, grouped=len(digits) != len(whole))


def _groups(text: str, sign: str, decimal: str, group: str) -> bool:
    whole, _, rest = text.partition(sign)
    return (sign != decimal or sign in group) and len(rest) == 3 and len(whole) <= 3 and whole != "0"

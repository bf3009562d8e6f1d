"""What a language needs to be read out: its words as attributes, its grammar as methods.

A language is a subclass in `languages/`. It sets the attributes and overrides a method only where its grammar differs.
`Language` itself serves every other language, with what CLDR knows about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import ClassVar, NamedTuple

import regex

from .cldr import Cldr
from .number import Number, parse
from .spellout import MAX_DIGITS, Spellout
from .units import CENTS, CURRENCIES, NO_CENTS, UNITS

Forms = str
"""A noun's forms in the order of the language's `plurals`, such as `euro|euros`.

A form may hold `{0}` where the number goes; otherwise the number goes before it. Missing forms are the last one.
"""


class Context(NamedTuple):
    """The words around something; empty at either end of the sentence."""

    before: str = ""
    after: str = ""
    earlier: str = ""
    """The word before the one before."""
    mark: str = ""
    """What makes an ordinal of the digits: the "ª" of "1.ª"."""


NOWHERE = Context()
_VOWELS = frozenset("aàâeéèêiîoôuh")


class Language:
    """How one language says numbers and what goes with them."""

    spaces: ClassVar[bool] = True
    """Whether spaces stand between words."""
    prefixes: ClassVar[str] = ""
    suffixes: ClassVar[str] = ""
    """Patterns of what is written onto a number without a space, such as Korean particles."""
    comma: ClassVar[str] = ", "
    plurals: ClassVar[tuple[str, ...]] = ("one", "other")
    """CLDR's plural categories, in the order of the nouns' forms below."""

    # ---- numbers
    minus: ClassVar[str] = ""
    plus: ClassVar[str] = "plus"
    plus_minus: ClassVar[str] = ""
    points: ClassVar[Mapping[str, str]] = {}
    """How the signs before decimals are said: `{",": "comma", ".": "point"}`."""
    long_decimals: ClassVar[bool] = False
    """Whether 3.14 is "three point fourteen" and not "three point one four"."""
    cardinals: ClassVar[str] = "spellout-numbering"
    """The rules for numbers that count nothing, such as the 5 of "bus 5"."""
    genders: ClassVar[Mapping[str, str]] = {}
    """The rules for numbers before a noun, by the gender that `gender_of` finds."""
    ordinals: ClassVar[str] = "spellout-ordinal"
    years: ClassVar[tuple[int, int]] = (0, -1)
    """Which numbers of four digits are said in another way, as years are."""
    respell: ClassVar[Mapping[str, str]] = {}
    """Corrections of CLDR's spelling."""
    cases: ClassVar[Mapping[str, str]] = {}
    """Words before a number that want it in another case, in lower case: `{"do": "genitive"}`. See `inflected`."""
    group_signs: ClassVar[str] = ""
    """What else separates thousands, besides CLDR's sign."""

    # ---- nouns
    feminine: ClassVar[str] = ""
    neuter: ClassVar[str] = ""
    """Patterns of those nouns among units, currencies and scales; the others are masculine."""
    unit_signs: ClassVar[Mapping[str, str]] = {}
    """More ways to write units: `{"км": "length-kilometer"}`."""
    unit_words: ClassVar[Mapping[str, Forms]] = {}
    """Units that CLDR does not know, or not as people say them."""
    per: ClassVar[str] = "{0} / {1}"
    currencies: ClassVar[Mapping[str, Forms]] = {}
    """Currencies by their code, where CLDR's names are too formal ("US dollars")."""
    currency_signs: ClassVar[Mapping[str, str]] = {}
    cents: ClassVar[Mapping[str, Forms]] = {}
    money: ClassVar[str] = "{0} {1}"
    """Joins whole units and cents; `{2}` are the cents without their noun."""
    of_millions: ClassVar[str] = ""
    """What stands between millions and what they count, and what before a vowel: `de |d'`."""
    factors: ClassVar[Mapping[str, int]] = {}
    """What the words of `scales` mean, where the language says the product instead: 1.5M is 150万."""
    scales: ClassVar[Mapping[str, Forms]] = {}
    """Words that multiply a number and how they are abbreviated: `{"Mio.": "Million|Millionen"}`."""

    # ---- dates and times
    day_first: ClassVar[bool] = True
    """Whether 3/4 is the third of April."""
    date: ClassVar[str] = "{day} {month} {year}"
    date_joints: ClassVar[str] = ""
    """A pattern of what may stand between day and month, and month and year, besides spaces: `de `."""
    ordinal_days: ClassVar[bool] = False
    months: ClassVar[Mapping[str, int]] = {}
    """More ways to write months."""
    clock: ClassVar[tuple[str, str, str]] = ("{h}", "{h} {m}", "{h} {m} {s}")
    """The time of day at a full hour, with minutes, and with seconds."""
    clock_noun: ClassVar[str] = ""
    """The word that a number of hours agrees with."""
    clock_words: ClassVar[str] = ""
    """A pattern of what is written behind a time and said by `clock`: `Uhr|h`."""
    hour_words: ClassVar[str] = ""
    """Which of them make a time of a number alone."""
    clock_dot: ClassVar[bool] = False
    """Whether 15.30 before one of these words is a time."""
    clock_before: ClassVar[str] = ""
    """A pattern of the words after which it is one: `alle|ore`."""
    oh: ClassVar[str] = ""
    """What is said for the 0 of 7:05."""
    day_halves: ClassVar[Mapping[str, str]] = {}
    """What is said for am and pm: `{"am": "AM"}`."""

    # ---- signs
    ranges: ClassVar[str] = "-"
    """What is said between the numbers of a range, or both words: `from {0} to`."""
    range_units: ClassVar[str] = ""
    """A pattern of units that both numbers of a range need, since they are said before their number."""
    less: ClassVar[str] = ""
    """The minus between two numbers, where it is another word."""
    ratio: ClassVar[str] = ""
    by: ClassVar[str] = ""
    """The x of 3x4."""
    power_end: ClassVar[str] = ""
    """What follows the exponent of a power."""
    symbols: ClassVar[Mapping[str, str]] = {}
    """Signs beside words or numbers."""
    fractions: ClassVar[Mapping[str, str]] = {}
    """Common fractions: `{"1/2": "one half"}`."""
    over: ClassVar[str] = ""
    """The line of other fractions."""
    mixed: ClassVar[str] = "{0} {1}"
    """A whole number and a fraction."""
    mixed_half: ClassVar[str] = ""
    """A whole number and a half, where that is said in another way: `{0} and a half`."""
    dot: ClassVar[str] = ""
    """The full stop of an address or a version."""
    number_sign: ClassVar[str] = ""
    """# or № before a number."""
    terms: ClassVar[Mapping[str, str]] = {}
    """Words that hold signs: `{"C++": "C plus plus"}`."""

    # ---- ordinals and Roman numerals
    ending_signs: ClassVar[str] = ""
    """A pattern of what stands between digits and an ending: `'` in Turkish "5'te". See `with_ending`."""
    unit_endings: ClassVar[str] = ""
    """A pattern of the same behind a unit, as far as it is left out; `ending_signs` before a letter if empty."""
    ordinal_signs: ClassVar[str] = ""
    """A pattern of what makes an ordinal of the digits before it: `st|nd|rd|th`."""
    ordinal_prefixes: ClassVar[str] = ""
    """A pattern of what does so before the digits."""
    dotted_ordinals: ClassVar[bool] = False
    """Whether a full stop does so before another word."""
    roman_marks: ClassVar[str] = ""
    """The same behind a Roman numeral: `er|e`."""
    roman_after: ClassVar[str] = ""
    """Words before a Roman numeral that is read as a number, in lower case."""
    roman_names: ClassVar[str] = ""
    """Names before one that is read as an ordinal."""
    roman_before: ClassVar[str] = ""
    """Words behind one that is read as an ordinal."""

    def __init__(self, code: str, region: str = "") -> None:
        self.code = code
        self.region = region
        self._cldr = Cldr(f"{code}-{region}" if region else code)
        self._spellout = Spellout(code)
        self.decimal = self._cldr.decimal
        self.group = self._cldr.group + self.group_signs

    # ---- numbers

    def number(self, text: str) -> Number:
        """A written number, understood."""
        return parse(text, decimal=self.decimal, group=self.group)

    def cardinal(self, number: int, noun: str = "") -> str:
        """A whole number, not negative, in the gender of the noun behind it."""
        rules = self.genders.get(self.gender_of(noun), self.cardinals) if noun else self.cardinals
        return self._spell(number, rules) or self._spell(number, self.cardinals) or self._spelled_digits(str(number))

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        """An ordinal, in the form that the words around it want."""
        return self._spell(number, self.ordinals) or self.cardinal(number)

    def with_ending(self, number: Number, ending: str, context: Context = NOWHERE) -> str:
        """A number that carries an ending, as behind one of the `ending_signs`."""
        return self.say(number) + ending

    def is_year(self, number: int, context: Context) -> bool:
        """Whether four digits are a year, or a number that is said like one."""
        return self.years[0] <= number <= self.years[1]

    def year(self, number: int, context: Context = NOWHERE) -> str:
        """A year."""
        return self._spell(number, "spellout-numbering-year") or self.cardinal(number)

    def digits(self, text: str) -> str:
        """Digit by digit."""
        return self.join(*(self.cardinal(int(digit)) for digit in text))

    def say(self, number: Number, noun: str = "") -> str:
        """Any number."""
        whole = number.whole
        if not self._spellout.known:
            return f"{number.sign}{whole}{number.point}{number.decimals}"
        if len(whole) > MAX_DIGITS or (len(whole) > 1 and whole[0] == "0" and number.is_integer):
            words = self.digits(whole)
        elif number.is_integer:
            words = self.cardinal(int(whole), noun)
        else:
            words = self.with_decimals(number)
        return self.signed(number.sign, self.inflected(words, number.case) if number.case else words)

    def inflected(self, words: str, case: str) -> str:
        """A number in words, in one of the `cases`."""
        return words

    def with_decimals(self, number: Number) -> str:
        """A number with decimals, not negative."""
        point = self.points.get(number.point) or next(iter(self.points.values()), "") or self._point
        return self.join(self.cardinal(int(number.whole)), point, self.decimals(number.decimals))

    def decimals(self, digits: str) -> str:
        """What is said after the decimal sign."""
        zeros = len(digits) - len(digits.lstrip("0"))
        if not self.long_decimals or len(digits) - zeros > 2:
            return self.digits(digits)
        rest = [self.cardinal(int(digits))] if zeros < len(digits) else []
        return self.join(*([self.digits(digits[:zeros])] if zeros else []), *rest)

    def signed(self, sign: str, words: str) -> str:
        """Words of a number after its sign."""
        said = {"-": self.minus_word, "+": self.plus, "±": self.plus_minus}.get(sign, "")
        return self.join(said, words) if said else words

    @cached_property
    def minus_word(self) -> str:
        """What is said for a minus sign."""
        if self.minus:
            return self.minus
        rules = next(iter((*self.genders.values(), self.cardinals)))
        negative, positive = self._spell(-1, rules) or "", self._spell(1, rules) or ""
        return negative.removesuffix(positive).strip() if positive and negative.endswith(positive) else "-"

    # ---- what is counted

    def gender_of(self, noun: str) -> str:
        """The gender of a noun: m, f or n."""
        if self._feminine and self._feminine.search(noun):
            return "f"
        return "n" if self._neuter and self._neuter.search(noun) else "m"

    def counted(self, number: Number, forms: Forms) -> str:
        """A number and what it counts."""
        form = self.form(self.counts_as(number), forms)
        pattern = form if "{0}" in form else self.join("{0}", form)
        return self._fill(pattern, number)

    def counts_as(self, number: Number) -> Decimal:
        """The number whose plural form a noun takes beside this one: another one in some of the `cases`."""
        return number.value

    def form(self, number: Decimal, forms: Forms) -> str:
        """The form of a noun that goes with a number."""
        parts = forms.split("|")
        category = self._cldr.plural(number)
        place = self.plurals.index(category) if category in self.plurals else len(self.plurals) - 1
        return parts[min(place, len(parts) - 1)]

    def unit(self, number: Number, sign: str) -> str | None:
        """A number and its unit; None where there is no word for the unit."""
        name, _, per = sign.partition("/") if sign not in self.unit_names else (sign, "", "")
        pattern = self._unit(name, number)
        if pattern is None:
            return None
        if per:
            one = self._unit(per, Number("1"))
            if one is None:
                return None
            pattern = self.per.format(pattern, one.replace("{0}", "").strip()) if "{0}" in pattern else pattern
        return self._fill(pattern, number)

    def _unit(self, sign: str, number: Number) -> str | None:
        name = self.unit_names.get(sign)
        if name is None:
            return None
        if name in self.unit_words:
            form = self.form(self.counts_as(number), self.unit_words[name])
            return form if "{0}" in form else self.join("{0}", form)
        return self._cldr.unit(name, self.counts_as(number))

    @cached_property
    def unit_names(self) -> dict[str, str]:
        """CLDR's names of units by the ways in which they are written."""
        return {**UNITS, **self.unit_signs}

    @cached_property
    def currency_codes(self) -> dict[str, str]:
        """Currencies by their signs."""
        return {**CURRENCIES, **CENTS, **self.currency_signs}

    def name_of(self, sign: str) -> str:
        """A unit or a currency that stands without a number; empty where there is no word for it."""
        many = Number("5")
        if sign in self.currency_codes:
            return self._noun(self.currency_codes[sign], many)
        return (self._unit(sign, many) or "").replace("{0}", "").strip()

    def price(self, number: Number, code: str, scale: str = "") -> str:
        """An amount of money. `scale` is a word such as "million" between number and currency."""
        if scale:
            return self.scaled_price(number, code, scale)
        if number.is_integer or len(number.decimals) > 2 or code in NO_CENTS or code not in self.cents:
            return self._price(number, code)
        cents = Number(str(int(number.decimals.ljust(2, "0"))), case=number.case)
        whole = Number(number.whole, case=number.case)
        if not int(cents.whole):
            words = self._price(whole, code)
        elif not int(whole.whole):
            words = self.counted(cents, self.cents[code])
        else:
            words = self.money.format(self._price(whole, code), self.counted(cents, self.cents[code]), self.say(cents))
        return self.signed(number.sign, words)

    def scaled_price(self, number: Number, code: str, scale: str) -> str:
        """Millions of money."""
        if scale in self.factors:
            return self._price(number.times(self.factors[scale]), code)
        return self.join(self.scaled(number, scale), self._after_millions(self._noun(code, Number("1000000"))))

    def scaled(self, number: Number, scale: str) -> str:
        """Millions and the like."""
        if scale in self.factors:
            return self.say(number.times(self.factors[scale]))
        return self.counted(number, self.scales[scale])

    def _price(self, number: Number, code: str) -> str:
        if code in self.currencies:
            return self.counted(number, self.currencies[code])
        return self._fill(self._cldr.currency(code, self.counts_as(number)), number)

    def _noun(self, code: str, number: Number) -> str:
        if code in self.currencies:
            return self.form(number.value, self.currencies[code])
        return self._cldr.currency(code, number.value).replace("{0}", "").strip()

    def _after_millions(self, noun: str) -> str:
        of, _, before_vowel = self.of_millions.partition("|")
        if not of or noun.startswith((of, before_vowel or of)):
            return noun
        return f"{before_vowel or of if noun[0].lower() in _VOWELS else of}{noun}"

    def _fill(self, pattern: str, number: Number) -> str:
        pattern = pattern.replace("\u00a0", " ")
        if self.of_millions and pattern.startswith("{0} ") and self._cldr.plural(number.value) == "many":
            pattern = "{0} " + self._after_millions(pattern[4:])
        noun = pattern.replace("{0}", "").strip()
        text = pattern.replace("{0}", self.say(number, noun))
        return text if self.spaces else text.replace(" ", "")

    def noun_after(self, number: Number, word: str) -> str:
        """The word behind a number if it is a noun that the number agrees with, else nothing."""
        return word if self.gender_of(word) != "m" else ""

    def is_counted_by_ordinals(self, word: str) -> bool:
        """Whether digits with a full stop before this word are an ordinal even where a list could begin."""
        return False

    # ---- dates and times

    @lru_cache(maxsize=1)  # noqa: B019
    def month_names(self) -> dict[str, int]:
        """Months by all their names, in lower case and without full stops."""
        return {**self._cldr.months(), **self.months}

    def day(self, number: int, context: Context) -> str:
        """The day in a date."""
        return self.ordinal(number, context) if self.ordinal_days else self.cardinal(number)

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        """A date."""
        spoken = self.date.format(
            day=self.day(day, context),
            month=self.month(month),
            year="" if year is None else self.year(year),
        )
        return " ".join(spoken.split()).rstrip(",") if self.spaces else spoken.replace(" ", "")

    def month(self, number: int) -> str:
        """The name of a month in a date."""
        return self._cldr.month(number)

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        """A time of day."""
        pattern = self.clock[2] if second is not None else self.clock[1] if minute else self.clock[0]
        minutes = self.cardinal(minute)
        return pattern.format(
            h=self.cardinal(hour, self.clock_noun),
            m=self.join(self.oh, minutes) if self.oh and 0 < minute < 10 else minutes,
            s=self.cardinal(second or 0),
        )

    def day_half(self, half: str, hour: int) -> str:
        """What is said for am or pm."""
        return self.day_halves[half]

    # ---- fractions and Roman numerals

    def half_of(self, noun: str) -> str:
        """What is said for 1/2 before a word; nothing where that is like any other fraction."""
        return ""

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        """A fraction, or a whole number and a fraction."""
        words = self.fractions.get(f"{above}/{below}")
        if words is None:
            words = self.join(self.cardinal(above), self.over, self.cardinal(below))
        if whole is None:
            return words
        pattern = self.mixed_half if (above, below) == (1, 2) and self.mixed_half else self.mixed
        return pattern.format(self.cardinal(whole), words)

    def span(self, first: str, context: Context) -> str:
        """The beginning of a range, up to its second number. `first`: the first one, still as it is written."""
        gap = " " if self.spaces else ""
        before, both, between = self.ranges.rpartition("{0}")
        if context.before.lower() == before.strip():
            before = ""
        return f"{before}{first}{'' if both else gap}{between}{gap}"

    def proportion(self, first: int, second: int) -> str:
        """3:2."""
        return self.join(self.cardinal(first), self.ratio or ",", self.cardinal(second))

    def roman(self, number: int, context: Context) -> str | None:
        """A Roman numeral; None where these letters are no numeral."""
        if self._is(self.roman_names, context.before):
            return self.reign(number)
        if self._is(self.roman_before, context.after):
            return self.ordinal(number, context)
        return self.cardinal(number)

    def in_full(self, words: str, context: Context) -> str:
        """What an abbreviation stands for, in the form that the words around it want."""
        return words

    def reign(self, number: int) -> str:
        """The numeral of a monarch."""
        return self.ordinal(number)

    @cached_property
    def roman_words(self) -> frozenset[str]:
        """Words that announce a Roman numeral, in lower case."""
        return frozenset(f"{self.roman_after} {self.roman_names}".split())

    # ---- helpers

    def _spell(self, number: int, rules: str) -> str | None:
        words = self._spellout.say(number, rules)
        if words:
            for wrong, right in self.respell.items():
                words = words.replace(wrong, right)
        return words

    def join(self, *words: str) -> str:
        """Words in a row, as the language writes them."""
        return (" " if self.spaces else "").join(filter(None, words))

    @staticmethod
    def _is(words: str, word: str) -> bool:
        return bool(word) and word in words.split()

    def _spelled_digits(self, digits: str) -> str:
        """A number that the rules do not reach, digit by digit; as it is where there are no rules."""
        words = [self._spell(int(digit), self.cardinals) for digit in digits]
        return digits if None in words else self.join(*map(str, words))

    @cached_property
    def _point(self) -> str:
        return self._spellout.point()

    @cached_property
    def _feminine(self) -> regex.Pattern[str] | None:
        return regex.compile(self.feminine) if self.feminine else None

    @cached_property
    def _neuter(self) -> regex.Pattern[str] | None:
        return regex.compile(self.neuter) if self.neuter else None

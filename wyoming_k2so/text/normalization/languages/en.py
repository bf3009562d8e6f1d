"""English."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language


class English(Language):
    minus = "minus"
    plus_minus = "plus or minus"
    points = {".": "point", ",": "comma"}
    cardinals = "spellout-cardinal-verbose"
    ordinals = "spellout-ordinal-verbose"
    years = (1100, 2099)
    per = "{0} per {1}"
    currencies = {
        "USD": "dollar|dollars",
        "EUR": "euro|euros",
        "GBP": "pound|pounds",
        "JPY": "yen",
        "CNY": "yuan",
        "INR": "rupee|rupees",
        "RUB": "ruble|rubles",
        "TRY": "lira",
        "KRW": "won",
        "BRL": "real|reais",
        "UAH": "hryvnia",
        "CHF": "Swiss franc|Swiss francs",
    }
    cents = {
        "USD": "cent|cents",
        "EUR": "cent|cents",
        "GBP": "penny|pence",
        "INR": "paisa|paise",
        "BRL": "centavo|centavos",
        "CAD": "cent|cents",
        "AUD": "cent|cents",
    }
    money = "{0} and {1}"
    scales = {
        "K": "thousand",
        "k": "thousand",
        "M": "million",
        "B": "billion",
        "bn": "billion",
        "thousand": "thousand",
        "million": "million",
        "billion": "billion",
        "trillion": "trillion",
    }
    unit_words = {
        "temperature-celsius": "degree Celsius|degrees Celsius",
        "angle-degree": "degree|degrees",
        "energy-watt-hour": "watt hour|watt hours",
        "energy-kilowatt-hour": "kilowatt hour|kilowatt hours",
        "energy-megawatt-hour": "megawatt hour|megawatt hours",
        "electric-ampere-hour": "ampere hour|ampere hours",
        "electric-milliampere-hour": "milliampere hour|milliampere hours",
        "electric-millivolt": "millivolt|millivolts",
        "electric-kilovolt": "kilovolt|kilovolts",
        "sound-decibel": "decibel|decibels",
        "graphics-frame-per-second": "frame per second|frames per second",
        "revolution-per-minute": "revolution per minute|revolutions per minute",
        "digital-megabit-per-second": "megabit per second|megabits per second",
        "digital-megabyte-per-second": "megabyte per second|megabytes per second",
        "area-square-millimeter": "square millimeter|square millimeters",
    }
    date = "{month} {day}, {year}"
    date_joints = "of "
    ordinal_days = True
    months = {"sept": 9}
    clock = ("{h} o'clock", "{h} {m}", "{h} {m} and {s} seconds")
    clock_words = "o'clock"
    hour_words = "o'clock"
    oh = "oh"
    day_halves = {"am": "AM", "pm": "PM"}
    ranges = "to"
    ratio = "to"
    by = "by"
    symbols = {
        "&": "and", "@": "at", "+": "plus", "=": "equals", "==": "equals", "×": "times", "÷": "divided by",
        "±": "plus or minus", "≈": "about", "≤": "less than or equal to", "≥": "greater than or equal to",
        "<": "less than", ">": "greater than", "<=": "less than or equal to", ">=": "greater than or equal to",
        "≠": "is not equal to", "*": "times", "^": "to the power of", "~": "about", "№": "number", "#": "hash",
        "/": "slash", "²": "squared", "³": "cubed", "√": "the square root of", "∞": "infinity", "§": "section",
        "π": "pi", "€": "euro", "$": "dollar", "°": "degrees",
    }  # fmt: skip
    fractions = {"1/2": "one half", "1/4": "one quarter", "3/4": "three quarters"}
    over = "over"
    mixed = "{0} and {1}"
    mixed_half = "{0} and a half"
    dot = "dot"
    number_sign = "number"
    terms = {"C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "24/7": "twenty-four seven"}
    ordinal_signs = "st|nd|rd|th"
    roman_after = "chapter part act scene section volume book war phase type figure table title article grade class"
    roman_names = (
        "louis henry elizabeth george charles edward william james richard philip francis alexander catherine napoleon"
        " paul pius benedict gregory innocent clement leo john peter nicholas frederick wilhelm mary"
    )

    @property
    def day_first(self) -> bool:  # type: ignore[override]
        return self.region not in ("", "US", "PH")

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        if not minute and second is None and hour > 12:
            return f"{self.cardinal(hour)} hundred"
        return super().time(hour, minute, second, context)

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or not 2 < below <= 100:
            return super().fraction(whole, above, below)
        words = f"{self.cardinal(above)} {self.ordinal(below)}" + "s" * (above != 1)
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def reign(self, number: int) -> str:
        return f"the {self.ordinal(number)}"


LANGUAGE = English

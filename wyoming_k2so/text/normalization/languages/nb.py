"""Norwegian (Bokmål)."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_NO_NOUN = frozenset(
    "og eller men av til i på fra med for under over enn er var som mot per pluss minus ganger".split()
)


class Norwegian(Language):
    minus = "minus"
    plus = "pluss"
    plus_minus = "pluss minus"
    points = {",": "komma", ".": "punktum"}
    long_decimals = True
    genders = {"m": "spellout-cardinal-masculine", "n": "spellout-cardinal-neuter"}
    ordinals = "spellout-ordinal-masculine"
    years = (1100, 1999)
    neuter = (
        r"(?:gram|kilo|tonn|pund|døgn|år|barn|hus|rom|lys|egg|eple|glass|skritt|kort|bord|vindu|minutt|sekund|hundre|tusen"
        r"|program|minne|møte|ord|spor|lag|mål|poeng|besøk|sted|tegn|bilde|dyr)$"
    )
    per = "{0} per {1}"
    currencies = {
        "NOK": "krone|kroner",
        "SEK": "svensk krone|svenske kroner",
        "DKK": "dansk krone|danske kroner",
        "USD": "dollar",
        "EUR": "euro",
        "GBP": "pund",
        "JPY": "yen",
        "CNY": "yuan",
        "INR": "rupi|rupier",
        "RUB": "rubel|rubler",
        "TRY": "lira",
        "KRW": "won",
        "BRL": "real",
        "UAH": "hryvnia",
        "CHF": "franc",
    }
    currency_signs = {"kr": "NOK", "kroner": "NOK", "krone": "NOK"}
    cents = {
        "NOK": "øre",
        "USD": "cent",
        "EUR": "cent",
        "GBP": "penny|pence",
        "BRL": "centavo|centavos",
    }
    money = "{0} og {1}"
    scales = {
        "mill.": "million|millioner",
        "mill": "million|millioner",
        "mrd.": "milliard|milliarder",
        "mrd": "milliard|milliarder",
        "M": "million|millioner",
        "million": "million|millioner",
        "millioner": "million|millioner",
        "milliard": "milliard|milliarder",
        "milliarder": "milliard|milliarder",
    }
    unit_signs = {"km/t": "speed-kilometer-per-hour", "sek.": "duration-second"}
    unit_words = {
        "speed-kilometer-per-hour": "kilometer i timen",
        "speed-meter-per-second": "meter i sekundet",
        "energy-watt-hour": "wattime|wattimer",
        "energy-megawatt-hour": "megawattime|megawattimer",
        "electric-ampere-hour": "amperetime|amperetimer",
        "electric-milliampere-hour": "milliamperetime|milliamperetimer",
        "electric-millivolt": "millivolt",
        "electric-kilovolt": "kilovolt",
        "sound-decibel": "desibel",
        "graphics-frame-per-second": "bilde per sekund|bilder per sekund",
        "revolution-per-minute": "omdreining per minutt|omdreininger per minutt",
        "digital-megabit-per-second": "megabit per sekund",
        "digital-megabyte-per-second": "megabyte per sekund",
        "area-square-millimeter": "kvadratmillimeter",
    }
    ordinal_days = True
    clock = ("{h}", "{h} {m}", "{h} {m} og {s} sekunder")
    clock_before = "klokka|klokken"
    oh = "null"
    ranges = "til"
    ratio = "til"
    by = "ganger"
    symbols = {
        "&": "og", "@": "krøllalfa", "+": "pluss", "=": "er lik", "==": "er lik", "×": "ganger", "÷": "delt på",
        "±": "pluss minus", "≈": "cirka", "≤": "mindre enn eller lik", "≥": "større enn eller lik", "<": "mindre enn",
        ">": "større enn", "<=": "mindre enn eller lik", ">=": "større enn eller lik", "≠": "er ikke lik",
        "*": "ganger", "^": "opphøyd i", "~": "cirka", "№": "nummer", "#": "emneknagg", "/": "skråstrek",
        "²": "i andre", "³": "i tredje", "√": "kvadratroten av", "∞": "uendelig", "§": "paragraf", "π": "pi",
    }  # fmt: skip
    fractions = {"1/2": "en halv", "1/4": "en fjerdedel", "1/3": "en tredjedel"}
    over = "over"
    mixed = "{0} og {1}"
    dot = "punktum"
    number_sign = "nummer"
    terms = {"C++": "C pluss pluss", "C#": "C sharp", "F#": "F sharp", "24/7": "døgnet rundt"} | dict.fromkeys(
        ("kl.", "Kl.", "kl", "Kl"), "klokka"
    )
    dotted_ordinals = True
    roman_after = "kapittel del akt bind klasse fase type artikkel"
    roman_names = (
        "olav harald haakon håkon magnus christian frederik margrete erik ludvig henrik elizabeth elisabeth georg karl"
        " gustav edvard wilhelm vilhelm napoleon paul pius benedikt gregor leo johannes peter"
    )
    roman_before = "verdenskrig"

    def day(self, number: int, context: Context) -> str:
        return self.ordinal(number)

    def year(self, number: int, context: Context = NOWHERE) -> str:
        return super().year(number) if self.is_year(number, context) else self.cardinal(number)

    def noun_after(self, number: Number, word: str) -> str:
        return word if number.whole == "1" and word.islower() and len(word) > 1 and word not in _NO_NOUN else ""

    def is_counted_by_ordinals(self, word: str) -> bool:
        return word.lower() in {
            "verdenskrig",
            "divisjon",
            "etasje",
            "plass",
            "klasse",
            "omgang",
            "gang",
            "juledag",
            "påskedag",
        }

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if (whole, above, below) == (1, 1, 2):
            return "halvannen"
        if f"{above}/{below}" in self.fractions or not 2 < below <= 12:
            return super().fraction(whole, above, below)
        part = "åtte" if below == 8 else self.ordinal(below)
        words = f"{self.cardinal(above)} {part}del{'' if above == 1 else 'er'}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def reign(self, number: int) -> str:
        return f"den {self.ordinal(number)}"


LANGUAGE = Norwegian

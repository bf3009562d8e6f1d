"""Danish."""

from __future__ import annotations

import regex

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_NO_NOUN = frozenset("og eller men af til i på fra med for under over end er var som mod per plus minus gange".split())
_ONE = regex.compile(r"\bet\Z")


class Danish(Language):
    minus = "minus"
    plus_minus = "plus minus"
    points = {",": "komma", ".": "punktum"}
    long_decimals = True
    respell = {"etog": "enog"}
    ordinals = "spellout-ordinal-common"
    years = (1100, 1999)
    neuter = (
        r"(?:gram|kilo|ton|pund|døgn|år|barn|hus|rum|lys|æg|æble|glas|skridt|kort|bord|vindue|minut|sekund|hundrede|tusind"
        r"|program|minde|møde|ord|spor|lag|mål|point|besøg|sted|tegn|værelse|billede|dyr)$"
    )
    per = "{0} per {1}"
    currencies = {
        "DKK": "krone|kroner",
        "SEK": "svensk krone|svenske kroner",
        "NOK": "norsk krone|norske kroner",
        "USD": "dollar",
        "EUR": "euro",
        "GBP": "pund",
        "JPY": "yen",
        "CNY": "yuan",
        "INR": "rupee|rupees",
        "RUB": "rubel|rubler",
        "TRY": "lira",
        "KRW": "won",
        "BRL": "real",
        "UAH": "hryvnia",
        "CHF": "franc",
    }
    currency_signs = {"kr": "DKK", "kroner": "DKK", "krone": "DKK"}
    cents = {
        "DKK": "øre",
        "USD": "cent",
        "EUR": "cent",
        "GBP": "penny|pence",
        "BRL": "centavo|centavos",
    }
    money = "{0} og {1}"
    scales = {
        "mio.": "million|millioner",
        "mio": "million|millioner",
        "mia.": "milliard|milliarder",
        "mia": "milliard|milliarder",
        "M": "million|millioner",
        "million": "million|millioner",
        "millioner": "million|millioner",
        "milliard": "milliard|milliarder",
        "milliarder": "milliard|milliarder",
    }
    unit_signs = {"km/t": "speed-kilometer-per-hour", "sek.": "duration-second"}
    unit_words = {
        "concentr-part-per-1e6": "milliontedel|milliontedele",
        "energy-watt-hour": "watttime|watttimer",
        "energy-kilowatt-hour": "kilowatttime|kilowatttimer",
        "energy-megawatt-hour": "megawatttime|megawatttimer",
        "electric-ampere-hour": "amperetime|amperetimer",
        "electric-milliampere-hour": "milliamperetime|milliamperetimer",
        "electric-millivolt": "millivolt",
        "electric-kilovolt": "kilovolt",
        "digital-byte": "byte",
        "digital-kilobyte": "kilobyte",
        "digital-megabyte": "megabyte",
        "digital-gigabyte": "gigabyte",
        "digital-terabyte": "terabyte",
        "digital-petabyte": "petabyte",
        "mass-tonne": "ton",
        "sound-decibel": "decibel",
        "graphics-frame-per-second": "billede per sekund|billeder per sekund",
        "revolution-per-minute": "omdrejning per minut|omdrejninger per minut",
        "digital-megabit-per-second": "megabit per sekund",
        "digital-megabyte-per-second": "megabyte per sekund",
        "area-square-millimeter": "kvadratmillimeter",
        "pressure-pound-force-per-square-inch": "pund per kvadrattomme",
    }
    ordinal_days = True
    clock = ("{h}", "{h} {m}", "{h} {m} og {s} sekunder")
    clock_before = "klokken"
    oh = "nul"
    ranges = "til"
    ratio = "til"
    by = "gange"
    symbols = {
        "&": "og", "@": "snabel-a", "+": "plus", "=": "er lig med", "==": "er lig med", "×": "gange",
        "÷": "divideret med", "±": "plus minus", "≈": "cirka", "≤": "mindre end eller lig med",
        "≥": "større end eller lig med", "<": "mindre end", ">": "større end", "<=": "mindre end eller lig med",
        ">=": "større end eller lig med", "≠": "er ikke lig med", "*": "gange", "^": "opløftet til", "~": "cirka",
        "№": "nummer", "#": "hashtag", "/": "skråstreg", "²": "i anden", "³": "i tredje", "√": "kvadratroden af",
        "∞": "uendelig", "§": "paragraf", "π": "pi",
    }  # fmt: skip
    fractions = {"1/2": "en halv"}
    over = "over"
    mixed = "{0} og {1}"
    mixed_half = "{0} {1}"
    dot = "punktum"
    number_sign = "nummer"
    terms = {
        "C++": "C plus plus",
        "C#": "C sharp",
        "F#": "F sharp",
        "24/7": "døgnet rundt",
        "fx": "for eksempel",
    } | dict.fromkeys(("kl.", "Kl.", "kl", "Kl"), "klokken")
    dotted_ordinals = True
    roman_after = "kapitel del akt bind klasse fase type artikel"
    roman_names = (
        "christian frederik margrethe valdemar erik knud harald ludvig henrik elizabeth elisabeth georg karl gustav"
        " edvard wilhelm vilhelm napoleon paul pius benedikt gregor leo johannes peter"
    )
    roman_before = "verdenskrig"

    def cardinal(self, number: int, noun: str = "") -> str:
        words = super().cardinal(number)
        return _ONE.sub("en", words) if noun and self.gender_of(noun) != "n" else words

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        neuter = context.before.lower() in ("det", "et", "mit", "dit") or self.gender_of(context.after.lower()) == "n"
        words = super().ordinal(number)
        return words.removesuffix("anden") + "andet" if neuter and words.endswith("anden") else words

    def day(self, number: int, context: Context) -> str:
        return super().ordinal(number)

    def with_decimals(self, number: Number) -> str:
        words = super().with_decimals(number)
        return f"en {words.removeprefix('et ')}" if words.startswith("et ") else words

    def year(self, number: int, context: Context = NOWHERE) -> str:
        return super().year(number) if self.is_year(number, context) else self.cardinal(number)

    def noun_after(self, number: Number, word: str) -> str:
        return word if number.whole == "1" and word.islower() and len(word) > 1 and word not in _NO_NOUN else ""

    def is_counted_by_ordinals(self, word: str) -> bool:
        return word.lower() in {
            "verdenskrig",
            "division",
            "sal",
            "plads",
            "klasse",
            "halvleg",
            "gang",
            "juledag",
            "påskedag",
        }

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if (whole, above, below) == (1, 1, 2):
            return "halvanden"
        if f"{above}/{below}" in self.fractions or not 2 < below <= 20:
            return super().fraction(whole, above, below)
        words = f"{self.cardinal(above, 'del')} {super().ordinal(below)}del{'' if above == 1 else 'e'}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def reign(self, number: int) -> str:
        return f"den {super().ordinal(number)}"


LANGUAGE = Danish

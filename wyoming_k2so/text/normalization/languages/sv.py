"""Swedish."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_NO_NOUN = frozenset(
    "och eller men av till i på från med för under över än är var till som mot per plus minus gånger procent".split()
)
_QUEENS = frozenset("elisabet elizabeth katarina kristina margareta maria viktoria".split())


class Swedish(Language):
    minus = "minus"
    plus_minus = "plus minus"
    points = {",": "komma", ".": "punkt"}
    long_decimals = True
    genders = {"m": "spellout-cardinal-reale", "n": "spellout-cardinal-neuter"}
    neuter = (
        r"(?:gram|kilo|ton|pund|uns|dygn|öre|år|barn|hus|rum|ljus|ägg|äpple|glas|steg|kort|bord|fönster|larm|program"
        r"|paket|samtal|minne|hundra|tusen|ande|ord|spår|lag|mål|poäng|fel|besök|ställe|tecken|möte)$"
    )
    per = "{0} per {1}"
    currencies = {
        "SEK": "krona|kronor",
        "NOK": "norsk krona|norska kronor",
        "DKK": "dansk krona|danska kronor",
        "USD": "dollar",
        "EUR": "euro",
        "GBP": "pund",
        "JPY": "yen",
        "CNY": "yuan",
        "INR": "rupie|rupier",
        "RUB": "rubel",
        "TRY": "lira",
        "KRW": "won",
        "BRL": "real",
        "UAH": "hryvnia",
        "CHF": "franc",
    }
    currency_signs = {"kr": "SEK", "kronor": "SEK", "krona": "SEK"}
    cents = {
        "SEK": "öre",
        "USD": "cent",
        "EUR": "cent",
        "GBP": "penny|pence",
        "BRL": "centavo|centavos",
    }
    money = "{0} och {1}"
    scales = {
        "tusen": "tusen",
        "mn": "miljon|miljoner",
        "M": "miljon|miljoner",
        "miljon": "miljon|miljoner",
        "miljoner": "miljon|miljoner",
        "md": "miljard|miljarder",
        "miljard": "miljard|miljarder",
        "miljarder": "miljard|miljarder",
    }
    unit_signs = {"tim": "duration-hour", "sek": "duration-second", "km/tim": "speed-kilometer-per-hour"}
    unit_words = {
        "energy-watt-hour": "wattimme|wattimmar",
        "energy-megawatt-hour": "megawattimme|megawattimmar",
        "electric-ampere-hour": "amperetimme|amperetimmar",
        "electric-milliampere-hour": "milliamperetimme|milliamperetimmar",
        "electric-millivolt": "millivolt",
        "electric-kilovolt": "kilovolt",
        "sound-decibel": "decibel",
        "graphics-frame-per-second": "bild per sekund|bilder per sekund",
        "revolution-per-minute": "varv per minut",
        "digital-megabit-per-second": "megabit per sekund",
        "digital-megabyte-per-second": "megabyte per sekund",
        "area-square-millimeter": "kvadratmillimeter",
        "torque-newton-meter": "newtonmeter",
    }
    ordinal_days = True
    clock = ("{h}", "{h} {m}", "{h} {m} och {s} sekunder")
    clock_before = "klockan"
    oh = "noll"
    ranges = "till"
    ratio = "till"
    by = "gånger"
    symbols = {
        "&": "och", "@": "snabel-a", "+": "plus", "=": "är lika med", "==": "är lika med", "×": "gånger",
        "÷": "delat med", "±": "plus minus", "≈": "ungefär", "≤": "mindre än eller lika med",
        "≥": "större än eller lika med", "<": "mindre än", ">": "större än", "<=": "mindre än eller lika med",
        ">=": "större än eller lika med", "≠": "är inte lika med", "*": "gånger", "^": "upphöjt till", "~": "ungefär",
        "№": "nummer", "#": "nummertecken", "/": "snedstreck", "²": "i kvadrat", "³": "i kubik", "√": "roten ur",
        "∞": "oändligheten", "§": "paragraf", "π": "pi",
    }  # fmt: skip
    fractions = {"1/2": "en halv"}
    over = "genom"
    mixed = "{0} och {1}"
    dot = "punkt"
    number_sign = "nummer"
    terms = {"C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "24/7": "dygnet runt"} | dict.fromkeys(
        ("kl.", "Kl.", "kl", "Kl"), "klockan"
    )
    ordinal_signs = ":[ae]"
    ordinals = "spellout-ordinal-neuter"
    roman_after = "kapitel del akt band klass fas typ artikel världskrig"
    roman_names = (
        "karl gustav adolf oscar oskar fredrik ludvig henrik elisabet elizabeth georg edvard vilhelm jakob filip"
        " alexander katarina napoleon paulus pius benedictus gregorius leo johan johannes peter erik kristian"
    )
    roman_before = "världskriget"

    def is_year(self, number: int, context: Context) -> bool:
        return 1100 <= number <= 1999 or 2010 <= number <= 2099

    def year(self, number: int, context: Context = NOWHERE) -> str:
        return super().year(number) if self.is_year(number, context) else self.cardinal(number)

    def noun_after(self, number: Number, word: str) -> str:
        return word if number.whole == "1" and word.islower() and len(word) > 1 and word not in _NO_NOUN else ""

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or not 2 < below <= 20:
            return super().fraction(whole, above, below)
        part = self.ordinal(below).replace("nde", "n" if below > 7 else "nde") + "del"
        words = f"{self.cardinal(above, 'del')} {part}{'' if above == 1 else 'ar'}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def roman(self, number: int, context: Context) -> str | None:
        if self._is(self.roman_names, context.before):
            rules = "spellout-ordinal-feminine" if context.before in _QUEENS else "spellout-ordinal-masculine"
            return f"den {self._spell(number, rules)}"
        return super().roman(number, context)


LANGUAGE = Swedish

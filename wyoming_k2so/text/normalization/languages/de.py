"""German."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_ENDS_IN_N = frozenset(
    "am im zum zur vom beim dem den des ab bis seit einen einem einer jeden diesen diesem meinen".split()
)
_DATIVE = frozenset("in an auf bei mit nach von zu seit aus unter über vor hinter neben zwischen".split())
_ENDS_IN_R = frozenset("ein kein mein dein sein unser euer".split())
_NO_NOUN = frozenset(
    "oder aber über unter immer wieder mehr eine einer eines dieser jeder weder später lieber nicht".split()
)


class German(Language):
    minus = "minus"
    plus_minus = "plus minus"
    points = {",": "Komma", ".": "Punkt"}
    genders = {
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
        "n": "spellout-cardinal-neuter",
    }
    years = (1100, 1999)
    feminine = r"^\S*(?:e|ion|ung|heit|keit|tät|Lira)(?: |$)"
    per = "{0} pro {1}"
    currencies = {
        "USD": "Dollar",
        "EUR": "Euro",
        "GBP": "Pfund",
        "JPY": "Yen",
        "CNY": "Yuan",
        "INR": "Rupie|Rupien",
        "RUB": "Rubel",
        "TRY": "Lira",
        "KRW": "Won",
        "BRL": "Real|Reais",
        "UAH": "Hrywnja",
        "CHF": "Franken",
    }
    cents = {
        "USD": "Cent",
        "EUR": "Cent",
        "GBP": "Penny|Pence",
        "CHF": "Rappen",
        "INR": "Paise",
        "RUB": "Kopeke|Kopeken",
        "BRL": "Centavo|Centavos",
    }
    money = "{0} {2}"
    scales = {
        "Tsd.": "tausend",
        "Mio.": "Million|Millionen",
        "Mrd.": "Milliarde|Milliarden",
        "Mio": "Million|Millionen",
        "Mrd": "Milliarde|Milliarden",
        "M": "Million|Millionen",
        "Million": "Million|Millionen",
        "Millionen": "Million|Millionen",
        "Milliarde": "Milliarde|Milliarden",
        "Milliarden": "Milliarde|Milliarden",
    }
    unit_signs = {"Std.": "duration-hour", "Std": "duration-hour", "Sek.": "duration-second", "Min.": "duration-minute"}
    unit_words = {
        "angle-degree": "Grad",
        "concentr-part-per-1e6": "Teil pro Million|Teile pro Million",
        "concentr-part-per-1e9": "Teil pro Milliarde|Teile pro Milliarde",
        "temperature-celsius": "Grad Celsius",
        "energy-watt-hour": "Wattstunde|Wattstunden",
        "energy-megawatt-hour": "Megawattstunde|Megawattstunden",
        "electric-ampere-hour": "Amperestunde|Amperestunden",
        "electric-milliampere-hour": "Milliamperestunde|Milliamperestunden",
        "electric-millivolt": "Millivolt",
        "electric-kilovolt": "Kilovolt",
        "sound-decibel": "Dezibel",
        "graphics-frame-per-second": "Bild pro Sekunde|Bilder pro Sekunde",
        "revolution-per-minute": "Umdrehung pro Minute|Umdrehungen pro Minute",
        "digital-megabit-per-second": "Megabit pro Sekunde",
        "digital-megabyte-per-second": "Megabyte pro Sekunde",
        "area-square-millimeter": "Quadratmillimeter",
    }
    date = "{day} {month} {year}"
    ordinal_days = True
    clock = ("{h} Uhr", "{h} Uhr {m}", "{h} Uhr {m} und {s} Sekunden")
    clock_noun = "Uhr"
    clock_words = "Uhr|h"
    hour_words = "Uhr"
    clock_dot = True
    ranges = "bis"
    ratio = "zu"
    by = "mal"
    symbols = {
        "&": "und", "@": "at", "+": "plus", "=": "gleich", "==": "gleich", "×": "mal", "÷": "geteilt durch",
        "±": "plus minus", "≈": "ungefähr", "≤": "kleiner gleich", "≥": "größer gleich", "<": "kleiner als",
        ">": "größer als", "<=": "kleiner gleich", ">=": "größer gleich", "≠": "ungleich", "*": "mal", "^": "hoch",
        "~": "ungefähr", "№": "Nummer", "#": "Raute", "/": "Schrägstrich", "²": "Quadrat", "³": "hoch drei",
        "√": "Wurzel aus", "∞": "unendlich", "§": "Paragraf", "π": "Pi",
    }  # fmt: skip
    fractions = {
        "1/2": "einhalb", "1/3": "ein Drittel", "2/3": "zwei Drittel", "1/4": "ein Viertel", "3/4": "drei Viertel",
    }  # fmt: skip
    over = "durch"
    mixed = "{0} {1}"
    mixed_half = "{0}einhalb"
    dot = "Punkt"
    number_sign = "Nummer"
    terms = {"C++": "C plus plus", "C#": "C sharp", "F#": "F sharp"}
    dotted_ordinals = True
    roman_after = "kapitel teil akt band klasse phase artikel"
    roman_names = (
        "ludwig heinrich elisabeth georg karl eduard wilhelm jakob richard philipp franz alexander katharina napoleon"
        " paul pius benedikt gregor leo johann johannes peter nikolaus friedrich otto maria konrad maximilian"
    )
    roman_before = "weltkrieg weltkriegs weltkrieges jahrhundert jahrhunderts"

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        before = context.before.lower()
        if before in _ENDS_IN_N or (before == "der" and context.earlier.lower() in _DATIVE):
            rules = "spellout-ordinal-n"
        elif before in _ENDS_IN_R:
            rules = "spellout-ordinal-r"
        else:
            rules = "spellout-ordinal"
        return self._spell(number, rules) or self.cardinal(number)

    def day(self, number: int, context: Context) -> str:
        if context.before.lower() in {"der", "den", "dem"} | _ENDS_IN_N:
            return self.ordinal(number, context)
        return self._spell(number, "spellout-ordinal-r") or self.cardinal(number)

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or not 3 < below < 20:
            return super().fraction(whole, above, below)
        words = f"{self.cardinal(above, 'Teil')} {self.cardinal(below).capitalize()}tel"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def noun_after(self, number: Number, word: str) -> str:
        if number.whole != "1" or word.lower() in _NO_NOUN:
            return ""
        return word if word[:1].isupper() or (len(word) > 3 and word.endswith(("e", "er", "es"))) else ""

    def is_counted_by_ordinals(self, word: str) -> bool:
        return word.lower() in {"weltkrieg", "liga", "bundesliga", "stock", "platz", "klasse", "halbzeit", "advent"}

    def reign(self, number: int) -> str:
        return f"der {self._spell(number, 'spellout-ordinal')}"


LANGUAGE = German

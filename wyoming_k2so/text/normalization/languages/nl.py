"""Dutch."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language

_NEUTER = frozenset("uur jaar pond glas blok ei brood blik pak stuk bord huis boek kind kwartier procent ons".split())
_NO_NOUN = frozenset("van en of tot is in op de het een maal keer plus min met voor te".split())


class Dutch(Language):
    minus = "min"
    plus_minus = "plus min"
    points = {",": "komma", ".": "punt"}
    long_decimals = True
    per = "{0} per {1}"
    currencies = {
        "USD": "dollar",
        "EUR": "euro",
        "GBP": "pond",
        "JPY": "yen",
        "CNY": "yuan",
        "INR": "roepie",
        "RUB": "roebel",
        "TRY": "lira",
        "KRW": "won",
        "BRL": "real",
        "UAH": "hryvnia",
        "CHF": "Zwitserse frank",
    }
    cents = {
        "USD": "cent",
        "EUR": "cent",
        "GBP": "penny|pence",
        "CHF": "rappen",
        "BRL": "centavo",
        "INR": "paisa",
        "RUB": "kopeke",
    }
    money = "{0} {2}"
    scales = {
        "mln.": "miljoen",
        "mld.": "miljard",
        "mln": "miljoen",
        "mld": "miljard",
        "M": "miljoen",
        "miljoen": "miljoen",
        "miljard": "miljard",
        "duizend": "",
        "k": "",
    }
    factors = {"duizend": 1000, "k": 1000}
    unit_signs = {
        "km/u": "speed-kilometer-per-hour", "km/uur": "speed-kilometer-per-hour", "u": "duration-hour",
        "uur": "duration-hour",
    }  # fmt: skip
    unit_words = {
        "angle-degree": "graad|graden",
        "concentr-part-per-1e6": "deel per miljoen|delen per miljoen",
        "concentr-part-per-1e9": "deel per miljard|delen per miljard",
        "area-square-millimeter": "vierkante millimeter",
        "mass-pound": "pond",
        "mass-tonne": "ton",
        "pressure-inch-ofhg": "inch kwik",
        "pressure-millimeter-ofhg": "millimeter kwik",
        "pressure-pound-force-per-square-inch": "pond per vierkante inch",
        "energy-joule": "joule",
        "energy-kilojoule": "kilojoule",
        "energy-watt-hour": "wattuur",
        "energy-megawatt-hour": "megawattuur",
        "electric-ampere-hour": "ampère-uur",
        "electric-milliampere-hour": "milliampère-uur",
        "electric-millivolt": "millivolt",
        "electric-kilovolt": "kilovolt",
        "power-horsepower": "paardenkracht",
        "sound-decibel": "decibel",
        "graphics-frame-per-second": "beeld per seconde|beelden per seconde",
        "graphics-dot-per-inch": "punt per inch|punten per inch",
        "revolution-per-minute": "toer per minuut|toeren per minuut",
        "digital-megabit-per-second": "megabit per seconde",
        "digital-megabyte-per-second": "megabyte per seconde",
    }
    clock = ("{h} uur", "{h} uur {m}", "{h} uur {m} en {s} seconden")
    clock_words = "uur|u|h"
    hour_words = "uur|u"
    clock_dot = True
    clock_before = "om"
    ranges = "tot"
    less = "\u2060min"  # the word joiner tells it from minutes
    ratio = "tegen"
    by = "bij"
    symbols = {
        "&": "en", "@": "apenstaartje", "+": "plus", "=": "is", "==": "is", "×": "keer", "÷": "gedeeld door",
        "±": "plus min", "≈": "ongeveer", "≤": "kleiner dan of gelijk aan", "≥": "groter dan of gelijk aan",
        "<": "kleiner dan", ">": "groter dan", "<=": "kleiner dan of gelijk aan", ">=": "groter dan of gelijk aan",
        "≠": "ongelijk aan", "*": "keer", "^": "tot de macht", "~": "ongeveer", "№": "nummer", "#": "hekje",
        "/": "schuine streep", "²": "kwadraat", "³": "tot de derde", "√": "wortel van", "∞": "oneindig",
        "§": "paragraaf", "π": "pi",
    }  # fmt: skip
    fractions = {
        "1/2": "een half", "1/3": "een derde", "2/3": "twee derde", "1/4": "een kwart", "3/4": "drie kwart",
    }  # fmt: skip
    over = "gedeeld door"
    mixed = "{0} {1}"
    dot = "punt"
    number_sign = "nummer"
    terms = {
        "C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "4K": "vier K", "24/7": "vierentwintig uur per dag",
        "t/m": "tot en met",
    }  # fmt: skip
    ordinal_signs = "e|ste|de"
    roman_marks = "e|ste|de"
    roman_after = "hoofdstuk deel akte scène band titel artikel fase klasse type boek bijlage niveau groep"
    roman_names = (
        "lodewijk hendrik elizabeth george karel eduard willem jacobus richard filips frans alexander catharina"
        " napoleon paulus pius benedictus gregorius innocentius clemens leo johannes peter nicolaas frederik albert"
        " leopold boudewijn maximiliaan maria"
    )
    roman_before = "wereldoorlog eeuw"

    def cardinal(self, number: int, noun: str = "") -> str:
        if number == 1:
            return "één"
        hundreds, rest = divmod(number, 100)
        if 11 <= hundreds < 20:
            return f"{self._spell(hundreds, self.cardinals)}honderd{self._spell(rest, self.cardinals) if rest else ''}"
        return super().cardinal(number)

    def year(self, number: int, context: Context = NOWHERE) -> str:
        return self.cardinal(number)

    def half_of(self, noun: str) -> str:
        if not noun or noun.lower() in _NO_NOUN:
            return ""
        return "een half" if noun.lower() in _NEUTER or noun.endswith(("je", "tje")) else "een halve"

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if whole is not None and (above, below) == (1, 2):
            words = self._spell(whole, self.cardinals) or ""
            return "anderhalf" if whole == 1 else f"{words}{'ën' if words.endswith('e') else 'en'}half"
        if f"{above}/{below}" in self.fractions or not 2 < below <= 20:
            return super().fraction(whole, above, below)
        words = f"{self._spell(above, self.cardinals)} {self.ordinal(below)}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def reign(self, number: int) -> str:
        return f"de {self.ordinal(number)}"


LANGUAGE = Dutch

"""Catalan."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_NO_NOUN = frozenset(
    "de del d i o a en és són amb per que més menys al el la els les després abans però no entre".split()
)
_MASCULINE = frozenset(
    "dia minut segon metre quilòmetre litre gram quilo grau any mes got missatge correu nen home gos gat cotxe"
    " llibre pas element dispositiu usuari fitxer resultat punt vot gol paquet euro dòlar lloc ou tros".split()
)
_QUEENS = frozenset("isabel elisabet caterina maria joana cristina margarida victòria anna".split())


class Catalan(Language):
    minus = "menys"
    plus = "més"
    plus_minus = "més menys"
    points = {",": "coma", ".": "punt"}
    long_decimals = True
    genders = {"m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine", "n": "spellout-numbering"}
    feminine = (
        r"^(?:hora|hores|persona|persones|lliur[ae]s?|unç[ae]|unces|tona|tones|mill[ae]s?|calori(?:a|es)"
        r"|quilocalori(?:a|es)|hectàre(?:a|es)|polzad(?:a|es)|parts?|candel(?:a|es)|rúpi(?:a|es)|lir(?:a|es)"
        r"|hrívni(?:a|es)|setman(?:a|es)|nits?|tard(?:a|es)|vegad(?:a|es)|tass(?:a|es)|cullerad(?:a|es)|dotzen(?:a"
        r"|es)|pàgin(?:a|es)|làmpad(?:a|es)|llums?|port(?:a|es)|finestr(?:a|es)|cas(?:a|es)|taul(?:a|es)|cadir(?:a"
        r"|es)|habitaci(?:ó|ons)|alarm(?:a|es)|llist(?:a|es)|tasc(?:a)|tasques|not(?:a|es)|cit(?:a|es)|pregunt(?:a"
        r"|es)|respost(?:a|es)|pom(?:a|es)|ampoll(?:a|es)|don(?:a|es)|nen(?:a|es)|foto|fotos|imatges?|guerr(?:a|es)"
        r"|repúblic(?:a)|edici(?:ó|ons)|fir(?:a|es)|class(?:e|es)|lín(?:ia|ies)|paraul(?:a|es)|lletr(?:a|es)"
        r"|cos(?:a|es)|zon(?:a|es)|escen(?:a|es)|moned(?:a|es)|claus?|plant(?:a|es)|place?s|plaç(?:a)|entrad(?:a"
        r"|es)|\w+ci(?:ó|ons)|\w+tats?|sola|nova|única|\w+[aiu]da)(?: |$)"
    )
    respell = {"-cent ": "-cents ", "-cent-": "-cents ", "cent-": "cent "}
    neuter = r"^per (?:cent|mil)$"
    per = "{0} per {1}"
    currencies = {
        "USD": "dòlar|dòlars",
        "EUR": "euro|euros",
        "GBP": "lliura|lliures",
        "JPY": "ien|iens",
        "CNY": "iuan|iuans",
        "INR": "rúpia|rúpies",
        "RUB": "ruble|rubles",
        "TRY": "lira turca|lires turques",
        "KRW": "won|wons",
        "BRL": "real|reals",
        "UAH": "hrívnia|hrívnies",
        "CHF": "franc suís|francs suïssos",
    }
    cents = {
        "USD": "centau|centaus",
        "EUR": "cèntim|cèntims",
        "GBP": "penic|penics",
        "CHF": "cèntim|cèntims",
        "BRL": "centau|centaus",
        "INR": "paisa|paises",
        "RUB": "copec|copecs",
    }
    money = "{0} amb {1}"
    scales = {
        "M": "milió|milions",
        "milió": "milió|milions",
        "milions": "milió|milions",
        "mil": "",
        "k": "",
    }
    of_millions = "de |d'"
    factors = {"mil": 1000, "k": 1000}
    unit_signs = {"ºC": "temperature-celsius", "ºF": "temperature-fahrenheit"}
    unit_words = {
        "area-square-millimeter": "mil·límetre quadrat|mil·límetres quadrats",
        "mass-tonne": "tona|tones",
        "frequency-hertz": "hertz",
        "frequency-kilohertz": "quilohertz",
        "frequency-megahertz": "megahertz",
        "frequency-gigahertz": "gigahertz",
        "energy-watt-hour": "watt hora|watts hora",
        "energy-megawatt-hour": "megawatt hora|megawatts hora",
        "electric-ampere-hour": "ampere hora|amperes hora",
        "electric-milliampere-hour": "mil·liampere hora|mil·liamperes hora",
        "electric-millivolt": "mil·livolt|mil·livolts",
        "electric-kilovolt": "quilovolt|quilovolts",
        "sound-decibel": "decibel|decibels",
        "graphics-frame-per-second": "fotograma per segon|fotogrames per segon",
        "revolution-per-minute": "revolució per minut|revolucions per minut",
        "digital-megabit-per-second": "megabit per segon|megabits per segon",
        "digital-megabyte-per-second": "megabyte per segon|megabytes per segon",
    }
    date_joints = "de |del |d'|d’"
    clock = ("{h}", "{h} {m}", "{h} {m} i {s} segons")
    clock_noun = "hora"
    clock_words = "h"
    clock_dot = True
    clock_before = "les|la"
    day_halves = {"am": "del matí", "pm": "de la tarda"}
    ranges = "a"
    ratio = "a"
    by = "per"
    symbols = {
        "&": "i", "@": "arrova", "+": "més", "=": "igual a", "==": "igual a", "×": "per", "÷": "dividit per",
        "±": "més menys", "≈": "aproximadament", "≤": "menor o igual que", "≥": "major o igual que",
        "<": "menor que", ">": "major que", "<=": "menor o igual que", ">=": "major o igual que", "≠": "diferent de",
        "*": "per", "^": "elevat a", "~": "aproximadament", "№": "número", "#": "coixinet", "/": "barra",
        "²": "al quadrat", "³": "al cub", "√": "arrel quadrada de", "∞": "infinit", "§": "secció", "π": "pi",
    }  # fmt: skip
    fractions = {
        "1/2": "un mig", "1/3": "un terç", "2/3": "dos terços", "1/4": "un quart", "3/4": "tres quarts",
    }  # fmt: skip
    over = "sobre"
    mixed = "{0} i {1}"
    mixed_half = "{0} i mig"
    dot = "punt"
    number_sign = "número"
    terms = {
        "C++": "C més més",
        "C#": "C sharp",
        "F#": "F sharp",
        "4K": "quatre K",
        "24/7": "vint-i-quatre hores al dia",
    }
    ordinal_signs = "(?<=[13])rs?|(?<=2)ns?|(?<=4)ts?|[èé]|[aª]|º"
    roman_after = "segle segles capítol acte escena tom volum part títol article fase classe tipus llibre secció annex"
    roman_names = (
        "jaume pere joan alfons martí ferran carles felip lluís enric isabel elisabet caterina maria joana cristina"
        " jordi eduard guillem ricard francesc alexandre napoleó pau pius benet gregori lleó nicolau frederic ramon"
        " berenguer margarida victòria anna"
    )
    roman_before = "guerra república edició fira congrés festival copa conferència"

    def cardinal(self, number: int, noun: str = "") -> str:
        words = super().cardinal(number, noun)
        if noun and self.gender_of(noun) == "f":
            return words.replace("dos-cents", "dues-centes").replace("-cents", "-centes")
        return words

    def noun_after(self, number: Number, word: str) -> str:
        lower = word.lower()
        if lower in _NO_NOUN:
            return ""
        plural = number.whole != "1" and lower.endswith("s")
        return lower if plural or self.gender_of(lower) == "f" or lower in _MASCULINE else ""

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        feminine = context.mark in "aª" if context.mark else self.gender_of(context.after.lower()) == "f"
        words = self._spell(number, f"spellout-ordinal-{'feminine' if feminine else 'masculine'}")
        return (words or self.cardinal(number)) + "s" * context.mark.endswith("s")

    def month(self, number: int) -> str:
        return super().month(number).replace("’", "'")

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        end = "" if year is None else f" de {self.year(year)}"
        return f"{self.day(day, context)} {self.month(month)}{end}"

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        if second is None and 0 < minute < 10:
            return f"{self.cardinal(hour, self.clock_noun)} i {self.cardinal(minute)}"
        return super().time(hour, minute, second, context)

    def day_half(self, half: str, hour: int) -> str:
        return "del vespre" if half == "pm" and 8 <= hour < 12 else super().day_half(half, hour)

    def half_of(self, noun: str) -> str:
        if self.gender_of(noun.lower()) == "f":
            return "mitja"
        return "mig" if noun.lower() in _MASCULINE else ""

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or not 2 < below <= 20:
            return super().fraction(whole, above, below)
        part = {3: "terç", 10: "dècim"}.get(below) or self.ordinal(below, Context(mark="è"))
        plural = {3: "terços"}.get(below) or (f"{part[:-1]}ens" if part.endswith("è") else f"{part}s")
        words = f"{self.cardinal(above, 'x')} {part if above == 1 else plural}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def roman(self, number: int, context: Context) -> str | None:
        if self._is(self.roman_names, context.before) and number <= 10:
            return self.ordinal(number, Context(mark="a" if context.before in _QUEENS else "è"))
        return self.ordinal(number, context) if self._is(self.roman_before, context.after) else self.cardinal(number)


LANGUAGE = Catalan

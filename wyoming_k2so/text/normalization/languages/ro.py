"""Romanian."""

from __future__ import annotations

import regex

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_MASCULINE = frozenset(
    "metru kilometru litru an om copil bărbat prieten câine pas dolar leu euro ban băiat elev student pește".split()
)
_NO_NOUN = frozenset("de din și sau la în pe cu o un este e mai".split())
_BIG = regex.compile(r"\b(?=mii|milioane|miliarde)")
_BIG_NUMBERS = {"mii": 10**3, "milioane": 10**6, "miliarde": 10**9}
_FEMININE_ORDINALS = {
    "una": "una", "două": "doua", "trei": "treia", "patru": "patra", "cinci": "cincea", "opt": "opta", "nouă": "noua",
    "sută": "suta", "sute": "sutea", "mie": "mia", "mii": "miea",
}  # fmt: skip
_PARTS = {3: "trei", 5: "cinci", 6: "șes", 7: "șept", 8: "opt", 9: "no", 10: "zec", 100: "sut"}


class Romanian(Language):
    plurals = ("one", "few", "other")
    minus = "minus"
    plus_minus = "plus minus"
    points = {",": "virgulă", ".": "punct"}
    long_decimals = True
    genders = {
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
        "n": "spellout-cardinal-neuter",
    }
    respell = {
        "ş": "ș", "ţ": "ț", "șasezeci": "șaizeci", "șasesprezece": "șaisprezece", "patrusprezece": "paisprezece",
    }  # fmt: skip
    feminine = (
        r"^(?:de )?(?:or[ăe]|\w*secund[ăe]|zi|zile|milă|mile|ton[ăe]|livr[ăe]|lir[ăe]|unci[ei]|\w*calori[ei]"
        r"|part[e]|părți|rupi[ei]|rubl[ăe]|grivn[ăe]|copei[cț]\w*|candel[ăe]|rotați[ei]|imagin[ei]|promil[ăe]"
        r"|persoan[ăe]|săptămân[ăi]|lun[ăi]|noapte|nopți|car[te]|cărți|cană|căni|ceașc[ăi]|cești|linguri?|lingură"
        r"|lingurițe|linguriță|pagin[ăi]|lamp[ăe]|lămpi|ușă|uși|fereastră|ferestre|cas[ăe]|mes[ăe]|camer[ăe]"
        r"|alarm[ăe]|list[ăe]|sarcin[ăi]|not[ăe]|întrebare|întrebări|sticl[ăe]|femei[e]?|fat[ăe]|fete|plant[ăe]"
        r"|zon[ăe]|scen[ăe]|lumin[ăi]|oferte?|ofert[ăe]|optim[ei]|\w+im[ei]|notific[ăa]r[ei]|melodi[ei]|rețet[ăe]"
        r"|felie|felii)(?: |$)"
    )
    neuter = (
        r"^(?:de )?(?:grad|grade|hectar|hectare|minut|minute|\w*gram|\w*grame|procent|procente|picior|picioare|nod"
        r"|noduri|punct|puncte|cadru|cadre|milion|milioane|miliard|miliarde|kilogram|kilograme|sfert|sferturi"
        r"|\w+uri|\w+aj|\w+aje|dispozitiv|dispozitive|scaun|scaune|telefon|telefoane|memento|oraș|orașe|etaj|pahar"
        r"|pahare|ou|ouă|bilet|bilete|element|elemente|eveniment|evenimente|lucru|loc|locuri|măr|mere|pachet"
        r"|pachete|volum|kil|kile|kilo)(?: |$)"
    )
    per = "{0} pe {1}"
    currencies = {
        "RON": "leu|lei|de lei",
        "MDL": "leu|lei|de lei",
        "USD": "dolar|dolari|de dolari",
        "EUR": "euro|euro|de euro",
        "GBP": "liră|lire|de lire",
        "JPY": "yen|yeni|de yeni",
        "CNY": "yuan|yuani|de yuani",
        "INR": "rupie|rupii|de rupii",
        "RUB": "rublă|ruble|de ruble",
        "TRY": "liră turcească|lire turcești|de lire turcești",
        "KRW": "won|woni|de woni",
        "BRL": "real|reali|de reali",
        "UAH": "grivnă|grivne|de grivne",
        "CHF": "franc elvețian|franci elvețieni|de franci elvețieni",
    }
    currency_signs = {"lei": "RON", "leu": "RON"}
    cents = {
        "RON": "ban|bani|de bani",
        "MDL": "ban|bani|de bani",
        "USD": "cent|cenți|de cenți",
        "EUR": "cent|cenți|de cenți",
        "GBP": "penny|pence|de pence",
        "CHF": "centimă|centime|de centime",
        "BRL": "centavo|centavos|de centavos",
        "RUB": "copeică|copeici|de copeici",
        "UAH": "copeică|copeici|de copeici",
    }
    money = "{0} și {1}"
    scales = {
        "mil.": "milion|milioane|de milioane",
        "mld.": "miliard|miliarde|de miliarde",
        "mil": "milion|milioane|de milioane",
        "mld": "miliard|miliarde|de miliarde",
        "M": "milion|milioane|de milioane",
        "milion": "milion|milioane|de milioane",
        "milioane": "milion|milioane|de milioane",
        "de milioane": "milion|milioane|de milioane",
        "miliard": "miliard|miliarde|de miliarde",
        "miliarde": "miliard|miliarde|de miliarde",
        "k": "",
    }
    factors = {"k": 1000}
    unit_signs = {
        "de grade": "angle-degree", "de ore": "duration-hour", "de minute": "duration-minute", "oră": "duration-hour",
        "de secunde": "duration-second", "de zile": "duration-day", "de grame": "mass-gram", "ore": "duration-hour",
        "de kilograme": "mass-kilogram", "mp": "area-square-meter", "ºC": "temperature-celsius",
    }  # fmt: skip
    unit_words = {
        "concentr-percent": "la sută",
        "concentr-permille": "la mie",
        "area-square-millimeter": "milimetru pătrat|milimetri pătrați|de milimetri pătrați",
        "mass-tonne": "tonă|tone|de tone",
        "energy-kilowatt-hour": "kilowatt-oră|kilowați-oră|de kilowați-oră",
        "energy-watt-hour": "watt-oră|wați-oră|de wați-oră",
        "energy-megawatt-hour": "megawatt-oră|megawați-oră|de megawați-oră",
        "electric-ampere-hour": "amper-oră|amperi-oră|de amperi-oră",
        "electric-milliampere-hour": "miliamper-oră|miliamperi-oră|de miliamperi-oră",
        "electric-millivolt": "milivolt|milivolți|de milivolți",
        "electric-kilovolt": "kilovolt|kilovolți|de kilovolți",
        "sound-decibel": "decibel|decibeli|de decibeli",
        "digital-byte": "byte|bytes|de bytes",
        "digital-kilobyte": "kilobyte|kilobytes|de kilobytes",
        "digital-megabyte": "megabyte|megabytes|de megabytes",
        "digital-gigabyte": "gigabyte|gigabytes|de gigabytes",
        "digital-terabyte": "terabyte|terabytes|de terabytes",
        "graphics-frame-per-second": "cadru pe secundă|cadre pe secundă|de cadre pe secundă",
        "revolution-per-minute": "rotație pe minut|rotații pe minut|de rotații pe minut",
        "digital-megabit-per-second": "megabit pe secundă|megabiți pe secundă|de megabiți pe secundă",
        "digital-megabyte-per-second": "megabyte pe secundă|megabytes pe secundă|de megabytes pe secundă",
    }
    clock = ("{h}", "{h} și {m}", "{h}, {m} minute și {s} secunde")
    clock_before = "ora|orele"
    day_halves = {"am": "dimineața", "pm": "după-amiaza"}
    ranges = "până la"
    ratio = "la"
    by = "pe"
    symbols = {
        "&": "și", "@": "arond", "+": "plus", "=": "egal", "==": "egal", "×": "ori", "÷": "împărțit la",
        "±": "plus minus", "≈": "aproximativ", "≤": "mai mic sau egal cu", "≥": "mai mare sau egal cu",
        "<": "mai mic decât", ">": "mai mare decât", "<=": "mai mic sau egal cu", ">=": "mai mare sau egal cu",
        "≠": "diferit de", "*": "ori", "^": "la puterea", "~": "aproximativ", "№": "numărul", "#": "diez",
        "/": "bară oblică", "²": "la pătrat", "³": "la cub", "√": "radical din", "∞": "infinit", "§": "paragraful",
        "π": "pi",
    }  # fmt: skip
    fractions = {"1/2": "o jumătate", "1/4": "un sfert", "3/4": "trei sferturi"}
    over = "supra"
    mixed = "{0} și {1}"
    mixed_half = "{0} și jumătate"
    dot = "punct"
    number_sign = "numărul"
    terms = {
        "C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "24/7": "douăzeci și patru de ore pe zi",
        "4K": "patru K", "d-na": "doamna", "d-nul": "domnul",
        "D-na": "Doamna", "D-nul": "Domnul", "dl": "domnul", "dna": "doamna",
    }  # fmt: skip
    ordinal_signs = "-?(?:lea|ul)|-a"
    roman_marks = "-(?:lea|a)"
    roman_after = (
        "secolul secol capitolul capitol actul scena tomul volumul partea titlul articolul faza clasa tipul cartea"
    )
    roman_names = (
        "carol ferdinand mihai ludovic henric george eduard wilhelm iacob richard filip francisc alexandru napoleon"
        " paul pius benedict grigore leon ioan petru nicolae frederic ștefan mircea vlad radu"
    )

    def _spell(self, number: int, rules: str) -> str | None:
        words = super()._spell(number, rules)
        return _BIG.sub(lambda match: self._of(number, match.string[match.end() :]), words) if words else words

    @staticmethod
    def _of(number: int, words: str) -> str:
        """Twenty and more thousands are "douăzeci de mii"."""
        count = number // _BIG_NUMBERS[words.split(maxsplit=1)[0]] % 1000
        return "de " if count >= 20 and not 0 < count % 100 < 20 else ""

    def cardinal(self, number: int, noun: str = "") -> str:
        if not noun or noun.startswith("la "):
            return super().cardinal(number)
        if number == 1:
            return "o" if self.gender_of(noun) == "f" else "un"
        return super().cardinal(number, noun)

    def noun_after(self, number: Number, word: str) -> str:
        lower = word.lower()
        return lower if lower not in _NO_NOUN and (lower in _MASCULINE or self.gender_of(lower) != "m") else ""

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        if number == 1:
            return "primul" if context.mark.endswith("ul") else "întâia" if context.mark == "-a" else "întâi"
        if context.mark == "-a":
            head, space, last = self.cardinal(number, "oră").rpartition(" ")
            return f"{head}{space}{_FEMININE_ORDINALS.get(last) or last.removesuffix('i').removesuffix('e') + 'ea'}"
        words = self.cardinal(number)
        return words + ("ulea" if words[-1] in "tn" else "lea")

    def day(self, number: int, context: Context) -> str:
        return "întâi" if number == 1 else self.cardinal(number)

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        pattern = self.clock[2] if second else self.clock[1] if minute else self.clock[0]
        hours = self._spell(hour, self.genders["n"])
        return pattern.format(h=hours, m=self.cardinal(minute), s=self.cardinal(second or 0))

    def day_half(self, half: str, hour: int) -> str:
        return "seara" if half == "pm" and 6 <= hour < 12 else super().day_half(half, hour)

    def half_of(self, noun: str) -> str:
        return "o jumătate de" if noun and noun.lower() not in _NO_NOUN else ""

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or below not in _PARTS:
            return super().fraction(whole, above, below)
        part = f"{_PARTS[below]}im{'e' if above == 1 else 'i'}".replace("iim", "im")
        words = f"{self.cardinal(above, part)} {part}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def roman(self, number: int, context: Context) -> str | None:
        if context.before.startswith("secol") or self._is(self.roman_names, context.before):
            return "întâi" if number == 1 else f"al {self.ordinal(number)}"
        return self.cardinal(number)


LANGUAGE = Romanian

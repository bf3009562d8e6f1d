"""Czech."""

from __future__ import annotations

from decimal import Decimal

import regex

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_ONES = (
    "nultý|první|druhý|třetí|čtvrtý|pátý|šestý|sedmý|osmý|devátý|desátý|jedenáctý|dvanáctý|třináctý|čtrnáctý|patnáctý"
    "|šestnáctý|sedmnáctý|osmnáctý|devatenáctý"
).split("|")
_TENS = "||dvacátý|třicátý|čtyřicátý|padesátý|šedesátý|sedmdesátý|osmdesátý|devadesátý".split("|")
_HUNDREDS = "|stý|dvoustý|třístý|čtyřstý|pětistý|šestistý|sedmistý|osmistý|devítistý".split("|")
_THOUSANDS = "|tisící|dvoutisící|třítisící|čtyřtisící|pětitisící|šestitisící|sedmitisící|osmitisící|devítitisící".split(
    "|"
)
_SOFT = {"á": "í", "é": "í", "ou": "í", "ého": "ího", "ém": "ím", "ému": "ímu", "ým": "ím", "ých": "ích"}
_FEMININE = regex.compile(
    r"^(?:tříd|kapitol|lig|ulic|stran|séri|epizod|etáž|minut|hodin|cen|válk|válc|část|hladin|řad)"
)
_GENITIVES = {
    "nula": "nuly", "jeden": "jednoho", "jedno": "jednoho", "jedna": "jedné", "dva": "dvou", "dvě": "dvou",
    "tři": "tří",
    "čtyři": "čtyř", "devět": "devíti", "sto": "sta", "stě": "set", "sta": "set", "set": "set", "tisíc": "tisíce",
    "tisíce": "tisíc", "milion": "milionu", "miliony": "milionů", "milionů": "milionů", "miliarda": "miliardy",
    "miliardy": "miliard", "miliard": "miliard", "celá": "celé", "celé": "celých", "celých": "celých",
}  # fmt: skip
_DATIVES = {"jedna": "jedné", "jeden": "jedné", "dva": "dvěma", "tři": "třem", "čtyři": "čtyřem"}
_PARTS = {
    3: "třetin", 4: "čtvrtin", 5: "pětin", 6: "šestin", 7: "sedmin", 8: "osmin", 9: "devítin", 10: "desetin",
    12: "dvanáctin", 16: "šestnáctin", 20: "dvacetin", 100: "setin",
}  # fmt: skip
_LOCATIVES = frozenset("v ve na po o při".split())
_HOURS = "hodina|hodiny|hodiny|hodin"
_SECONDS = "sekunda|sekundy|sekundy|sekund"


class Czech(Language):
    plurals = ("one", "few", "many", "other")
    minus = "minus"
    plus_minus = "plus minus"
    points = {",": "celá", ".": "tečka"}
    long_decimals = True
    genders = {
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
        "n": "spellout-cardinal-neuter",
    }
    years = (1100, 1999)
    respell = {"milión": "milion", "jeden miliard": "jedna miliard", "dva miliard": "dvě miliard"}
    cases = dict.fromkeys("od do bez kolem okolo z ze během kromě u vedle".split(), "genitive")
    feminine = (
        r"^(?:\w*hodin|minut|\w*sekund|vteřin|tun|mil|míl|korun|hřiv|rup|lir|lib|miliard|částic|stop|unc|\w*kalori|osob"
        r"|knih|židl|ulic|stran|místnost|lamp|otázk|zpráv|položk|skupin|noc|koupeln|ložnic|žárovk|zásuvk|kapitol|tříd"
        r"|krav|žen|dcer|sestr|děti|koč|škol|měn|lžíc|lžičk|sklenic|krabic|porc|kopij|kop[eě]j)"
    )
    neuter = (
        r"^(?:procent|eur[oa]?$|okn|aut[oa]|měst|míst|patr|slov|jídl|piv|vín|vejc|centav|světl|čerpadl|kol[oa]$"
        r"|let[oa]$)"
    )
    per = "{0} za {1}"
    currencies = {
        "CZK": "koruna|koruny|koruny|korun",
        "USD": "dolar|dolary|dolaru|dolarů",
        "EUR": "euro|eura|eura|eur",
        "GBP": "libra|libry|libry|liber",
        "JPY": "jen|jeny|jenu|jenů",
        "CNY": "jüan|jüany|jüanu|jüanů",
        "INR": "rupie|rupie|rupie|rupií",
        "RUB": "rubl|rubly|rublu|rublů",
        "TRY": "lira|liry|liry|lir",
        "KRW": "won|wony|wonu|wonů",
        "BRL": "real|realy|realu|realů",
        "UAH": "hřivna|hřivny|hřivny|hřiven",
        "CHF": "frank|franky|franku|franků",
        "PLN": "zlotý|zloté|zlotého|zlotých",
    }
    currency_signs = {"Kč": "CZK"}
    cents = {
        "CZK": "haléř|haléře|haléře|haléřů",
        "USD": "cent|centy|centu|centů",
        "EUR": "cent|centy|centu|centů",
        "GBP": "penny|pence|pence|pencí",
        "BRL": "centavo|centava|centava|centavů",
        "RUB": "kopejka|kopejky|kopejky|kopejek",
        "UAH": "kopijka|kopijky|kopijky|kopijek",
        "INR": "paisa|paisy|paisy|pais",
        "CHF": "rappen|rappeny|rappenu|rappenů",
    }
    scales = {
        "tis.": "tisíc|tisíce|tisíce|tisíc",
        "tis": "tisíc|tisíce|tisíce|tisíc",
        **dict.fromkeys("mil. mil M mio. milion miliony milionu milionů".split(), "milion|miliony|milionu|milionů"),
        **dict.fromkeys("mld. mld miliarda miliardy miliard".split(), "miliarda|miliardy|miliardy|miliard"),
    }
    unit_signs = {"hod": "duration-hour", "sek": "duration-second", "ot/min": "revolution-per-minute"}
    unit_words = {
        "concentr-part-per-1e6": "částice na milion|částice na milion|částice na milion|částic na milion",
        "energy-watt-hour": "watthodina|watthodiny|watthodiny|watthodin",
        "energy-megawatt-hour": "megawatthodina|megawatthodiny|megawatthodiny|megawatthodin",
        "electric-ampere-hour": "ampérhodina|ampérhodiny|ampérhodiny|ampérhodin",
        "electric-milliampere-hour": "miliampérhodina|miliampérhodiny|miliampérhodiny|miliampérhodin",
        "electric-millivolt": "milivolt|milivolty|milivoltu|milivoltů",
        "electric-kilovolt": "kilovolt|kilovolty|kilovoltu|kilovoltů",
        "sound-decibel": "decibel|decibely|decibelu|decibelů",
        "graphics-frame-per-second": "snímek za sekundu|snímky za sekundu|snímku za sekundu|snímků za sekundu",
        "revolution-per-minute": "otáčka za minutu|otáčky za minutu|otáčky za minutu|otáček za minutu",
        "digital-megabit-per-second": "megabit za sekundu|megabity za sekundu|megabitu za sekundu|megabitů za sekundu",
        "digital-megabyte-per-second": (
            "megabajt za sekundu|megabajty za sekundu|megabajtu za sekundu|megabajtů za sekundu"
        ),
        "area-square-millimeter": (
            "milimetr čtvereční|milimetry čtvereční|milimetru čtverečního|milimetrů čtverečních"
        ),
    }
    clock_words = r"hod(?:\.|in[ay]?)?|h"
    hour_words = r"hod(?:\.|in)?"
    clock_dot = True
    oh = "nula"
    ranges = "až"
    ratio = "ku"
    by = "krát"
    symbols = {
        "&": "a", "@": "zavináč", "+": "plus", "=": "rovná se", "==": "rovná se", "×": "krát", "÷": "děleno",
        "±": "plus minus", "≈": "přibližně", "≤": "menší nebo rovno", "≥": "větší nebo rovno", "<": "menší než",
        ">": "větší než", "<=": "menší nebo rovno", ">=": "větší nebo rovno", "≠": "nerovná se", "*": "krát", "^": "na",
        "~": "přibližně", "№": "číslo", "#": "křížek", "/": "lomeno", "²": "na druhou", "³": "na třetí",
        "√": "odmocnina z", "∞": "nekonečno", "§": "paragraf", "π": "pí",
    }  # fmt: skip
    fractions = {"1/2": "půl", "1/4": "čtvrt", "3/4": "tři čtvrtě"}
    over = "lomeno"
    mixed = "{0} a {1}"
    dot = "tečka"
    number_sign = "číslo"
    terms = {"C++": "C plus plus", "C#": "C sharp", "F#": "F sharp"}
    dotted_ordinals = True
    roman_after = "kapitola kapitole kapitolu část části díl dílu svazek akt typ typu"
    roman_names = (
        "ludvík jindřich alžběta jiří karel eduard vilém jakub richard filip františek alexandr kateřina napoleon pavel"
        " pius benedikt řehoř lev jan petr mikuláš fridrich zikmund václav přemysl rudolf josef leopold ferdinand"
    )
    roman_before = "století světová světové světovou válka války třída třídy patro čtvrtletí"

    # ---- numbers

    def noun_after(self, number: Number, word: str) -> str:
        gender = self.gender_of(word)
        if gender != "m" or not number.is_integer:
            return word
        last = int(number.whole[-1])
        if (last == 1 and len(word) > 3 and word.endswith("a")) or word.endswith("ky"):
            return "hodina"
        if (last == 1 and len(word) > 3 and word.endswith(("o", "í"))) or (last == 2 and word.endswith("la")):
            return "okno"
        return ""

    def inflected(self, words: str, case: str) -> str:
        return " ".join(_GENITIVES.get(word) or _with_i(word) for word in words.split())

    def counts_as(self, number: Number) -> Decimal:
        if number.case and number.is_integer:
            return Decimal("1.5") if number.whole == "1" else Decimal(5)
        return number.value

    def with_decimals(self, number: Number) -> str:
        if number.point == ".":
            return super().with_decimals(number)
        whole = int(number.whole)
        point = "celá" if whole < 2 else "celé" if whole < 5 else "celých"
        return f"{self.cardinal(whole, 'hodina')} {point} {self.decimals(number.decimals)}"

    def year(self, number: int, context: Context = NOWHERE) -> str:
        if not self.is_year(number, context):
            return self.cardinal(number)
        hundreds, rest = divmod(number, 100)
        return f"{self.cardinal(hundreds)} set" + (f" {self.cardinal(rest)}" if rest else "")

    # ---- what is counted

    def unit(self, number: Number, sign: str) -> str | None:
        words = super().unit(number, sign)
        if words is None or "/" not in sign:
            return words
        for wrong, right in (("za minuta", "za minutu"), ("za sekunda", "za sekundu"), ("za hodina", "za hodinu")):
            words = words.replace(wrong, right)
        return str(regex.sub(r" za (?=\w*(?:metr|litr|gram))", " na ", words))

    # ---- ordinals and dates

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        return self._ordinal(number, _ending(context.before.lower(), context.after.lower()))

    def _ordinal(self, number: int, ending: str) -> str:
        if number >= 10000 or not number:
            return self.cardinal(number)
        thousands, rest = divmod(number, 1000)
        words = []
        if thousands:
            words.append(self.cardinal(thousands * 1000) if rest else _THOUSANDS[thousands])
        hundreds, rest = divmod(rest, 100)
        if hundreds:
            words.append(self.cardinal(hundreds * 100) if rest else _HUNDREDS[hundreds])
        if rest >= 20:
            words.append(_TENS[rest // 10])
            rest %= 10
        if rest:
            words.append(_ONES[rest])
        return " ".join(_inflected(word, ending) if word[-1] in "ýí" else word for word in words)

    def is_counted_by_ordinals(self, word: str) -> bool:
        return word.lower() in set("patro kapitola třída liga místo světová kolo díl století den ročník část".split())

    def day(self, number: int, context: Context) -> str:
        return self._ordinal(number, "ého")

    def time(self, hour: int, minute: int, second: int | None, context: Context = NOWHERE) -> str:
        case = self.cases.get(context.before.lower(), "")
        hours = Number(str(hour), case=case)
        if not minute and second is None:
            at_one = hour == 1 and context.before.lower() in ("v", "ve")
            return "jednu hodinu" if at_one else self.counted(hours, _HOURS)
        minutes = self.say(Number(str(minute), case=case))
        words = self.join(self.say(hours, "hodina"), self.oh if minute < 10 else "", minutes if minute else self.oh)
        return words if second is None else f"{words} a {self.counted(Number(str(second)), _SECONDS)}"

    # ---- fractions and Roman numerals

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions or below not in _PARTS:
            return super().fraction(whole, above, below)
        part = _PARTS[below] + ("a" if above == 1 else "y" if above < 5 else "")
        words = f"{self.cardinal(above, 'hodina')} {part}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def proportion(self, first: int, second: int) -> str:
        words = self.cardinal(second).split()
        return f"{self.cardinal(first)} ku {' '.join(_DATIVES.get(word) or _with_i(word) for word in words)}"

    def reign(self, number: int) -> str:
        return self._ordinal(number, "ý")

    def in_full(self, words: str, context: Context) -> str:
        before = context.before.lower()
        if words == "roku":
            return "roce" if before in ("v", "ve", "po") else words
        if words in ("ulice", "strana"):
            endings = ("ulici", "straně") if before in _LOCATIVES else ("ulice", "strany")
            return endings[words == "strana"] if before in _LOCATIVES or before in self.cases else words
        return words


def _with_i(word: str) -> str:
    return "devíti" if word == "devět" else word + "i" if word.endswith(("t", "m")) and word != "set" else word


def _inflected(word: str, ending: str) -> str:
    if ending == "ý":
        return word
    return word[:-1] + (_SOFT[ending] if word.endswith("í") else ending)


def _ending(before: str, after: str) -> str:
    """The ending of an ordinal: of a hard adjective, in the case of the preposition and the gender of the noun."""
    if after.endswith(("ech", "ách", "ích", "ých")):
        return "ých"
    if after.endswith("ou"):
        return "ou"
    if after.endswith(("é", "á")):
        return after[-1]
    if _FEMININE.match(after):
        return {"a": "á", "u": "ou"}.get(after[-1], "é")
    if before == "na":
        return "ém" if after.endswith(("ě", "u", "ře")) else "é" if after.endswith(("o", "í")) else "ý"
    case = "ém" if before in _LOCATIVES else "ého" if before in Czech.cases else ""
    return case or {"a": "á", "o": "é", "í": "é", "ě": "é"}.get(after[-1:], "ý")


LANGUAGE = Czech

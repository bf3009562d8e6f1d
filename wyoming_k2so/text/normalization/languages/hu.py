"""Hungarian."""

from __future__ import annotations

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_ORDINALS = {
    "egy": "egyedik", "kettő": "kettedik", "három": "harmadik", "négy": "negyedik", "öt": "ötödik", "hat": "hatodik",
    "hét": "hetedik", "nyolc": "nyolcadik", "kilenc": "kilencedik", "tíz": "tizedik", "húsz": "huszadik",
    "harminc": "harmincadik", "negyven": "negyvenedik", "ötven": "ötvenedik", "hatvan": "hatvanadik",
    "hetven": "hetvenedik", "nyolcvan": "nyolcvanadik", "kilencven": "kilencvenedik", "száz": "századik",
    "ezer": "ezredik", "millió": "milliomodik", "nulla": "nulladik",
}  # fmt: skip
_FIRST = {"egy": "első", "kettő": "második"}
_TO = {
    "egy": "hez", "kettő": "höz", "négy": "hez", "öt": "höz", "hét": "hez", "kilenc": "hez", "tíz": "hez",
    "negyven": "hez", "ötven": "hez", "hetven": "hez", "kilencven": "hez", "ezer": "hez",
}  # fmt: skip
_SHORT_STEMS = {"három": "hárm", "hét": "het", "ezer": "ezr", "kettő": "kett"}
_PARTS = ("tized", "század", "ezred")
_NO_NOUN = frozenset(
    "és vagy a az de is volt lett van nincs lesz hogy meg sem ha mert pedig között közé felett alatt fölött után előtt"
    " helyett számú plusz mínusz egyenlő szorozva osztva per tized század ezred egész".split()
)
_MONTHS = ("január február március április május június július augusztus szeptember október november december").split()


class Hungarian(Language):
    minus = "mínusz"
    plus = "plusz"
    plus_minus = "plusz-mínusz"
    points = {",": "egész", ".": "pont"}
    respell = {"kettőezer": "kétezer", "kettőmill": "kétmill"}
    cases = dict.fromkeys(_MONTHS, "day")
    per = "{0} per {1}"
    currencies = {
        "HUF": "forint", "USD": "dollár", "EUR": "euró", "GBP": "font", "JPY": "jen", "CNY": "jüan", "INR": "rúpia",
        "RUB": "rubel", "TRY": "líra", "KRW": "von", "BRL": "real", "UAH": "hrivnya", "CHF": "frank",
    }  # fmt: skip
    currency_signs = {"Ft": "HUF"}
    cents = {
        "USD": "cent", "EUR": "cent", "GBP": "penny", "RUB": "kopejka", "UAH": "kopijka", "BRL": "centavo",
        "CHF": "rappen", "INR": "paisa",
    }  # fmt: skip
    scales = {
        "ezer": "ezer", "millió": "millió", "milliárd": "milliárd", "billió": "billió", "E": "ezer", "M": "millió",
        "Mrd": "milliárd", "mrd": "milliárd",
    }  # fmt: skip
    unit_signs = {"mp": "duration-second", "ó": "duration-hour"}
    unit_words = {
        "concentr-part-per-1e6": "milliomodrész",
        "concentr-part-per-1e9": "milliárdodrész",
        "mass-tonne": "tonna",
        "energy-watt-hour": "wattóra",
        "energy-megawatt-hour": "megawattóra",
        "electric-ampere-hour": "amperóra",
        "electric-milliampere-hour": "milliamperóra",
        "electric-millivolt": "millivolt",
        "electric-kilovolt": "kilovolt",
        "sound-decibel": "decibel",
        "graphics-frame-per-second": "képkocka per másodperc",
        "revolution-per-minute": "fordulat per perc",
        "digital-megabit-per-second": "megabit per másodperc",
        "digital-megabyte-per-second": "megabájt per másodperc",
        "area-square-millimeter": "négyzetmilliméter",
    }
    clock = ("{h} óra", "{h} óra {m}", "{h} óra {m} perc {s} másodperc")
    clock_noun = "óra"
    clock_words = "óra"
    ratio = "a"
    by = "szorozva"
    symbols = {
        "&": "és", "@": "kukac", "+": "plusz", "=": "egyenlő", "==": "egyenlő", "×": "szorozva", "÷": "osztva",
        "±": "plusz-mínusz", "≈": "körülbelül", "≤": "kisebb vagy egyenlő", "≥": "nagyobb vagy egyenlő",
        "<": "kisebb mint", ">": "nagyobb mint", "<=": "kisebb vagy egyenlő", ">=": "nagyobb vagy egyenlő",
        "≠": "nem egyenlő", "*": "szorozva", "^": "hatvány", "~": "körülbelül", "№": "szám", "#": "kettőskereszt",
        "/": "per", "²": "négyzet", "³": "köb", "√": "gyök", "∞": "végtelen", "§": "paragrafus", "π": "pí",
    }  # fmt: skip
    fractions = {"1/2": "fél", "1/4": "negyed"}
    mixed = "{0} egész {1}"
    mixed_half = "{0} és fél"
    dot = "pont"
    number_sign = "szám"
    terms = {"C++": "C plusz plusz", "C#": "C sharp", "F#": "F sharp"}
    ending_signs = "[-‑]"
    dotted_ordinals = True
    roman_after = "fejezet rész típusú"
    roman_before = (
        "világháború világháborúban világháborús világháborút század században századi századtól lajos henrik béla"
        " károly ferenc józsef istván lászló erzsébet jános pál pius endre andrás ulászló mátyás katalin györgy vilmos"
        " edward richárd fülöp frigyes ottó miklós sándor napóleon benedek gergely leó kerület kerületben kerületi"
        " fejezet fejezetben rész részben kötet osztály osztályos negyedév emelet"
    )

    # ---- numbers

    def cardinal(self, number: int, noun: str = "") -> str:
        words = super().cardinal(number)
        if number > 2000:
            for word in ("milliárd", "millió", "ezer"):
                words = words.replace(f"{word} ", word).replace(word, f"{word}-")
            words = words.rstrip("-")
        return words[:-5] + "két" if noun and words.endswith("kettő") else words

    def noun_after(self, number: Number, word: str) -> str:
        return "" if word.lower() in _NO_NOUN or word.startswith("-") else word

    def inflected(self, words: str, case: str) -> str:
        return _day(_ordinal(words))

    def with_decimals(self, number: Number) -> str:
        decimals = number.decimals
        whole = self.cardinal(int(number.whole))
        if len(decimals) > len(_PARTS):
            return f"{whole} egész {self.digits(decimals)}"
        return f"{whole} egész {self.cardinal(int(decimals), 'tized')} {_PARTS[len(decimals) - 1]}"

    def with_ending(self, number: Number, ending: str, context: Context = NOWHERE) -> str:
        if not number.is_integer:
            return self.say(number) + ending
        words = self.say(Number(number.whole, sign=number.sign))
        if ending in ("ik", "dik", "adik", "edik", "odik", "ödik"):
            return _ordinal(words)
        if number.case or ending in ("án", "én", "jén", "jei"):
            return _day_with(words, ending)
        if ending[0] in "aeoösn" and not ending.startswith(("nál", "nél", "nak", "nek", "szor", "szer", "ször")):
            for word, stem in _SHORT_STEMS.items():
                if words.endswith(word):
                    return words.removesuffix(word) + stem + ending
        return words + ending

    # ---- ordinals and dates

    def ordinal(self, number: int, context: Context = NOWHERE) -> str:
        after, before = context.after.lower(), context.before.lower()
        if (number >= 1000 and after.startswith(tuple(_MONTHS))) or before in ("utca", "út", "tér", "körút", "szám"):
            return self.cardinal(number)
        words = _ordinal(self.cardinal(number))
        return _day(words) if before in _MONTHS else words

    def is_counted_by_ordinals(self, word: str) -> bool:
        return word.lower().startswith(
            ("emelet", "fejezet", "osztály", "világháború", "hely", "kerület", "század", "nap")
        )

    def month_names(self) -> dict[str, int]:  # type: ignore[override]
        """None: the day behind a month carries endings, so it is read as a number is."""
        return {}

    def say_date(self, day: int, month: int, year: int | None, context: Context = NOWHERE) -> str:
        ordinal = _ordinal(self.cardinal(day))
        words = f"{self.month(month)} {ordinal if context.after.startswith('-') else _day(ordinal)}"
        return words if year is None else f"{self.cardinal(year)} {words}"

    # ---- fractions and ratios

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        known = self.fractions.get(f"{above}/{below}")
        words = known or self.cardinal(above, "rész") + _ordinal(self.cardinal(below)).removesuffix("ik")
        if whole is None:
            return words
        pattern = self.mixed_half if (above, below) == (1, 2) else self.mixed
        return pattern.format(self.cardinal(whole, "rész"), words)

    def proportion(self, first: int, second: int) -> str:
        words = self.cardinal(second)
        article = "az" if words[0] in "aáeéiíoóöőuúüű" else "a"
        ending = next((to for word, to in _TO.items() if words.endswith(word)), "hoz")
        return f"{self.cardinal(first)} {article} {words}{ending}"


def _ordinal(words: str) -> str:
    if words in _FIRST:
        return _FIRST[words]
    word = max(filter(words.endswith, _ORDINALS), key=len, default="")
    return words.removesuffix(word) + _ORDINALS[word] if word else words


def _day(ordinal: str) -> str:
    """The day of a month: "harmadika", "ötödike"."""
    return "elseje" if ordinal == "első" else ordinal + _vowel(ordinal)


def _vowel(ordinal: str) -> str:
    return "a" if ordinal.endswith(("adik", "odik")) else "e"


def _day_with(words: str, ending: str) -> str:
    """The day of a month with an ending: "harmadikán", "ötödikétől"."""
    ordinal = _ordinal(words)
    if ordinal == "első":
        return "elsej" + (ending.lstrip("j") if ending[0] in "jée" else "é" + ending)
    if ending in ("án", "én", "a", "e", "i"):
        return ordinal + ending
    return ordinal + ("á" if _vowel(ordinal) == "a" else "é") + ending


LANGUAGE = Hungarian

"""Turkish."""

from __future__ import annotations

import regex

from wyoming_k2so.text.normalization.language import NOWHERE, Context, Language
from wyoming_k2so.text.normalization.number import Number

_ORDINAL = regex.compile(r"(?:[ıiuü])?nc[ıiuü]")
_LOCATIVES = {
    "sıfır": "sıfırda", "bir": "birde", "iki": "ikide", "üç": "üçte", "dört": "dörtte", "beş": "beşte",
    "altı": "altıda",
    "yedi": "yedide", "sekiz": "sekizde", "dokuz": "dokuzda", "on": "onda", "yirmi": "yirmide", "otuz": "otuzda",
    "kırk": "kırkta", "elli": "ellide", "altmış": "altmışta", "yetmiş": "yetmişte", "seksen": "seksende",
    "doksan": "doksanda", "yüz": "yüzde", "bin": "binde",
}  # fmt: skip
_DATIVES = {
    "sıfır": "sıfıra", "bir": "bire", "iki": "ikiye", "üç": "üçe", "dört": "dörde", "beş": "beşe", "altı": "altıya",
    "yedi": "yediye", "sekiz": "sekize", "dokuz": "dokuza", "on": "ona", "yirmi": "yirmiye", "otuz": "otuza",
    "kırk": "kırka", "elli": "elliye", "altmış": "altmışa", "yetmiş": "yetmişe", "seksen": "seksene",
    "doksan": "doksana", "yüz": "yüze", "bin": "bine",
}  # fmt: skip


class Turkish(Language):
    minus = "eksi"
    plus = "artı"
    plus_minus = "artı eksi"
    points = {",": "virgül", ".": "nokta"}
    long_decimals = True
    per = "{1} başına {0}"
    currencies = {
        "TRY": "lira", "USD": "dolar", "EUR": "avro", "GBP": "sterlin", "JPY": "yen", "CNY": "yuan", "INR": "rupi",
        "RUB": "ruble", "KRW": "won", "BRL": "real", "UAH": "grivna", "CHF": "frank",
    }  # fmt: skip
    currency_signs = {"TL": "TRY"}
    cents = {
        "TRY": "kuruş", "USD": "sent", "EUR": "sent", "GBP": "peni", "RUB": "kopek", "BRL": "sentavo", "UAH": "kopek",
        "INR": "paisa",
    }  # fmt: skip
    scales = {
        "bin": "bin", "milyon": "milyon", "milyar": "milyar", "trilyon": "trilyon", "mn": "milyon", "mlr": "milyar",
        "M": "milyon",
    }  # fmt: skip
    unit_signs = {"sa": "duration-hour", "dk": "duration-minute", "sn": "duration-second", "km/sa": "km-per-hour"}
    unit_words = {
        "concentr-part-per-1e6": "milyonda {0}",
        "concentr-part-per-1e9": "milyarda {0}",
        "speed-kilometer-per-hour": "saatte {0} kilometre",
        "km-per-hour": "saatte {0} kilometre",
        "speed-meter-per-second": "saniyede {0} metre",
        "speed-mile-per-hour": "saatte {0} mil",
        "energy-watt-hour": "vatsaat",
        "energy-megawatt-hour": "megavatsaat",
        "electric-ampere-hour": "ampersaat",
        "electric-milliampere-hour": "miliampersaat",
        "electric-millivolt": "milivolt",
        "electric-kilovolt": "kilovolt",
        "sound-decibel": "desibel",
        "graphics-frame-per-second": "saniyede {0} kare",
        "revolution-per-minute": "dakikada {0} devir",
        "digital-megabit-per-second": "saniyede {0} megabit",
        "digital-megabyte-per-second": "saniyede {0} megabayt",
        "area-square-millimeter": "milimetrekare",
    }
    clock_before = "saat"
    oh = "sıfır"
    ranges = "ila"
    by = "çarpı"
    symbols = {
        "&": "ve", "@": "et", "+": "artı", "=": "eşittir", "==": "eşittir", "×": "çarpı", "÷": "bölü",
        "±": "artı eksi", "≈": "yaklaşık", "≤": "küçük eşittir", "≥": "büyük eşittir", "<": "küçüktür",
        ">": "büyüktür", "<=": "küçük eşittir", ">=": "büyük eşittir", "≠": "eşit değildir", "*": "çarpı", "^": "üzeri",
        "~": "yaklaşık", "№": "numara", "#": "diyez", "/": "bölü", "²": "kare", "³": "küp", "√": "karekök",
        "∞": "sonsuz", "§": "paragraf", "π": "pi",
    }  # fmt: skip
    fractions = {"1/2": "yarım", "1/4": "çeyrek"}
    mixed = "{0} tam {1}"
    mixed_half = "{0} buçuk"
    dot = "nokta"
    number_sign = "numara"
    terms = {"C++": "C artı artı", "C#": "C şarp", "F#": "F şarp"}
    ending_signs = "['’]"
    dotted_ordinals = True
    roman_after = "bölüm kısım cilt perde tip sınıf"
    roman_before = (
        "dünya yüzyıl yüzyılda yüzyılın yüzyıla yüzyıldan yy louis mehmet murat selim süleyman bayezid mustafa ahmet"
        " abdülhamid abdülhamit charles henry george elizabeth william katerina nikolay wilhelm friedrich napolyon"
        " bölüm kısım cilt haçlı kolordu ordu"
    )

    def with_ending(self, number: Number, ending: str, context: Context = NOWHERE) -> str:
        match = _ORDINAL.match(ending) if number.is_integer and not number.sign else None
        if match:
            return self.ordinal(int(number.whole)) + ending[match.end() :]
        return self.say(number) + ending

    def is_counted_by_ordinals(self, word: str) -> bool:
        return word.lower() in set("kat sınıf bölüm dünya lig gün hafta sıra yüzyıl cilt kez tur yıl".split())

    def fraction(self, whole: int | None, above: int, below: int) -> str:
        if f"{above}/{below}" in self.fractions and (whole is None or (above, below) == (1, 2)):
            return super().fraction(whole, above, below)
        words = f"{_inflected(self.cardinal(below), _LOCATIVES, 'da')} {self.cardinal(above)}"
        return words if whole is None else self.mixed.format(self.cardinal(whole), words)

    def proportion(self, first: int, second: int) -> str:
        return f"{_inflected(self.cardinal(first), _DATIVES, 'a')} {self.cardinal(second)}"


def _inflected(words: str, endings: dict[str, str], ending: str) -> str:
    start, _, last = words.rpartition(" ")
    return f"{start} {endings.get(last, last + ending)}".strip()


LANGUAGE = Turkish

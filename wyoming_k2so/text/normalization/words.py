"""What is written with letters or signs alone: abbreviations, Roman numerals, symbols, full stops."""

from __future__ import annotations

import unicodedata

import regex

from wyoming_k2so.text.abbreviations import Abbreviations

from .language import Language
from .stages import LETTER, Stage, any_of, around, stage

_WIDE_ASCII = {
    chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in "！（），．：；？［］"
}
_SAME = dict(zip("￥￦￡−⁄∕∶٪٫٬∙⋅∼॰", "¥₩£-//:%.,··~.", strict=True))
_SPELLINGS = str.maketrans(_WIDE_ASCII | _SAME)
_MICRO = regex.compile(r"(?<!\p{Greek})μ(?=[A-Za-z])")
_COMPATIBLE = regex.compile(r"[\u2100-\u2115\u2117-\u2121\u2123-\u214f\u3300-\u33ff\ufb00-\ufb06\uff61-\uff9f]")
_WIDE_POINT = regex.compile(r"(?<=\d)(?:[．：](?=\d)|，(?=\d{3}(?!\d)))")
_OTHER_DIGIT = regex.compile(r"[^\P{Nd}0-9]")
_VULGAR = regex.compile(r"(?:(?P<whole>\d) ?)?(?P<part>[¼-¾⅐-⅞])")
_RAISED_UNIT = regex.compile(rf"(?<=\d ?|\b)(mm|cm|dm|km|m)(?<power>[23])(?!\d|{LETTER})", regex.V1)
_DASH_BEFORE_NUMBER = regex.compile(rf"(?<!{LETTER})(?<![\p{{N}}%°]|\p{{N}} )[–‐‑](?=[\d\p{{Sc}}])", regex.V1)
_SIMPLE = regex.compile(r"[\n -~À-žḀ-ỿ]*+")
_ROMAN = r"(?P<roman>(?=[MDCLXVI])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))"
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def characters(text: str) -> str:
    """One way to write each character: ordinary letters for wide ones, 0 to 9 for the digits of other scripts."""
    if _SIMPLE.fullmatch(text):
        text = _VULGAR.sub(_plain_fraction, text) if max(text, default="") >= "¼" else text
    else:
        text = _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text.translate(_SPELLINGS))
        text = _MICRO.sub("µ", text)
        text = _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)
        text = _WIDE_POINT.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
        text = _DASH_BEFORE_NUMBER.sub("-", text)
        text = _VULGAR.sub(_plain_fraction, text)
    return str(_RAISED_UNIT.sub(lambda match: match[1] + ("²" if match["power"] == "2" else "³"), text))


def _plain_fraction(match: regex.Match[str]) -> str:
    part = unicodedata.normalize("NFKC", match["part"]).replace("⁄", "/")
    return f"{match['whole']} {part}" if match["whole"] else part


def terms(language: Language) -> list[Stage]:
    """Words that hold signs."""
    if not language.terms:
        return []
    pattern = rf"(?<!{LETTER})(?<!\p{{N}})(?:{any_of(language.terms)})(?!{LETTER}|[\p{{N}}+#])"
    return [stage("term", pattern, lambda lang, match: lang.terms[match[0]], any_of(language.terms))]


def abbreviations(known: Abbreviations) -> list[Stage]:
    """Abbreviations with a full stop, in full."""

    def expand(language: Language, match: regex.Match[str]) -> str | None:
        signs = {*language.unit_names, *language.currency_codes, *language.scales}
        is_sign = match[0] in signs or match[0].rstrip(".") in signs
        if is_sign and regex.search(r"(?:\d ?|/)\Z", match.string[: match.start()]):
            return None
        words = known.spoken(match[0], before_number=match.string[match.end() :].lstrip()[:1].isdecimal())
        if words is None:
            return None
        words = language.in_full(words, around(match))
        if match.end() == len(match.string):
            words += "."  # it ended the sentence, too
        return words

    def initials(language: Language, match: regex.Match[str]) -> str:
        end = "." if match.end() == len(match.string) else ""
        return language.join(*regex.findall(r"\p{L}", match[0])) + end

    return [
        stage("abbreviation", rf"(?<![\p{{L}}\p{{N}}.])(?i:{known.pattern})", expand, r"[.\d]"),
        stage("initials", r"(?<![\p{L}\p{N}.])(?:\p{Lu}\. ?){2,}(?<! )", initials, r"\p{Lu}\."),
    ]


def roman(language: Language) -> list[Stage]:
    """Roman numerals: two letters or more, or one behind a word that is followed by numerals."""

    def say(language: Language, match: regex.Match[str]) -> str | None:
        letters, context = match["roman"], around(match)
        mark = match["mark"] or ""
        announced = context.before.lower() in language.roman_words
        followed = context.after.lower() in language.roman_before.split()
        if mark and not set(letters) <= set("XVI"):
            return None
        if not (announced or followed or mark) and (len(letters) < 2 or not set(letters) <= set("XVI")):
            return None
        values = [_ROMAN_VALUES[letter] for letter in letters]
        number = sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))
        context = context._replace(before=context.before.lower(), after=context.after.lower(), mark=mark)
        return language.ordinal(number, context) if mark else language.roman(number, context)

    mark = rf"(?P<mark>{language.roman_marks or '(?!)'})?"
    dot = r"(?:\.(?= \p{L}))?" if language.dotted_ordinals else ""
    return [
        stage(
            "roman numeral",
            rf"(?<!{LETTER}|[\p{{N}}.-]){_ROMAN}{mark}(?!{LETTER}|[\p{{N}}'’-]|\.\p{{L}}){dot}",
            say,
            "[MDCLXVI]",
        )
    ]


def operators(language: Language) -> list[Stage]:
    """Signs that mean something because of the numbers beside them. Before those are in words."""
    about, times, power = (language.symbols.get(sign, "") for sign in "≈×^")
    return [
        stage(
            "number sign",
            r"(?:#|№|(?<!\p{L})[Nn]\.?[º°]) ?(?=\d)",
            lambda lang, _: _spaced(lang, lang.number_sign),
            "[#№º°]",
        ),
        stage("about", r"[~≈](?= ?[\d\p{Sc}])", lambda lang, _: _spaced(lang, about), "[~≈]"),
        stage("times", r"(?<=\d) ?[*·×] ?(?=\d)", lambda lang, _: _spaced(lang, times), "[*·×]"),
        stage(
            "power",
            r"(?<=[\d\p{L})]) ?\^ ?(?:(?P<exponent>-?\d++)|(?=[\p{L}(-]))",
            lambda lang, match: (
                _spaced(lang, power) + (f"{match['exponent']}{lang.power_end}" if match["exponent"] else "")
            ),
            r"\^",
        ),
    ]


def symbols(language: Language) -> list[Stage]:
    """Signs that have a name wherever they stand."""
    named = {
        **{
            sign: language.name_of(sign)
            for sign in (*language.currency_codes, "%", "‰", "°")
            if language.name_of(sign) and not regex.fullmatch(r"[\p{L}\p{M}.]++", sign)
        },
        **language.symbols,
    }
    return [
        stage("slash between words", r"(?<=\p{L})/(?=\p{L})", lambda *_: " ", "/"),
        stage("symbol", any_of(named), lambda lang, match: _spaced(lang, named[match[0]]), r"[^\p{L}\s.,]"),
    ]


def _spaced(language: Language, word: str) -> str:
    return f" {word} " if language.spaces else word

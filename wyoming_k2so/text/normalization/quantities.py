"""Money, ranges, fractions, units, ordinals and all other numbers."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import regex

from .language import Language
from .number import Number
from .stages import CJK, END, LETTER, START, WORD_LETTER, Stage, any_of, around, ending_joint, number, stage
from .units import CENTS, CODES, PER

_PHONE = (
    r"(?P<phone>\+\d{1,3}(?:[ /.()-]{1,2}\d+){1,7}|\+\d{7,15}|0\d{1,5}(?:[ /-]\d{2,}){1,5}"
    r"|\d{3}[-.]\d{3}[-.]\d{4}|\d{5}-\d{4})"
)


def amounts(language: Language) -> list[Stage]:
    """From the most special to the plain number. What has several numbers comes before what has one."""
    amount = number(language)
    signs = any_of(language.currency_codes)
    leading = [sign for sign in language.currency_codes if not regex.fullmatch(f"[{CJK}]++", sign)]
    codes = CODES
    units = any_of(language.unit_names)
    per = any_of({*PER, *language.unit_signs})
    scales = any_of(language.scales) or "(?!)"
    elided = "" if language.ending_signs else f"|'{LETTER}"
    joint = ending_joint(language)
    unit = rf"(?:{units})(?:/(?:{per}))?(?![\d/²³]|{WORD_LETTER}{elided})"
    scale = rf"(?: ?(?P<scale>{scales})(?!{LETTER}))?"
    found = [
        stage("list", r"\A(?P<number>\d{1,3})[.)] (?=\S)", _list_number),
        stage("ratio", rf"{START}(\d+):(\d+){END}", _ratio, r"\d:\d"),
        stage("size", rf"{START}{number(language, 'a')} ?([x×]) ?(?={number(language, 'b')})", _size, r"\d ?[x×]"),
        stage("round the clock", rf"{START}24/7{END}", lambda lang, _m: f"{lang.cardinal(24)} {lang.cardinal(7)}"),
        stage("fraction", rf"{START}(?:(\d+) )?(\d{{1,4}})[/⁄](\d{{1,4}}){END}", _fraction, "[/⁄]"),
        stage(
            "money",
            rf"(?P<minus>(?<![\w\d])-)?(?P<code>(?<!{LETTER})(?:{any_of(leading)}|{codes})) ?{amount}{scale}(?!\d)",
            _money,
            rf"\p{{Sc}}|\b[A-Z]{{3}}\b|{any_of(language.currency_signs)}",
        ),
        stage(
            "money after its number",
            rf"{START}{amount}{scale} ?(?P<code>(?:{signs})|(?:{codes}))(?!{LETTER}){joint}",
            _money,
        ),
        stage("scaled", rf"{START}{amount} ?(?P<scale>{scales})(?!{LETTER})", _scaled),
        stage(
            "ordinal",
            rf"{START}(?P<number>\d{{1,9}})(?P<mark>{language.ordinal_signs or '(?!)'})(?!\p{{L}}|\d)",
            _ordinal,
        ),
        *_endings(language, amount),
        stage("unit", rf"{START}{amount}[ -]?(?P<unit>{unit}){joint}", _unit),
        stage("unit before its number", rf"(?P<unit>%) ?{number(language, sign=False)}{joint}", _unit, "%"),
    ]
    if language.ordinal_prefixes:
        prefixed = rf"(?<={language.ordinal_prefixes})(?P<number>\d{{1,9}})(?!\d|[.,]\d)"
        found.insert(0, stage("prefixed ordinal", prefixed, _ordinal))
    if language.dotted_ordinals:
        found.append(stage("dotted ordinal", rf"{START}(?P<number>\d{{1,4}})\.(?= ?[\p{{L}}\"'(])", _ordinal))
    return [
        *found,
        stage("number", amount, _number),
        stage("left over", r"\p{N}", _left_over, r"\p{N}"),
    ]


def _endings(language: Language, amount: str) -> list[Stage]:
    if not language.ending_signs:
        return []
    return [
        stage(
            "number with an ending", rf"{START}{amount}(?:{language.ending_signs})(?P<ending>{LETTER}+)(?!\d)", _ending
        )
    ]


def sequences() -> list[Stage]:
    """Digits that are no amount: telephone numbers, versions, scores. Before their dashes are taken for ranges."""
    return [
        stage("telephone", rf"(?<![\d.,:/])(?<!\d ){_PHONE}(?![\d-]|[.,:/]\d)", _telephone),
        stage("version", rf"{START}v?\d+(?:\.\d+){{2,}}(?!\d)", _version, r"\d\.\d+\.\d"),
        stage("list of digits", rf"{START}\d+(?:([,-])\d+)(?:\1\d+)+(?!\d|[.,]\d)", _digit_list, r"\d[,-]\d+[,-]\d"),
    ]


def ranges(language: Language) -> list[Stage]:
    """The dash between two numbers; both are said by later stages."""
    signs = any_of(language.currency_codes)
    units = any_of(language.unit_names)
    left = rf"(?P<left>(?:{number(language, 'a')}|\d{{1,2}}[:h.]\d\d)(?: ?(?:{units}|{signs}))?)"
    return [
        stage(
            "range",
            rf"{START}(?:(?P<money>{signs}) ?)?{left}(?P<space> ?)[-–~〜～](?P=space)"
            rf"(?=(?:(?P<money2>{signs}) ?)?(?P<b>{number(language, 'c', sign=False)})"
            rf"(?: ?(?P<unit>{language.range_units or '(?!)'}))?)(?!\d+[-–]\d)",
            _range,
            r"\d.*[-–~〜～]",
        )
    ]


def _range(language: Language, match: regex.Match[str]) -> str | None:
    if match["space"] and not _ascends(language, match):
        return f"{match['left']} {language.less or language.minus_word} "
    left, money = match["left"], match["money"] or ""
    if match["unit"] and match["a"] and left == match["a"]:
        left += match["unit"]
    if money and not match["money2"]:
        first, second = left, money
    else:
        first, second = f"{money}{left}", ""
    return language.span(first, around(match)) + second


def _ascends(language: Language, match: regex.Match[str]) -> bool:
    if "=" in match.string:
        return False
    if match["a"] is None:
        return True
    return bool(language.number(match["a"]).value < language.number(match["b"]).value)


def _list_number(language: Language, match: regex.Match[str]) -> str | None:
    if language.dotted_ordinals and language.is_counted_by_ordinals(around(match).after):
        return None
    return f"{language.cardinal(int(match['number']))}{language.comma}"


def _telephone(language: Language, match: regex.Match[str]) -> str:
    groups = regex.findall(r"\d+", match[0])
    plus = f"{language.plus} " if match[0][0] == "+" else ""
    return plus + ", ".join(map(language.digits, groups))


def _version(language: Language, match: regex.Match[str]) -> str | None:
    if regex.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3}){1,2}", match[0]):
        return None
    parts = match[0].removeprefix("v").split(".")
    point = f" {language.points.get('.', language.dot)} " if language.spaces else language.points.get(".", language.dot)
    words = point.join(map(language.cardinal, map(int, parts)))
    return f"v {words}" if match[0][0] == "v" else words


def _digit_list(language: Language, match: regex.Match[str]) -> str | None:
    if match[1] == "," and regex.fullmatch(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d\d)+,\d{3}", match[0]):
        return None
    return ", ".join(language.say(language.number(part)) for part in match[0].split(match[1]))


def _ratio(language: Language, match: regex.Match[str]) -> str:
    return language.proportion(int(match[1]), int(match[2]))


def _size(language: Language, match: regex.Match[str]) -> str:
    word = language.by if match[0].rstrip()[-1] == "x" else language.symbols.get("×", language.by)
    return language.join(language.say(language.number(match["a"])), word) + (" " if language.spaces else "")


def _fraction(language: Language, match: regex.Match[str]) -> str | None:
    if not int(match[3]):
        return None
    whole, above, below = int(match[1]) if match[1] else None, int(match[2]), int(match[3])
    half = language.half_of(around(match).after) if (whole, above, below) == (None, 1, 2) else ""
    return half or language.fraction(whole, above, below)


def _amount(language: Language, match: regex.Match[str]) -> Number:
    value = language.number(match["number"])
    if not language.cases:
        return value
    return replace(value, case=language.cases.get(around(match).before.lower(), ""))


def _money(language: Language, match: regex.Match[str]) -> str:
    amount = _amount(language, match)
    code = language.currency_codes.get(match["code"], match["code"])
    if match["code"] in CENTS:
        return language.counted(amount, language.cents.get(code, "cents"))
    words = language.price(amount, code, match["scale"] or "")
    return language.signed("-", words) if match.groupdict().get("minus") else words


def _scaled(language: Language, match: regex.Match[str]) -> str:
    return language.scaled(_amount(language, match), match["scale"])


def _unit(language: Language, match: regex.Match[str]) -> str | None:
    return language.unit(_amount(language, match), match["unit"])


def _ordinal(language: Language, match: regex.Match[str]) -> str:
    return language.ordinal(int(match["number"]), around(match)._replace(mark=match.groupdict().get("mark") or ""))


def _ending(language: Language, match: regex.Match[str]) -> str:
    return language.with_ending(_amount(language, match), match["ending"], around(match))


def _number(language: Language, match: regex.Match[str]) -> str:
    value = _amount(language, match)
    context = around(match)
    four = not value.grouped and value.is_integer and len(value.whole) == 4 and not value.sign
    if four and language.is_year(int(value.whole), context):
        return language.year(int(value.whole), context)
    return language.say(value, language.noun_after(value, context.after))


def _left_over(language: Language, match: regex.Match[str]) -> str:
    """Circled digits, and whatever else Unicode calls a number."""
    value = unicode_value(match[0])
    return language.cardinal(value) if value is not None else ""


def unicode_value(char: str) -> int | None:
    """The whole number that a character stands for."""
    value = unicodedata.numeric(char, None)
    return int(value) if value is not None and value >= 0 and value == int(value) else None

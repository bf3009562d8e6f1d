"""Dates and times of day."""

from __future__ import annotations

import regex

from .language import Language
from .stages import START, Stage, any_of, around, stage

_YEARS = (1000, 2999)


def in_numbers(language: Language) -> list[Stage]:
    """2024-12-31, 31.12.2024 and, where ordinals end with a full stop, 31.12. Before their dashes become ranges."""
    iso = rf"{START}(?P<year>[12]\d{{3}})([-/.])(?P<month>\d\d?)\2(?P<day>\d\d?)(?:T(?=\d\d:))?(?![\d-])"
    day_and_month = r"(?P<day>\d{1,2})(?P<sep>[./-]) ?(?P<month>\d{1,2})(?P=sep) ?"
    dotted = rf"{START}(?P<day>\d{{1,2}})\. ?(?P<month>\d{{1,2}})\.(?!\d)"
    return [
        stage("ISO date", iso, _iso_date),
        stage("date in numbers", rf"{START}{day_and_month}(?P<year>[12]\d{{3}}|\d\d)(?![\d/-]|[.,]\d)", _numeric_date),
        *([stage("day and month", dotted, _dotted_date)] if language.dotted_ordinals else []),
    ]


def with_names(language: Language) -> list[Stage]:
    """3. Nov. 2024 and December 3, 2024."""
    if not language.spaces:
        return []
    month = rf"(?P<month>(?i:{any_of(language.month_names())}))(?!\p{{L}})\.?"
    year = rf"(?:,? (?:{language.date_joints})?(?P<year>[12]\d{{3}})(?!\d|[.,]\d))?"
    mark = language.ordinal_signs or "(?!)"
    day_first = rf"(?P<day>[0-3]?\d)(?:\.|(?:{mark})(?!\p{{L}}))? (?:{language.date_joints})?{month}"
    month_first = rf"(?<!\p{{L}}){month} (?P<day>[0-3]?\d)(?:{mark})?(?![\d%°]|[.,:]\d)"
    return [
        stage("day and month's name", f"{START}{day_first}{year}", _named_date),
        stage("month's name and day", f"{month_first}{year}", _named_date),
    ]


def times(language: Language) -> list[Stage]:
    """9:00, 15.30 Uhr, 20h, 5 p.m."""
    half = r"(?P<half>[AaPp])\.?[Mm]\b\.?" if language.day_halves else "(?!)"
    word = rf"(?:{language.clock_words or '(?!)'})(?!\p{{L}})"
    dot = rf"|\.(?=\d\d ?{word})" if language.clock_dot else ""
    if language.clock_before:
        dot += rf"|(?<=(?<!\p{{L}})(?i:{language.clock_before})\d\d?)\."
    minutes = rf"(?:[:h]{dot})(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?!\d|[.,:]\d)(?: ?(?:{half}|{word}))?"
    alone = rf" ?(?:{half}|(?P<hour>{language.hour_words or '(?!)'})(?![\p{{L}}/]))"
    return [stage("time", rf"{START}(?P<h>[01]?\d|2[0-4])(?:{minutes}|{alone})", _time)]


def _iso_date(language: Language, match: regex.Match[str]) -> str | None:
    return _say(language, match, int(match["day"]), int(match["month"]), int(match["year"]))


def _numeric_date(language: Language, match: regex.Match[str]) -> str | None:
    day, month, year = int(match["day"]), int(match["month"]), int(match["year"])
    if match["sep"] != "." and not language.day_first:
        day, month = month, day
    if month > 12 >= day:
        day, month = month, day
    if year < 100:
        year += 2000 if year < 70 else 1900
    return _say(language, match, day, month, year)


def _dotted_date(language: Language, match: regex.Match[str]) -> str | None:
    return _say(language, match, int(match["day"]), int(match["month"]), None)


def _named_date(language: Language, match: regex.Match[str]) -> str | None:
    month = language.month_names()[match["month"].lower()]
    year = match["year"]
    return _say(language, match, int(match["day"]), month, int(year) if year else None)


def _say(language: Language, match: regex.Match[str], day: int, month: int, year: int | None) -> str | None:
    if not (1 <= day <= 31 and 1 <= month <= 12 and (year is None or _YEARS[0] <= year <= _YEARS[1])):
        return None
    # a full stop that ends the sentence is not the date's
    end = "." if match[0].endswith(".") and match.end() == len(match.string) else ""
    return language.say_date(day, month, year, around(match)) + end


def _time(language: Language, match: regex.Match[str]) -> str | None:
    hour, minute, second = int(match["h"]), int(match["m"] or 0), match["s"]
    half = language.day_halves.get(f"{match['half'].lower()}m", "") if language.day_halves and match["half"] else ""
    if half and not match["m"]:
        words = language.cardinal(hour)
    else:
        words = language.time(hour, minute, int(second) if second else None, around(match))
    end = "." if match[0].endswith(".") and match.end() == len(match.string) else ""
    return f"{words} {half}".strip() + end

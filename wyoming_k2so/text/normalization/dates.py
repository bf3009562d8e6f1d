"""Dates and times of day."""

from __future__ import annotations

import regex

from .language import Language
from .stages import END, START, Stage, any_of, around, stage

_YEARS = (1000, 2999)


def stages(language: Language) -> tuple[list[Stage], list[Stage]]:
    """Dates with the name of a month and times; and dates in numbers, whose dashes are no ranges."""
    months = any_of(language.month_names())
    month = rf"(?P<month>(?i:{months}))(?![\p{{L}}])\.?"
    year = rf"(?:,? (?:{language.date_joints})?(?P<year>[12]\d{{3}})(?![\d.,]\d)(?!\d))?"
    day = r"(?P<day>[0-3]?\d)"
    mark = language.ordinal_signs or "(?!)"
    halves = r"(?:(?P<half>[AaPp])\.?[Mm]\b\.?)" if language.day_halves else "(?!)"
    words = language.clock_words or "(?!)"
    dot = rf"|(?P<dot>\.)(?=\d\d ?(?:{words})(?!\p{{L}}))" if language.clock_dot else ""
    by_number = [
        stage("iso date", rf"{START}(?P<year>[12]\d{{3}})-(?P<month>\d\d)-(?P<day>\d\d)(?:T(?=\d\d:))?(?![\d-])", _date),
        stage(
            "numeric date",
            rf"{START}(?P<day>\d{{1,2}})(?P<sep>[./-]) ?(?P<month>\d{{1,2}})(?P=sep) ?(?P<year>[12]\d{{3}}|\d\d)(?![\d/-]|[.,]\d)",
            _numeric_date,
        ),
        stage("day and month", rf"{START}(?P<day>\d{{1,2}})\. ?(?P<month>\d{{1,2}})\.(?!\d)", _dotted_date),
    ]
    by_name = []
    if months and language.spaces:
        by_name = [
            stage(
                "date",
                rf"{START}{day}(?:\.|(?:{mark})(?!\p{{L}}))? (?:{language.date_joints})?{month}{year}",
                _named_date,
            ),
            stage("month and day", rf"(?<!\p{{L}}){month} {day}(?:{mark})?(?![\d%°]|[.,:]\d){year}", _named_date),
        ]
    return [
        *by_name,
        stage(
            "time",
            rf"{START}(?P<h>[01]?\d|2[0-4])(?:(?:[:h]{dot})(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?!\d|[:,]\d|\.\d)"
            rf"(?: ?(?:{halves}|(?:{words})(?!\p{{L}})))?| ?{halves}| ?(?P<hour>{words})(?!\p{{L}}|/))",
            _time,
        ),
    ], by_number


def _date(language: Language, match: regex.Match[str]) -> str | None:
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
    if not language.dotted_ordinals:
        return None
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
    if match["hour"] and not regex.fullmatch(language.hour_words or "(?!)", match["hour"]):
        return None
    if half and not match["m"]:
        words = language.cardinal(hour)
    else:
        words = language.time(hour, minute, int(second) if second else None, around(match))
    end = "." if match[0].endswith(".") and match.end() == len(match.string) else ""
    return f"{words} {half}".strip() + end

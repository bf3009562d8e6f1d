"""Values of settings: convert them from what a user wrote, and check their limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

from .config import Option

_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

_SCALARS = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path", str: "a text"}


def supported(kind: Any) -> bool:
    """Whether a setting can have that type."""
    return kind in _SCALARS or (get_origin(kind) is tuple and get_args(kind)[0] in _SCALARS)


def check(value: Any, option: Option) -> str | None:
    """What is wrong with a value of the right type, or None."""
    if isinstance(value, tuple):
        problems = (check(part, option) for part in value)
        return next((problem for problem in problems if problem), None)
    low, high = option.low, option.high
    if option.choices and value not in option.choices and low is None:
        return f"must be one of {', '.join(map(str, option.choices))}"
    if is_word(value, option):
        return None
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        return "must be " + "".join(f"{word} or " for word in option.choices) + _limits(low, high)
    return None


def is_word(value: Any, option: Option) -> bool:
    """Whether a value is one of the words that are allowed beside numbers, such as `auto`."""
    return isinstance(value, str) and value in option.choices


def convert(value: Any, kind: Any, option: Option) -> Any:
    """A value of type `kind`. Flags and variables are strings; values of a file have a type of their own.

    Raises:
        ValueError: it cannot be converted; `describe` says what it must be.
    """
    try:
        if is_word(value, option):
            return value
        if get_origin(kind) is not tuple:
            return _scalar(value, kind)
        parts = value.split(",") if isinstance(value, str) else value
        if not parts:
            raise ValueError("empty list")
        return tuple(_scalar(part, get_args(kind)[0]) for part in parts)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from None


def describe(kind: Any, option: Option) -> str:
    """What a value must be, for an error message."""
    if option.choices and option.low is None:
        return f"one of {', '.join(map(str, option.choices))}"
    if get_origin(kind) is tuple:
        return "a list of numbers separated by commas"
    return "".join(f"{word} or " for word in option.choices) + _SCALARS[kind]


def _limits(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:.10g}"
    return f"at least {low:g}" if high is None else f"from {low:g} to {high:.10g}"


def _scalar(value: Any, kind: Any) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).strip().lower() not in _BOOLEANS:
            raise ValueError("not a boolean")
        return _BOOLEANS[str(value).strip().lower()]
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Path)):
        raise TypeError("not a scalar")
    if kind in (int, float):
        if isinstance(value, float) and kind is int:
            raise TypeError("not a whole number")
        return kind(value)
    if not isinstance(value, (str, Path)):
        raise TypeError("not a text")
    return kind(value)

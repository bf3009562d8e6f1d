"""Checks the data of `synthesize`, `synthesize-start` and other events, and returns typed values."""

from __future__ import annotations

import math
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from wyoming_k2so.settings.config import MAX_NAME_CHARS, Option, StreamConfig, VoiceConfig
from wyoming_k2so.settings.options import option_of, settings_of
from wyoming_k2so.settings.values import check, is_word

TEXT_FORMATS = ("text", "ssml")

_STREAM = list(settings_of(StreamConfig))

T = TypeVar("T")


class BadRequest(ValueError):
    """The data of an event is invalid; the message names the field and the allowed values."""


@dataclass(frozen=True)
class SpeechRequest:
    """How to speak a reply; None leaves a field to the server."""

    voice: str | None = None
    speaker: str | None = None
    language: str | None = None
    speed: float | None = None
    text_format: str = "text"
    stream: Mapping[str, Any] = field(default_factory=dict)
    """Fields of StreamConfig to override for this reply."""


def parse_speech(data: Mapping[str, Any]) -> SpeechRequest:
    """Parse everything except the text.

    Home Assistant's core sends a voice and nothing else. `context` is for extensions: here language, speed and the
    fields of StreamConfig. Other keys in it are ignored.

    Raises:
        BadRequest: a field has the wrong type or a value that is not allowed.
    """
    voice = _get(data, "voice", dict) or {}
    context = _get(data, "context", dict) or {}
    text_format = _get(data, "text_format", str) or "text"
    if text_format not in TEXT_FORMATS:
        raise BadRequest(f"text_format must be one of {', '.join(TEXT_FORMATS)}")
    stream = {s.key: _checked(context, s.key, s.kind, s.option) for s in _STREAM}
    return SpeechRequest(
        voice=_name(voice, "name"),
        speaker=_name(voice, "speaker"),
        language=_name(context, "language") or _name(voice, "language"),
        speed=_checked(context, "speed", float, option_of(VoiceConfig, "speed")),
        text_format=text_format,
        stream={key: value for key, value in stream.items() if value is not None},
    )


def parse_text(data: Mapping[str, Any]) -> str:
    """The text of `synthesize`, `synthesize-chunk` or `ping`. Raises BadRequest if it is missing."""
    text = _get(data, "text", str)
    if text is None:
        raise BadRequest("text is missing")
    return text


def parse_voice(data: Mapping[str, Any]) -> tuple[str, str | None]:
    """The name (in NFC) and language of `k2so-add-voice` or `k2so-remove-voice`. Raises BadRequest without a name."""
    if not (name := unicodedata.normalize("NFC", _name(data, "name") or "").strip()):
        raise BadRequest("name is missing")
    return name, _name(data, "language")


def _name(data: Mapping[str, Any], key: str) -> str | None:
    name = _get(data, key, str)
    if name is not None and len(name) > MAX_NAME_CHARS:
        raise BadRequest(f"{key} must be at most {MAX_NAME_CHARS} characters")
    return name


def _get(data: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    value = data.get(key)
    if value is None:
        return None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) <= sys.float_info.max else math.inf
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadRequest(f"{key} must be {_KINDS[kind]}")
    return value


def _checked(data: Mapping[str, Any], key: str, kind: type[T], limits: Option) -> T | None:
    if is_word(data.get(key), limits):
        return cast(T, data[key])
    value = _get(data, key, kind)
    if value is not None and (problem := check(value, limits)):
        raise BadRequest(f"{key} {problem}")
    return value


_KINDS: dict[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
}

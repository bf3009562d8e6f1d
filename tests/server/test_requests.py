"""Parsing requests: typed values, or an error that names the field."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_k2so.server.requests import BadRequest, SpeechRequest, parse_speech, parse_text, parse_voice
from wyoming_k2so.settings.config import StreamConfig


def test_an_empty_request_leaves_everything_to_the_server() -> None:
    assert parse_speech({}) == SpeechRequest()
    assert parse_speech({"voice": None, "context": None, "text_format": None}) == SpeechRequest()


def test_a_voice_and_a_speaker_as_home_assistant_sends_them() -> None:
    data = {"text": "Hello", "voice": {"name": "Ana", "speaker": "calm"}}
    assert parse_speech(data) == SpeechRequest(voice="Ana", speaker="calm")


def test_all_fields() -> None:
    stream = {
        "sample_rate": 16_000,
        "sample_width": 3,
        "channels": 2,
        "chunk_samples": 2048,
        "prebuffer": "auto",
        "early_clause": False,
        "loudness": -18,
        "silence_before": 0.5,
        "silence_after": 1,
        "sentence_pause": 0,
    }
    data = {
        "voice": {"name": "Ana", "language": "en"},
        "text_format": "ssml",
        "context": stream | {"language": "de", "speed": 2, "whatever": ["else"]},
    }
    asked = parse_speech(data)
    assert asked == SpeechRequest(voice="Ana", language="de", speed=2.0, text_format="ssml", stream=stream)
    assert {type(asked.stream[name]) for name in ("loudness", "silence_after", "sentence_pause")} == {float}


def test_a_language_may_be_part_of_the_voice() -> None:
    assert parse_speech({"voice": {"language": "pt-BR"}}).language == "pt-BR"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"voice": "Ana"}, "voice must be an object"),
        ({"voice": {"name": 3}}, "name must be a string"),
        ({"voice": {"name": "x" * 201}}, "name must be at most 200 characters"),
        ({"context": {"language": "x" * 201}}, "language must be at most 200 characters"),
        ({"voice": {"speaker": []}}, "speaker must be a string"),
        ({"voice": {"language": {}}}, "language must be a string"),
        ({"context": []}, "context must be an object"),
        ({"text_format": 1}, "text_format must be a string"),
        ({"text_format": "html"}, "text_format must be one of text, ssml"),
        ({"context": {"language": 1}}, "language must be a string"),
        ({"context": {"speed": "fast"}}, "speed must be a number"),
        ({"context": {"speed": True}}, "speed must be a number"),
        ({"context": {"speed": 0.49}}, "speed must be from 0.5 to 2"),
        ({"context": {"speed": 3}}, "speed must be from 0.5 to 2"),
        ({"context": {"speed": float("nan")}}, "speed must be from 0.5 to 2"),
        ({"context": {"speed": 10**400}}, "speed must be from 0.5 to 2"),
        ({"context": {"speed": -(10**400)}}, "speed must be from 0.5 to 2"),
        ({"context": {"sample_rate": 16_000.0}}, "sample_rate must be a whole number"),
        ({"context": {"sample_rate": True}}, "sample_rate must be a whole number"),
        ({"context": {"sample_rate": 7_999}}, "sample_rate must be from 8000 to 96000"),
        ({"context": {"sample_rate": 96_001}}, "sample_rate must be from 8000 to 96000"),
        ({"context": {"chunk_samples": 1000}}, "chunk_samples must be one of 2048, 4096, 8192"),
        ({"context": {"chunk_samples": "2048"}}, "chunk_samples must be a whole number"),
        ({"context": {"prebuffer": 17}}, "prebuffer must be auto or from 0 to 16"),
        ({"context": {"prebuffer": -1}}, "prebuffer must be auto or from 0 to 16"),
        ({"context": {"sample_width": 1}}, "sample_width must be one of 2, 3, 4"),
        ({"context": {"channels": 6}}, "channels must be one of 1, 2"),
        ({"context": {"loudness": 18}}, "loudness must be from -40 to -10"),
        ({"context": {"silence_before": 60}}, "silence_before must be from 0 to 5"),
        ({"context": {"silence_after": "long"}}, "silence_after must be a number"),
        ({"context": {"sentence_pause": -0.1}}, "sentence_pause must be from 0 to 5"),
        ({"context": {"early_clause": 1}}, "early_clause must be true or false"),
    ],
)
def test_an_error_names_the_field(data: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_speech(data)
    assert str(caught.value) == message


def test_every_stream_setting_is_accepted() -> None:
    context = asdict(StreamConfig(sample_rate=8000, loudness=-20))
    assert parse_speech({"context": context}).stream == context
    assert parse_speech({"context": dict.fromkeys(context)}).stream == {}


def test_text_is_not_changed() -> None:
    assert parse_text({"text": " Grüße,\n"}) == " Grüße,\n"
    assert parse_text({"text": ""}) == ""


@pytest.mark.parametrize("data", [{}, {"text": None}, {"text": 5}, {"text": ["a"]}])
def test_text_is_required_and_must_be_a_string(data: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"^text "):
        parse_text(data)


def test_a_voice_needs_a_name_and_may_have_a_language() -> None:
    assert parse_voice({"name": " Jo\u0308rg ", "language": "de"}) == ("J\u00f6rg", "de")
    assert parse_voice({"name": "a"}) == ("a", None)
    for data in ({}, {"name": " "}, {"name": 5}, {"name": "a", "language": 5}):
        with pytest.raises(BadRequest):
            parse_voice(data)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text("a\ud83d", max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.just("a"), inner)),
    max_leaves=3,
)
CONTEXT = st.dictionaries(st.sampled_from(["language", "speed", *asdict(StreamConfig())]), JSON)
VOICE = st.dictionaries(st.sampled_from(["name", "speaker", "language"]), JSON)


@given(
    st.fixed_dictionaries(
        {}, optional={"voice": JSON | VOICE, "context": JSON | CONTEXT, "text_format": JSON, "text": JSON, "name": JSON}
    )
)
def test_any_json_gives_a_request_or_bad_request(data: dict[str, Any]) -> None:
    for parse in (parse_speech, parse_text, parse_voice):
        with suppress(BadRequest):
            parse(data)

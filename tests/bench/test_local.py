"""The benchmark's table and its line of JSON, with an engine that takes the time that the script says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.fakes import ScriptedEngine
from wyoming_k2so.bench import local
from wyoming_k2so.engine import EngineError, Request
from wyoming_k2so.settings.config import StreamConfig
from wyoming_k2so.voices.catalog import Choice

STREAM = StreamConfig()
ROWS = [
    local.Row("piper", "none", "short", 0.1, 0.2, 0.05, 3.0, 100.5),
    local.Row("xtts", "int8", "long", 0.4, 0.5, 0.45, 20.0, 1200.0),
]


def choice(engine: ScriptedEngine) -> Choice:
    return Choice(engine, Request("test", "en-US"))


def test_a_row_tells_what_the_engine_took() -> None:
    engine = ScriptedEngine(first_audio=0.03, piece_s=0.5)
    row = local.measure(choice(engine), "short", STREAM, 2)
    assert (row.engine, row.text) == ("scripted", "short")
    assert 0.03 <= row.first_audio_s <= row.first_audio_p95_s < 2
    assert row.audio_s == pytest.approx(len(local.TEXTS["short"]) * engine.CHAR_S, rel=0.2)
    assert 0 < row.rtf < 1
    assert row.peak_mb > 10


def test_every_round_is_spoken_after_one_to_warm_up() -> None:
    engine = ScriptedEngine()
    local.measure(choice(engine), "short", STREAM, 3)
    assert len(engine.requests) == 4
    assert engine.open_utterances == 0


def test_the_first_round_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ScriptedEngine(first_audio=0.3)
    speak = local._speak

    def speak_slowly_once(*arguments: Any) -> Any:
        reply = speak(*arguments)
        engine.first_audio = 0.0
        return reply

    monkeypatch.setattr(local, "_speak", speak_slowly_once)
    assert local.measure(choice(engine), "short", STREAM, 1).first_audio_s < 0.3


def test_a_failure_is_no_row() -> None:
    with pytest.raises(EngineError, match="no other voice can"):
        local.measure(choice(ScriptedEngine(fail_open=True)), "short", STREAM, 1)


def test_a_reply_is_followed_from_word_to_chunk() -> None:
    engine = ScriptedEngine(rtf=0.1)
    timeline = local.follow(choice(engine), local.TEXTS["medium"], STREAM, words_per_s=1000)
    assert (timeline.engine, timeline.mode) == ("scripted", "fp32")
    assert len(timeline.text) == len(local.TEXTS["medium"].split())
    assert timeline.text == sorted(timeline.text)
    left = [when for when, _ in timeline.chunks]
    assert left == sorted(left)
    assert left[0] > timeline.text[0]
    assert sum(seconds for _, seconds in timeline.chunks) == pytest.approx(len(local.TEXTS["medium"]) * 0.02, rel=0.05)
    assert engine.open_utterances == 0


def test_a_reply_that_fails_has_no_timeline() -> None:
    with pytest.raises(EngineError, match="no other voice can"):
        local.follow(choice(ScriptedEngine(fail_open=True)), "Hello.", STREAM)


def test_the_texts_grow() -> None:
    short, medium, long = (len(local.TEXTS[name]) for name in ("short", "medium", "long"))
    assert short * 2 < medium < long


def test_json_is_one_line_with_the_documented_fields() -> None:
    line = local.as_json(ROWS)
    assert "\n" not in line
    data = json.loads(line)
    assert set(data) == {"machine", "rows"}
    assert json.loads(local.as_json(ROWS, local.Timeline("piper", "none", [0.0], [(0.1, 0.2)])))["timeline"] == {
        "engine": "piper",
        "mode": "none",
        "text": [0.0],
        "chunks": [[0.1, 0.2]],
    }
    assert set(data["machine"]) == {"cpu", "cores", "system", "python"}
    assert (
        data["rows"][0].items()
        >= {
            "engine": "piper",
            "mode": "none",
            "text": "short",
            "first_audio_s": 0.1,
            "first_audio_p95_s": 0.2,
            "rtf": 0.05,
            "peak_mb": 100.5,
        }.items()
    )


def test_the_table_has_a_line_for_each_row_under_its_heads() -> None:
    head, *lines = local.table(ROWS).splitlines()
    assert head.split() == ["engine", "mode", "text", "first", "audio", "p95", "RTF", "ms/s", "audio", "peak"]
    assert [line.split() for line in lines] == [
        ["piper", "none", "short", "100", "ms", "200", "ms", "0.050", "50", "100", "MB"],
        ["xtts", "int8", "long", "400", "ms", "500", "ms", "0.450", "450", "1200", "MB"],
    ]


@pytest.mark.parametrize(("values", "expected"), [([3.0], 3.0), ([2.0, 1.0], 2.0), ([*map(float, range(21))], 19.0)])
def test_percentile(values: list[float], expected: float) -> None:
    assert local.percentile(values, 0.95) == expected

"""An engine measured through the pipeline: one that takes the time that the script says."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.fakes import ScriptedEngine
from wyoming_k2so.bench import local
from wyoming_k2so.engine import EngineError, Request, Samples
from wyoming_k2so.settings.config import StreamConfig
from wyoming_k2so.voices.catalog import Choice

STREAM = StreamConfig()


def choice(engine: ScriptedEngine) -> Choice:
    return Choice(engine, Request("test", "en-US"))


def test_a_row_holds_the_figures_of_all_rounds() -> None:
    engine = ScriptedEngine(first_audio=0.03, piece_s=0.5)
    row = local.measure(choice(engine), "short", STREAM, 2)
    assert (row["engine"], row["mode"], row["text"], row["replies"]) == ("scripted", "fp32", "short", 2)
    assert 0.03 <= row["first_audio_s"] <= row["first_audio_worst_s"] < 2
    assert row["audio_s"] == pytest.approx(len(local.TEXTS["short"]) * engine.CHAR_S, rel=0.2)
    assert 0 < row["rtf"] < 1
    assert row["peak_mb"] > 10


def test_processor_time_counts_work_and_not_waiting() -> None:
    class Busy(ScriptedEngine):
        def sound(self, text: str, voice: str = "test") -> Samples:
            ends = time.process_time() + 0.1
            while time.process_time() < ends:
                pass
            return super().sound(text, voice)

    waiting = local.measure(choice(ScriptedEngine(first_audio=0.1)), "short", STREAM, 1)
    busy = local.measure(choice(Busy()), "short", STREAM, 1)
    assert waiting["rtf"] > 0.09
    assert waiting["cpu_rtf"] < 0.09 < busy["cpu_rtf"]


def test_a_warm_up_comes_before_the_rounds() -> None:
    engine = ScriptedEngine()
    local.measure(choice(engine), "short", STREAM, 3)
    assert len(engine.requests) == 4
    assert engine.open_utterances == 0


def test_the_warm_up_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ScriptedEngine(first_audio=0.3)
    speak = local._speak

    def speak_slowly_once(*arguments: Any) -> Any:
        reply = speak(*arguments)
        engine.first_audio = 0.0
        return reply

    monkeypatch.setattr(local, "_speak", speak_slowly_once)
    assert local.measure(choice(engine), "short", STREAM, 1)["first_audio_s"] < 0.3


def test_a_failed_reply_raises() -> None:
    with pytest.raises(EngineError, match="no other voice can"):
        local.measure(choice(ScriptedEngine(fail_open=True)), "short", STREAM, 1)


def test_a_timeline_runs_from_the_first_word_to_the_last_chunk() -> None:
    engine = ScriptedEngine(rtf=0.1)
    timeline = local.follow(choice(engine), local.TEXTS["medium"], STREAM, words_per_s=1000)
    assert (timeline["engine"], timeline["mode"]) == ("scripted", "fp32")
    assert len(timeline["text"]) == len(local.TEXTS["medium"].split())
    assert timeline["text"] == sorted(timeline["text"])
    left = [when for when, _ in timeline["chunks"]]
    assert left == sorted(left)
    assert left[0] > timeline["text"][0]
    played = sum(seconds for _, seconds in timeline["chunks"])
    assert played == pytest.approx(len(local.TEXTS["medium"]) * engine.CHAR_S, rel=0.05)
    assert engine.open_utterances == 0


def test_a_failed_reply_has_no_timeline() -> None:
    with pytest.raises(EngineError, match="no other voice can"):
        local.follow(choice(ScriptedEngine(fail_open=True)), "Hello.", STREAM)


def test_each_text_is_longer_than_the_one_before() -> None:
    short, medium, long = (len(local.TEXTS[name]) for name in ("short", "medium", "long"))
    assert short * 2 < medium < long

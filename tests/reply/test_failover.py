"""Every segment is spoken, whatever fails: first a retry, then the fallback voice."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.fakes import Failure, ScriptedEngine, make_voice
from tests.support.spoken import FIVE_SENTENCES, FULL_SCALE, assert_heard, expected, make_reply, samples, speak
from wyoming_k2so.engine import Request, Utterance


@pytest.mark.parametrize("failure", ["raise", "raise-late", "nan", "silent"])
def test_a_failed_segment_is_retried_and_nothing_is_heard_twice(failure: Failure) -> None:
    engine = ScriptedEngine(fail_at={1: failure})
    reply = make_reply(engine)
    chunks = speak(reply, FIVE_SENTENCES)
    once = engine.said[:1] + engine.said[2:]
    assert " ".join(once) == FIVE_SENTENCES
    assert_heard(chunks, np.concatenate([engine.sound(segment) for segment in once]))
    assert reply.figures.retries == 1
    assert reply.figures.fallbacks == 0
    assert reply.figures.outcome == "ok"
    assert engine.open_utterances == 0


def test_a_segment_that_fails_twice_is_spoken_by_the_fallback_in_the_same_format() -> None:
    engine = ScriptedEngine(fail_at={1: "raise", 2: "raise"})
    fallback = ScriptedEngine(make_voice("other"), name="fallback", rate=8_000)
    reply = make_reply(engine, fallback)
    chunks = speak(reply, FIVE_SENTENCES)
    assert fallback.said == ["The second one follows it."]
    assert len(engine.said) == 6
    assert {chunk.format.rate for chunk in chunks} == {16_000}
    heard = samples(chunks)
    first = engine.sound(engine.said[0])
    assert np.abs(heard[: len(first)] - first).max() <= 1 / FULL_SCALE
    length = sum(len(engine.sound(text)) for text in FIVE_SENTENCES.split(". ")) + 4 * len(engine.sound("."))
    assert len(heard) == pytest.approx(length, abs=4)
    assert reply.figures.fallbacks == 1
    assert reply.figures.outcome == "ok"


def test_an_engine_that_cannot_be_opened_is_replaced() -> None:
    fallback = ScriptedEngine(make_voice("other"), rate=8_000)
    reply = make_reply(ScriptedEngine(fail_open=True), fallback)
    chunks = speak(reply, FIVE_SENTENCES)
    assert_heard(chunks, expected(fallback, "other"))
    assert reply.figures.fallbacks == 5


def test_without_a_fallback_the_reply_ends_with_an_error() -> None:
    engine = ScriptedEngine(fail_at={1: "raise", 2: "raise"})
    reply = make_reply(engine)
    chunks = speak(reply, FIVE_SENTENCES)
    assert_heard(chunks, engine.sound(engine.said[0])[: len(samples(chunks))])
    assert reply.figures.outcome == "error"
    assert reply.figures.error
    assert engine.open_utterances == 0


def test_when_no_voice_can_be_opened_the_error_names_the_voice() -> None:
    reply = make_reply(ScriptedEngine(fail_open=True), ScriptedEngine(fail_open=True))
    assert speak(reply, "Hello.") == []
    assert reply.figures.outcome == "error"
    assert "scripted/test" in (reply.figures.error or "")


def test_a_voice_that_cannot_be_closed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, fallback = ScriptedEngine(fail_at={1: "raise", 2: "raise"}), ScriptedEngine(make_voice("other"))
    opened = engine.open

    def open_unclosable(request: Request) -> Utterance:
        utterance = opened(request)

        def close() -> None:
            raise RuntimeError("stuck")

        monkeypatch.setattr(utterance, "close", close)
        return utterance

    monkeypatch.setattr(engine, "open", open_unclosable)
    reply = make_reply(engine, fallback)
    speak(reply, FIVE_SENTENCES)
    assert fallback.said == ["The second one follows it."]
    assert (reply.ended, reply.figures.outcome) == (True, "ok")

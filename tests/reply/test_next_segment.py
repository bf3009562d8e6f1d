"""An engine is told the next segment as soon as its text has arrived; this is only a hint."""

from __future__ import annotations

import threading
import time

from tests.support.fakes import ScriptedEngine
from tests.support.spoken import FIVE_SENTENCES, assert_heard, choose, expected, make_reply, speak
from wyoming_k2so.reply.pipeline import Reply


def test_each_segment_is_announced_once_while_the_one_before_is_spoken() -> None:
    engine = ScriptedEngine(piece_s=0.05)
    speak(make_reply(engine), FIVE_SENTENCES)
    assert len(engine.said) == 5
    assert engine.expected == list(enumerate(engine.said[1:], 1))


def test_a_pause_between_segments_does_not_hide_the_next_one() -> None:
    engine = ScriptedEngine()
    speak(Reply(choose(engine), text_format="ssml"), *"<speak>One.<break time='100ms'/>Two.</speak>")
    assert engine.expected == [(1, "Two.")]


def test_a_segment_that_arrives_late_is_announced_between_two_pieces() -> None:
    gate = threading.Semaphore(0)
    engine = ScriptedEngine(rtf=0.3, piece_s=0.05, gate=gate)
    reply = make_reply(engine)
    reply.start()
    reply.feed("The first sentence is rather long, so that it takes a while to speak it. ")
    deadline = time.monotonic() + 10
    while not engine.said and time.monotonic() < deadline:
        time.sleep(0.001)
    assert engine.expected == []
    reply.feed("And this is the second one.")
    reply.finish()
    gate.release()
    gate.release()
    chunks = list(reply)
    assert engine.expected == [(1, "And this is the second one.")]
    assert_heard(chunks, expected(engine))


def test_an_error_in_expect_does_not_fail_the_reply() -> None:
    engine = ScriptedEngine(fail_expect=True)
    reply = make_reply(engine)
    chunks = speak(reply, FIVE_SENTENCES)
    assert_heard(chunks, expected(engine))
    assert (reply.figures.retries, reply.figures.outcome) == (0, "ok")


def test_the_next_segment_is_announced_again_after_a_failure() -> None:
    engine = ScriptedEngine(fail_at={0: "raise-late"}, piece_s=0.05)
    speak(make_reply(engine), "The first sentence is here. The second one follows it.")
    assert [segment for _, segment in engine.expected] == [engine.said[-1]] * 2


def test_the_next_segment_is_announced_to_the_fallback_voice() -> None:
    engine = ScriptedEngine(fail_at={0: "raise", 1: "raise"})
    other = ScriptedEngine(name="other")
    speak(make_reply(engine, other), "The first sentence is here. The second one follows it.")
    assert other.expected == [(1, "The second one follows it.")]

"""Chunks leave a real reply when its prebuffer says so."""

from __future__ import annotations

import threading

import pytest

from tests.support.fakes import ScriptedEngine
from tests.support.spoken import FIVE_SENTENCES, assert_heard, make_reply, speak


@pytest.mark.parametrize("held", [0, 1, 3, 16])
def test_a_fixed_prebuffer_holds_back_that_many_chunks(held: int) -> None:
    gate = threading.Semaphore(0)
    long, short = "A sentence that is much longer than the other one. " * 3, "Go."
    engine = ScriptedEngine(gate=gate, piece_s=0.02, max_chars=1000)
    reply = make_reply(engine, prebuffer=held)
    counts: list[int] = []
    came = threading.Event()

    def look() -> None:
        while (chunk := reply.poll()) is not None:
            counts.append(len(engine.said) and engine.pieces)
            assert chunk.audio
            came.set()

    reply.notify(look)
    reply.start()
    reply.feed(long + short)
    reply.finish()
    for _ in range(8):
        gate.release()
    assert came.wait(10)
    assert reply.join(10)
    needed = max(held, 1) * 2048 / engine.rate / engine.piece_s
    assert counts[0] >= int(needed)
    if held < 16:
        assert counts[0] <= needed + 1


def test_a_reply_shorter_than_the_prebuffer_is_sent() -> None:
    engine = ScriptedEngine()
    chunks = speak(make_reply(engine, prebuffer=16), "Yes.")
    assert_heard(chunks, engine.sound("Yes."))


def test_the_auto_prebuffer_does_not_delay_a_fast_engine() -> None:
    gate = threading.Semaphore(1)
    engine = ScriptedEngine(gate=gate)
    reply = make_reply(engine, prebuffer="auto")
    reply.start()
    reply.feed(FIVE_SENTENCES)
    assert next(iter(reply)).audio
    assert len(engine.said) <= 2
    reply.cancel()
    gate.release()


def test_the_auto_prebuffer_avoids_underruns_of_a_slow_engine() -> None:
    text = "A sentence of some length."
    eager, careful = (make_reply(ScriptedEngine(rtf=1.5), prebuffer=prebuffer) for prebuffer in (0, "auto"))
    speak(eager, text)
    speak(careful, text)
    assert eager.figures.underruns > careful.figures.underruns

"""Silence while the text is late, and the figures of a reply."""

from __future__ import annotations

import threading
import time

import pytest

from tests.support.fakes import ScriptedEngine
from tests.support.spoken import FIVE_SENTENCES, expected, make_reply, samples, speak
from wyoming_k2so.audio.chunks import Chunk
from wyoming_k2so.reply.pipeline import Reply


def read_for(reply: Reply, seconds: float) -> list[Chunk]:
    """Take chunks as the server does: as they come, with silence between them."""
    chunks, end = list[Chunk](), time.monotonic() + seconds
    while time.monotonic() < end and not reply.ended:
        if (chunk := reply.poll()) is not None:
            chunks.append(chunk)
        else:
            time.sleep(min(0.01, reply.silence_in() or 0.01))
    return chunks


def test_silence_keeps_a_stream_alive_while_the_text_pauses() -> None:
    engine = ScriptedEngine()
    reply = make_reply(engine, stall_silence=0.3)
    reply.start()
    reply.feed("Let me see. And")
    chunks = read_for(reply, 1.5)
    heard = len(engine.sound("Let me see.")) / engine.rate
    silent = [chunk for chunk in chunks if not any(chunk.audio)]
    assert silent
    assert chunks[-len(silent) :] == silent  # all silence comes after the words
    # In real time: never more than a chunk ahead of the listener.
    assert reply.figures.silence_s <= 1.5 - heard + 2 * silent[0].seconds
    assert reply.figures.silence_s == pytest.approx(sum(chunk.seconds for chunk in silent))
    assert reply.figures.underruns == 0
    reply.feed(" there it is.")
    reply.finish()
    chunks += read_for(reply, 5)
    assert engine.said == ["Let me see.", "And there it is."]
    assert [chunk.timestamp_ms for chunk in chunks] == [128 * number for number in range(len(chunks))]
    assert reply.figures.audio_s == pytest.approx(sum(c.seconds for c in chunks) - reply.figures.silence_s)


@pytest.mark.parametrize(("patience", "wait"), [(0, 0.5), (30, 0.5)])
def test_no_silence_is_sent_before_stall_silence_has_passed(patience: float, wait: float) -> None:
    reply = make_reply(ScriptedEngine(), stall_silence=patience)
    reply.start()
    reply.feed("Hi there. And")
    assert all(any(chunk.audio) for chunk in read_for(reply, wait))
    assert reply.figures.silence_s == 0
    reply.cancel()


def test_no_silence_is_sent_before_the_first_words() -> None:
    reply = make_reply(ScriptedEngine(), stall_silence=0.05)
    reply.start()
    assert read_for(reply, 0.3) == []
    reply.cancel()


def test_figures_of_a_reply() -> None:
    engine = ScriptedEngine(first_audio=0.05)
    reply = make_reply(engine)
    chunks = speak(reply, FIVE_SENTENCES)
    figures = reply.figures
    assert figures.chunks == len(chunks)
    assert figures.samples == len(samples(chunks)) == len(expected(engine))
    assert figures.audio_s == pytest.approx(figures.samples / engine.rate)
    assert figures.busy_s >= 5 * 0.05
    assert figures.rtf == pytest.approx(figures.busy_s / figures.audio_s)
    assert figures.first_audio_s is not None
    assert figures.first_audio_s >= 0.05
    assert (figures.engine, figures.voice, figures.underruns) == ("scripted", "test", 0)


def test_an_engine_slower_than_speech_underruns() -> None:
    reply = make_reply(ScriptedEngine(rtf=1.5))
    speak(reply, "A sentence of some length.")
    assert reply.figures.underruns > 0


def test_a_gap_due_to_late_text_is_not_an_underrun() -> None:
    reply = make_reply(ScriptedEngine())
    reply.start()
    reply.feed("Hello there. Then")

    def later() -> None:
        time.sleep(0.6)
        reply.feed(" more.")
        reply.finish()

    threading.Thread(target=later).start()
    assert len(list(reply)) >= 3
    assert reply.figures.underruns == 0


def test_first_audio_counts_from_the_first_text() -> None:
    reply = make_reply(ScriptedEngine())
    reply.start()
    time.sleep(0.4)
    speak_after = "Hello there."
    reply.feed(speak_after)
    reply.finish()
    assert list(reply)
    assert reply.figures.first_audio_s is not None
    assert reply.figures.first_audio_s < 0.4

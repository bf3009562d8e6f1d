"""The pipeline, driven by an engine that follows a script: order, chunks, stalls, figures."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from tests.support.fakes import ScriptedEngine
from tests.support.spoken import FIVE_SENTENCES, assert_heard, choose, expected, make_reply, samples, speak
from wyoming_k2so.audio.chunks import Chunk
from wyoming_k2so.engine import AudioFormat, Samples
from wyoming_k2so.reply import pipeline
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.settings.config import StreamConfig

# ---- sound ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2048, 4096, 8192])
def test_a_reply_is_the_sound_of_its_segments_in_chunks_of_one_size(size: int) -> None:
    engine = ScriptedEngine()
    reply = make_reply(engine, chunk_samples=size)
    chunks = speak(reply, FIVE_SENTENCES)
    assert len(engine.said) == 5
    assert " ".join(engine.said) == FIVE_SENTENCES
    assert_heard(chunks, expected(engine))
    lengths = [len(chunk.audio) // 2 for chunk in chunks]
    assert set(lengths[:-1]) == {size}
    assert 0 < lengths[-1] <= size
    assert [chunk.timestamp_ms for chunk in chunks] == [round(i * size / 16) for i in range(len(chunks))]


def test_text_in_single_letters_sounds_like_text_given_whole() -> None:
    whole, letters = ScriptedEngine(), ScriptedEngine()
    a = speak(make_reply(whole), FIVE_SENTENCES)
    b = speak(make_reply(letters), *FIVE_SENTENCES)
    assert whole.said == letters.said
    assert_heard(b, samples(a))


def test_first_audio_leaves_before_the_second_sentence_is_synthesised() -> None:
    gate = threading.Semaphore(0)
    engine = ScriptedEngine(gate=gate)
    reply = make_reply(engine)
    reply.start()
    reply.feed(FIVE_SENTENCES)
    reply.finish()
    gate.release()  # only the first sentence may be spoken
    stream = iter(reply)
    first = next(stream)
    assert len(first.audio) == 2 * 2048
    for _ in range(4):
        gate.release()
    assert_heard([first, *stream], expected(engine))


def test_what_was_said_does_not_wait_for_text_that_is_late() -> None:
    engine = ScriptedEngine()
    reply = make_reply(engine, chunk_samples=8192)
    reply.start()
    reply.feed("Quick. Then")
    heard = next(iter(reply))  # comes although a chunk is not full and no more text has come
    assert engine.said == ["Quick."]
    sound = engine.sound("Quick.")
    assert len(heard.audio) == 2 * 8192
    assert_heard([heard], np.pad(sound, (0, 8192 - len(sound))))
    reply.feed(" more.")
    reply.finish()
    assert samples(reply).any()
    assert engine.said == ["Quick.", "Then more."]


def test_text_that_stays_out_ends_the_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "TEXT_PATIENCE_S", 0.05)
    engine = ScriptedEngine()
    reply = make_reply(engine)
    reply.start()
    reply.feed("Quick. Then")  # Home Assistant's agent failed here
    assert samples(reply).any()
    assert engine.said == ["Quick.", "Then"]
    assert reply.figures.outcome == "ok"


def test_another_rate_is_resampled() -> None:
    engine = ScriptedEngine(rate=24_000)
    reply = make_reply(engine, sample_rate=16_000)
    chunks = speak(reply, "One sentence of some length.")
    assert reply.format is not None
    assert reply.format.rate == 16_000
    assert len(samples(chunks)) == pytest.approx(len(expected(engine)) * 2 / 3, abs=2)
    assert chunks[0].format.rate == 16_000


def test_ssml_breaks_are_silence() -> None:
    engine = ScriptedEngine()
    reply = Reply(choose(engine), text_format="ssml")
    chunks = speak(reply, '<speak>Yes.<break time="1s"/>No.</speak>')
    assert engine.said == ["Yes.", "No."]
    silence = np.zeros(engine.rate, np.float32)
    assert_heard(chunks, np.concatenate([engine.sound("Yes."), silence, engine.sound("No.")]))


def test_silence_stands_around_the_reply_and_between_its_sentences() -> None:
    engine = ScriptedEngine()
    reply = make_reply(engine, silence_before=0.5, silence_after=0.25, sentence_pause=0.125)
    chunks = speak(reply, "One two three. Four five six!", " Seven.")

    def silence(seconds: float) -> Samples:
        return np.zeros(round(seconds * engine.rate), np.float32)

    one, four, seven = map(engine.sound, engine.said)
    assert_heard(
        chunks,
        np.concatenate([silence(0.5), one, silence(0.125), four, silence(0.125), seven, silence(0.25)]),
    )


def test_a_cut_inside_a_sentence_is_no_pause() -> None:
    engine = ScriptedEngine(max_chars=30)
    chunks = speak(make_reply(engine, sentence_pause=1.0), "This sentence is too long, so it is cut somewhere in it.")
    assert len(engine.said) > 1
    assert_heard(chunks, expected(engine))


def test_a_break_of_its_own_goes_before_the_pause_of_a_sentence() -> None:
    engine = ScriptedEngine()
    stream = StreamConfig(sentence_pause=1.0)
    chunks = speak(
        Reply(choose(engine), text_format="ssml", stream=stream), '<speak>Yes.<break time="250ms"/>No.</speak>'
    )
    silence = np.zeros(engine.rate // 4, np.float32)
    assert_heard(chunks, np.concatenate([engine.sound("Yes."), silence, engine.sound("No.")]))


def test_width_and_channels() -> None:
    engine = ScriptedEngine()
    reply = make_reply(engine, sample_width=4, channels=2)
    chunks = speak(reply, "One sentence.")
    assert reply.format == AudioFormat(16_000, 4, 2)
    assert len(chunks[0].audio) == 2048 * 4 * 2
    left, right = np.frombuffer(b"".join(chunk.audio for chunk in chunks), "<i4").reshape(-1, 2).T
    np.testing.assert_array_equal(left, right)
    np.testing.assert_allclose(left / 2.0**31, expected(engine), atol=1e-7)


def test_voices_of_any_level_become_equally_loud() -> None:
    levels = []
    for level in (0.02, 0.5):
        engine = Noisy(level)
        levels.append(np.std(samples(speak(make_reply(engine, loudness=-23.0), FIVE_SENTENCES))))
    assert levels[0] == pytest.approx(levels[1], rel=0.02)


class Noisy(ScriptedEngine):
    """Speaks noise of some level."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self._level = level

    def sound(self, text: str, voice: str = "test") -> Samples:
        count = len(text) * 320
        return np.random.default_rng(count).uniform(-self._level, self._level, count).astype(np.float32)


@pytest.mark.parametrize("text", ["", "   \n", "🙂", "***", "```\n```"])
def test_text_without_words_gives_a_format_and_no_sound(text: str) -> None:
    engine = ScriptedEngine()
    reply = make_reply(engine, silence_before=1.0, silence_after=1.0)
    assert speak(reply, text) == []
    assert engine.said == []
    assert reply.format is not None
    assert reply.format.rate == engine.rate
    assert reply.figures.outcome == "ok"


# ---- prebuffer --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [0, 1, 3, 16])
def test_the_prebuffer_holds_back_that_many_chunks(held: int) -> None:
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


def test_a_reply_shorter_than_the_prebuffer_is_heard() -> None:
    engine = ScriptedEngine()
    chunks = speak(make_reply(engine, prebuffer=16), "Yes.")
    assert_heard(chunks, engine.sound("Yes."))


# ---- stalls -----------------------------------------------------------------------------------------------------


def read_for(reply: Reply, seconds: float) -> list[Chunk]:
    """Take chunks the way the server does: as they come, silence among them."""
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
    assert chunks[-len(silent) :] == silent  # all of it after the words
    # At the pace of speech: never more than a chunk ahead of the listener.
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
def test_no_silence_before_its_time(patience: float, wait: float) -> None:
    reply = make_reply(ScriptedEngine(), stall_silence=patience)
    reply.start()
    reply.feed("Hi there. And")
    assert all(any(chunk.audio) for chunk in read_for(reply, wait))
    assert reply.figures.silence_s == 0
    reply.cancel()


def test_no_silence_before_the_first_words() -> None:
    reply = make_reply(ScriptedEngine(), stall_silence=0.05)
    reply.start()
    assert read_for(reply, 0.3) == []
    reply.cancel()


def test_an_automatic_prebuffer_lets_a_fast_engine_go_at_once() -> None:
    gate = threading.Semaphore(1)
    engine = ScriptedEngine(gate=gate)
    reply = make_reply(engine, prebuffer="auto")
    reply.start()
    reply.feed(FIVE_SENTENCES)
    assert next(iter(reply)).audio
    assert len(engine.said) <= 2
    reply.cancel()
    gate.release()


def test_an_automatic_prebuffer_keeps_a_slow_engine_from_stuttering() -> None:
    text = "A sentence of some length."
    eager, careful = (make_reply(ScriptedEngine(rtf=1.5), prebuffer=prebuffer) for prebuffer in (0, "auto"))
    speak(eager, text)
    speak(careful, text)
    assert eager.figures.underruns > careful.figures.underruns


# ---- figures ----------------------------------------------------------------------------------------------------


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


def test_late_text_is_no_underrun() -> None:
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

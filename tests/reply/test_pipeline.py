"""A whole reply by an engine that follows a script: what is spoken, in which order and format."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests.support.fakes import ScriptedEngine
from tests.support.spoken import FIVE_SENTENCES, assert_heard, choose, expected, make_reply, samples, speak
from wyoming_k2so.engine import AudioFormat, Samples
from wyoming_k2so.reply import text_input
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.settings.config import StreamConfig


@pytest.mark.parametrize("size", [2048, 4096, 8192])
def test_a_reply_is_the_sound_of_its_segments_in_chunks_of_equal_size(size: int) -> None:
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


def test_text_fed_letter_by_letter_sounds_like_text_fed_whole() -> None:
    whole, letters = ScriptedEngine(), ScriptedEngine()
    a = speak(make_reply(whole), FIVE_SENTENCES)
    b = speak(make_reply(letters), *FIVE_SENTENCES)
    assert whole.said == letters.said
    assert_heard(b, samples(a))


def test_first_audio_is_sent_before_the_second_sentence_is_synthesised() -> None:
    gate = threading.Semaphore(0)
    engine = ScriptedEngine(gate=gate)
    reply = make_reply(engine)
    reply.start()
    reply.feed(FIVE_SENTENCES)
    reply.finish()
    gate.release()  # let only the first sentence be spoken
    stream = iter(reply)
    first = next(stream)
    assert len(first.audio) == 2 * 2048
    for _ in range(4):
        gate.release()
    assert_heard([first, *stream], expected(engine))


def test_a_partial_chunk_is_sent_when_the_text_is_late() -> None:
    engine = ScriptedEngine()
    reply = make_reply(engine, chunk_samples=8192)
    reply.start()
    reply.feed("Quick. Then")
    heard = next(iter(reply))  # although the chunk is not full
    assert engine.said == ["Quick."]
    sound = engine.sound("Quick.")
    assert len(heard.audio) == 2 * 8192
    assert_heard([heard], np.pad(sound, (0, 8192 - len(sound))))
    reply.feed(" more.")
    reply.finish()
    assert samples(reply).any()
    assert engine.said == ["Quick.", "Then more."]


def test_the_reply_ends_when_no_more_text_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_input, "TEXT_TIMEOUT_S", 0.05)
    engine = ScriptedEngine()
    reply = make_reply(engine)
    reply.start()
    reply.feed("Quick. Then")  # Home Assistant's agent failed here
    assert samples(reply).any()
    assert engine.said == ["Quick.", "Then"]
    assert reply.figures.outcome == "ok"


def test_sound_is_resampled_to_the_requested_rate() -> None:
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


def test_silence_is_added_around_the_reply_and_between_sentences() -> None:
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


def test_there_is_no_pause_where_a_long_sentence_is_split() -> None:
    engine = ScriptedEngine(max_chars=30)
    chunks = speak(make_reply(engine, sentence_pause=1.0), "This sentence is too long, so it is cut somewhere in it.")
    assert len(engine.said) > 1
    assert_heard(chunks, expected(engine))


def test_an_ssml_break_replaces_the_pause_between_sentences() -> None:
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


def test_quiet_and_loud_voices_reach_the_same_loudness() -> None:
    levels = []
    for level in (0.02, 0.5):
        engine = Noisy(level)
        levels.append(np.std(samples(speak(make_reply(engine, loudness=-23.0), FIVE_SENTENCES))))
    assert levels[0] == pytest.approx(levels[1], rel=0.02)


class Noisy(ScriptedEngine):
    """Speaks noise of a given level."""

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

"""Each guardrail by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_k2so.engine import Samples
from wyoming_k2so.engines.xtts.guardrails import TailTrimmer, expected_seconds, loop_length, plain, token_budget

RATE = 24000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('She said "hello?"', "She said hello?"),
        ("“Really?!”", "Really?"),
        ('"Stop!" he cried.', "Stop! he cried."),
        ("Wait... what", "Wait. what."),
        ("One — two – three", "One, two, three."),
        ("Hello (world) [again] *bold*", "Hello world again bold."),
        ("Yes!!!", "Yes!"),
        ("It is 21.5°C, 14% of 3-4 & that's $20", "It is 21.5°C, 14% of 3-4 & that's $20."),
        ("Hello 🙂 there ✨", "Hello there."),
        ("well-known", "well-known."),
        ("and then,", "and then."),
        ("... so", "so."),
    ],
)
def test_plain_reduces_punctuation(text: str, expected: str) -> None:
    assert plain(text, "en") == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("你好，世界", "zh-CN", "你好，世界。"),
        ("今日は良い天気ですね！", "ja", "今日は良い天気ですね！"),
        ("आप कैसे हैं?", "hi", "आप कैसे हैं?"),
        ("कीमत क्या है", "hi", "कीमत क्या है।"),
        ("كيف حالك؟", "ar", "كيف حالك؟"),
        ("Größe: 5 «Äpfel»", "de", "Größe: 5 Äpfel."),
    ],
)
def test_plain_keeps_letters_and_marks_of_other_scripts(text: str, language: str, expected: str) -> None:
    assert plain(text, language) == expected


@given(st.text(max_size=80))
def test_plain_is_idempotent_and_adds_only_a_mark(text: str) -> None:
    once = plain(text, "en")
    assert plain(once, "en") == once
    assert sum(char.isalnum() for char in once) <= sum(char.isalnum() for char in text)
    assert not once or once[-1] in ".!?。！？।؟"


def test_budget_grows_with_the_text() -> None:
    assert token_budget("Yes.", "en") < 40
    short, long = token_budget("x" * 50, "en"), token_budget("x" * 200, "en")
    assert short < long < 800
    assert token_budget("x" * 20, "zh-CN") > token_budget("x" * 20, "en")
    assert expected_seconds("12345", "en") > expected_seconds("abcde", "en")


def test_budget_is_enough_for_very_slow_speech() -> None:
    """English at 8 characters and 21.5 tokens per second."""
    for length in (5, 20, 100, 250):
        assert token_budget("a" * length, "en") > length / 8 * 21.5


@pytest.mark.parametrize("period", [1, 2, 3, 5, 12])
def test_a_loop_is_found(period: int) -> None:
    codes = [7, 8, 9, *(list(range(100, 100 + period)) * 60)]
    first = next(end for end in range(len(codes)) if loop_length(codes[:end]))
    assert first <= 3 + max(4 * period, 24) + period
    assert loop_length(codes[:first]) >= 23 - period


def test_speech_is_not_a_loop() -> None:
    rng = np.random.default_rng(0)
    assert not loop_length(rng.integers(0, 1024, 600).tolist())
    assert not loop_length([5] * 20)
    assert not loop_length([])


def tone(seconds: float) -> Samples:
    samples: Samples = (0.2 * np.sin(np.arange(int(seconds * RATE)) * 0.1)).astype(np.float32)
    return samples


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE), np.float32)


def trim(sound: Samples, *, expected_s: float, piece: int = 4096) -> Samples:
    trimmer = TailTrimmer(RATE, expected_s=expected_s)
    pieces = [trimmer.feed(sound[start : start + piece]) for start in range(0, len(sound), piece)]
    whole: Samples = np.concatenate([*pieces, trimmer.finish()])
    return whole


@pytest.mark.parametrize("piece", [100, 1024, 4096, 100_000])
def test_trailing_silence_is_shortened(piece: int) -> None:
    got = trim(np.concatenate([tone(1), silence(2)]), expected_s=0.5, piece=piece)
    assert 1.0 <= len(got) / RATE <= 1.2


def test_early_pauses_are_kept() -> None:
    sound = np.concatenate([tone(0.5), silence(0.8), tone(0.5)])
    got = trim(sound, expected_s=3)
    assert np.array_equal(got, sound)


def test_sound_after_a_late_pause_is_dropped() -> None:
    got = trim(np.concatenate([tone(1), silence(0.5), tone(0.7)]), expected_s=0.8)
    assert 1.0 <= len(got) / RATE <= 1.2


def test_a_short_late_pause_is_kept() -> None:
    sound = np.concatenate([tone(1), silence(0.2), tone(0.7)])
    assert len(trim(sound, expected_s=0.8)) == len(sound)


def test_sound_is_returned_at_once() -> None:
    assert len(TailTrimmer(RATE, expected_s=1).feed(tone(1)[:4096])) == 4096, "a window must fill a chunk"


def test_trimmer_knows_whether_there_was_any_sound() -> None:
    trimmer = TailTrimmer(RATE, expected_s=1)
    trimmer.feed(silence(1))
    assert not trimmer.heard
    trimmer.feed(tone(1))
    assert trimmer.heard

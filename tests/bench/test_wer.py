"""Word errors, and Whisper, which hears them."""

from __future__ import annotations

import pytest

from wyoming_k2so.bench import wer
from wyoming_k2so.settings.errors import UserError


@pytest.mark.parametrize(
    ("heard", "rate"),
    [
        ("The door is locked!", 0),
        ("the door", 0.5),
        ("a door was shut", 0.75),
        ("well the door is locked", 0.25),
        ("", 1),
        ("one two three four five six seven eight", 2),
    ],
)
def test_word_error_rate(heard: str, rate: float) -> None:
    assert wer.word_error_rate("The door is locked.", heard) == rate


def test_a_text_without_words_has_as_many_errors_as_words_heard() -> None:
    assert wer.word_error_rate("...", "") == 0
    assert wer.word_error_rate("...", "hm hm") == 2


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("It is 21 degrees.", "It is twenty-one degrees"),
        ("ninety nine, forty, 7", "99 40 seven"),
        ("a high of nineteen", "A high of 19!"),
        ("80%", "eighty percent"),
        ("eighty per cent", "80 %"),
        ("1,000 steps", "1000 steps"),
        ("Doctor Miller's café", "Dr. Miller's cafe"),
    ],
)
def test_spellings_of_the_same_words_are_equal(said: str, heard: str) -> None:
    assert wer.words(said) == wer.words(heard)


def test_what_is_missing_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wer.missing() == []
    monkeypatch.setattr(wer, "find_spec", lambda name: None if name == "jiwer" else object())
    with pytest.raises(UserError, match=r"listening needs jiwer: pip install 'wyoming-k2so\[listen\]'"):
        wer.whisper.__wrapped__()

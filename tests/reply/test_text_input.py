"""Text goes in as it arrives, segments come out, and whoever waits is told when the text is late."""

from __future__ import annotations

import threading
import time

import pytest

from tests.support.spoken import FIVE_SENTENCES
from wyoming_k2so.reply import text_input
from wyoming_k2so.reply.text_input import LATE_AFTER_S, TextInput, spoken_chars
from wyoming_k2so.text import Segmenter


@pytest.fixture
def text() -> TextInput:
    return TextInput(Segmenter(max_chars=250, text_format="text", early_clause=False), time.monotonic)


def never(_waited_s: float) -> bool:
    raise AssertionError("the text was late")


def test_digits_and_ideographs_count_as_several_characters() -> None:
    assert spoken_chars("word") == 4
    assert spoken_chars("2026") == 16
    assert spoken_chars("日本") == 6


def test_segments_come_in_order_and_end_with_none(text: TextInput) -> None:
    for letter in FIVE_SENTENCES:
        text.feed(letter)
    text.finish()
    segments = list(iter(lambda: text.next_segment(never), None))
    assert " ".join(segment.text for segment in segments) == FIVE_SENTENCES
    assert text.next_segment(never) is None
    assert (text.chars, text.complete) == (spoken_chars(FIVE_SENTENCES), True)


@pytest.mark.parametrize("asks", [1, 4])
def test_late_is_called_again_for_as_long_as_it_asks(text: TextInput, asks: int) -> None:
    waited: list[float] = []

    def late(waited_s: float) -> bool:
        waited.append(waited_s)
        return len(waited) < asks

    threading.Timer((asks + 2) * LATE_AFTER_S, text.feed, ["Here it is. And"]).start()
    segment = text.next_segment(late)
    assert segment is not None
    assert segment.text == "Here it is."
    assert waited == pytest.approx([LATE_AFTER_S * (number + 1) for number in range(asks)])


def test_waiting_time_runs_while_the_text_is_late(text: TextInput) -> None:
    late = threading.Event()

    def note(_waited_s: float) -> bool:
        late.set()
        return False

    thread = threading.Thread(target=text.next_segment, args=(note,))
    thread.start()
    assert text.waiting_s == 0
    assert late.wait(5)
    time.sleep(0.05)
    assert 0.04 < text.waiting_s < 5
    text.finish()
    assert text.waiting_s == 0
    thread.join(5)
    assert not thread.is_alive()


def test_the_text_ends_when_no_more_arrives(text: TextInput, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_input, "TEXT_TIMEOUT_S", 0.05)
    text.feed("Quick. Then")
    segments = list(iter(lambda: text.next_segment(lambda _: False), None))
    assert [segment.text for segment in segments] == ["Quick.", "Then"]


def test_looking_ahead_does_not_wait(text: TextInput) -> None:
    text.feed("One sentence is here. Another")
    assert text.next_segment(never) is not None
    assert text.look_ahead() is None
    text.feed(" one follows. ")
    text.finish()
    assert text.look_ahead() == "Another one follows."
    segment = text.next_segment(never)
    assert segment is not None
    assert segment.text == "Another one follows."
    assert text.look_ahead() is None


def test_white_space_does_not_begin_the_text(text: TextInput) -> None:
    text.feed(" \n")
    assert text.began_at is None
    text.feed("Hello")
    assert text.began_at is not None

"""What the speed model learns from pieces of sound, and what it expects of the next ones."""

from __future__ import annotations

import pytest

from wyoming_k2so.reply.speed_model import Average, SpeedModel


def learn_segment(model: SpeedModel, sizes: list[float], rtf: float, first_s: float = 0.3) -> None:
    for index, size in enumerate(sizes):
        took_s = rtf * size if index else first_s
        model.learn(sizes[:index], size, took_s, following=True)


def test_an_average_forgets_old_values() -> None:
    average = Average(10.0)
    for value in (1.0,) * 50 + (3.0,) * 50:
        average.add(value)
    assert average.mean == pytest.approx(3.0, abs=0.02)
    assert average.variance == pytest.approx(0.0, abs=0.05)


def test_an_average_of_few_values_is_their_mean_and_variance() -> None:
    average = Average(1000.0)
    for value in (1.0, 2.0, 3.0, 6.0):
        average.add(value)
    assert average.mean == pytest.approx(3.0, rel=0.01)
    assert average.variance == pytest.approx(3.5, rel=0.01)


def test_the_first_piece_of_a_segment_does_not_count_as_speed() -> None:
    model = SpeedModel()
    learn_segment(model, [0.2, 0.2, 0.4], rtf=0.5, first_s=9.0)
    assert model.rtf.mean == pytest.approx(0.5)
    assert model.first_piece_s.mean == pytest.approx(9.0)


def test_nothing_is_known_at_first() -> None:
    model = SpeedModel()
    assert (model.rtf.mean, model.first_piece_s.mean, model.char_s.mean) == (None, None, None)


def test_more_replies_at_once_are_expected_to_be_slower_in_proportion() -> None:
    model = SpeedModel()
    learn_segment(model, [0.2] * 50, rtf=0.4)
    model.speaking = {"one", "two", "three"}
    assert model.rtf.mean == pytest.approx(1.2)
    learn_segment(model, [0.2] * 50, rtf=0.6)
    assert model.rtf.mean == pytest.approx(0.6, abs=0.05)
    model.speaking = {"one"}
    assert model.rtf.mean == pytest.approx(0.4)


def test_the_last_piece_of_a_segment_does_not_tell_the_usual_size() -> None:
    model = SpeedModel()
    learn_segment(model, [0.1, 0.2, 0.4, 0.8], rtf=0.5)
    learn_segment(model, [0.1, 0.2, 0.03], rtf=0.5)
    assert [model.piece_s(index) for index in range(3)] == [0.1, 0.2, 0.4]


def test_pieces_never_seen_are_expected_to_double_up_to_a_limit() -> None:
    model = SpeedModel()
    learn_segment(model, [0.15, 0.3, 0.1], rtf=0.5)
    assert [model.piece_s(index) for index in range(6)] == [0.15, 0.3, 0.6, 1.2, 1.3, 1.3]

"""Trimming the context of a window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wyoming_k2so.engines.window_context import trims

RATES = [1, 8, 8, 64, 256]


def test_each_trim_point_keeps_what_later_layers_need() -> None:
    assert list(trims(11, 24, 11, [(1, 8), (8, 54), (8, 9), (256, 0)])) == [
        (3, 43),
        (64 - 54, 64 + 24 * 8 + 54),
        (54 - 9, 54 + 24 * 8 + 9),
        (9 * 32, (9 + 24 * 8) * 32),
    ]


def test_at_the_ends_of_the_sequence_all_context_is_kept() -> None:
    assert list(trims(0, 10, 2, [(1, 8), (4, 8), (4, 0)])) == [(0, 12), (0, 48), (0, 40)]


@given(
    st.integers(0, 30), st.integers(1, 50), st.integers(0, 30), st.lists(st.integers(0, 100), min_size=5, max_size=5)
)
def test_the_window_itself_is_never_trimmed(left: int, count: int, right: int, seen: list[int]) -> None:
    length, rate, at = left + count + right, 1, left
    for (rate_here, _), (start, end) in zip(
        zip(RATES, seen, strict=True), trims(left, count, right, zip(RATES, seen, strict=True)), strict=True
    ):
        length, at, rate = length * rate_here // rate, at * rate_here // rate, rate_here
        assert 0 <= start <= at
        assert at + count * rate <= end <= length
        length, at = end - start, at - start

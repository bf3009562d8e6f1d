"""What is called a percentile, and what is only the worst of a few."""

from __future__ import annotations

import statistics

import pytest

from wyoming_k2so.bench.percentiles import slow, times


@pytest.mark.parametrize("seconds", [[3.0], [2.0, 1.0, 9.0], [float(n) for n in range(19)]])
def test_fewer_than_twenty_replies_have_no_percentile(seconds: list[float]) -> None:
    found = times("first_audio", seconds)
    assert found == {"first_audio_s": statistics.median(seconds), "first_audio_worst_s": max(seconds)}
    shown = slow({"replies": len(seconds)} | found, "first_audio")
    assert shown == f"{1000 * max(seconds):.0f} ms (worst of {len(seconds)})"


def test_from_twenty_replies_up_there_is_a_percentile() -> None:
    found = times("first_audio", [float(n) for n in range(20)])
    assert found["first_audio_p95_s"] == pytest.approx(0.95 * 19)
    assert slow({"replies": 20} | found, "first_audio") == "18050 ms (p95 of 20)"


def test_the_typical_value_can_be_the_mean() -> None:
    assert times("gap", [0.0, 0.0, 0.3], statistics.fmean) == {"gap_s": 0.1, "gap_worst_s": 0.3}

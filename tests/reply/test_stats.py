"""Figures of one reply."""

from __future__ import annotations

import pytest

from wyoming_k2so.reply.stats import Figures, PlaybackClock


def test_no_gap_while_chunks_come_in_time() -> None:
    clock = PlaybackClock()
    assert [clock.sent(now, 0.25) for now in (10.0, 10.0, 10.25, 10.75)] == [0.0] * 4


def test_a_late_chunk_is_a_gap_of_the_time_that_nothing_was_heard() -> None:
    clock = PlaybackClock()
    clock.sent(10.0, 0.5)
    assert clock.sent(10.75, 0.5) == pytest.approx(0.25)


def test_playing_goes_on_from_a_late_chunk() -> None:
    clock = PlaybackClock()
    clock.sent(0.0, 0.5)
    clock.sent(2.0, 0.5)
    assert clock.sent(2.4, 0.5) == 0.0
    assert clock.sent(3.5, 0.5) == pytest.approx(0.5)


def test_rtf_is_work_per_sound() -> None:
    assert Figures("e", "v", busy_s=1.0, audio_s=4.0).rtf == 0.25
    assert Figures("e", "v", busy_s=1.0).rtf is None


def test_the_summary_tells_what_matters() -> None:
    figures = Figures("piper", "joe", first_audio_s=0.1234, busy_s=0.5, audio_s=2.0, chunks=11, underruns=2)
    assert figures.summary() == (
        "piper/joe: 2.00 s of speech in 11 chunks, first audio 0.123 s, RTF 0.250, 2 underruns, ok"
    )


def test_the_summary_tells_what_went_wrong() -> None:
    figures = Figures("piper", "joe", retries=1, fallbacks=2, outcome="error", error="the disk is full")
    assert figures.summary() == (
        "piper/joe: 0.00 s of speech in 0 chunks, first audio none, RTF none, 0 underruns, "
        "1 retries, 2 segments by the fallback voice, error: the disk is full"
    )


def test_the_summary_tells_of_a_safer_precision() -> None:
    figures = Figures("xtts", "ana", retries=1, mode="bf16", note="int8 failed: it computed values that are no numbers")
    assert figures.summary().endswith(
        "0 underruns, 1 retries, in bf16 because int8 failed: it computed values that are no numbers, ok"
    )

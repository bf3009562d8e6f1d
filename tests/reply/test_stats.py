"""One reply in numbers."""

from __future__ import annotations

import pytest

from wyoming_k2so.reply.stats import PlaybackClock, ReplyStats


def test_chunks_in_time_leave_no_gap() -> None:
    clock = PlaybackClock()
    assert [clock.sent(now, 0.25) for now in (10.0, 10.0, 10.25, 10.75)] == [0.0] * 4


def test_a_late_chunk_leaves_a_gap_until_it_arrives() -> None:
    clock = PlaybackClock()
    clock.sent(10.0, 0.5)
    assert clock.sent(10.75, 0.5) == pytest.approx(0.25)


def test_playback_continues_from_a_late_chunk() -> None:
    clock = PlaybackClock()
    clock.sent(0.0, 0.5)
    clock.sent(2.0, 0.5)
    assert clock.sent(2.4, 0.5) == 0.0
    assert clock.sent(3.5, 0.5) == pytest.approx(0.5)


def test_rtf_is_busy_time_per_second_of_sound() -> None:
    assert ReplyStats("e", "v", busy_s=1.0, audio_s=4.0).rtf == 0.25
    assert ReplyStats("e", "v", busy_s=1.0).rtf is None


def test_summary() -> None:
    figures = ReplyStats("piper", "joe", first_audio_s=0.1234, busy_s=0.5, audio_s=2.0, chunks=11, underruns=2)
    assert figures.summary() == (
        "piper/joe: 2.00 s of speech in 11 chunks, first audio 0.123 s, RTF 0.250, 2 underruns, ok"
    )


def test_the_summary_names_failures() -> None:
    figures = ReplyStats("piper", "joe", retries=1, fallbacks=2, outcome="error", error="the disk is full")
    assert figures.summary() == (
        "piper/joe: 0.00 s of speech in 0 chunks, first audio none, RTF none, 0 underruns, "
        "1 retries, 2 segments by the fallback voice, error: the disk is full"
    )


def test_the_summary_names_a_safer_precision() -> None:
    figures = ReplyStats("xtts", "ana", retries=1, mode="bf16", note="int8 failed: the model produced NaN")
    assert figures.summary().endswith("0 underruns, 1 retries, in bf16 because int8 failed: the model produced NaN, ok")

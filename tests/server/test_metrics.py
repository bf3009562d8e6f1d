"""Figures of one reply, and their sums as Prometheus reads them."""

from __future__ import annotations

import socket
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from wyoming_k2so.metrics import Figures, Metrics, PlaybackClock


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def scrape(port: int) -> dict[tuple[str, tuple[str, ...]], float]:
    """Samples by name and label values."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_reads_the_sums_over_http() -> None:
    metrics, port = Metrics(), free_port()
    metrics.serve("127.0.0.1", port)
    metrics.active_streams.inc()
    metrics.observe(Figures("xtts", "ana", first_audio_s=0.15, busy_s=1.0, audio_s=4.0, underruns=3, fallbacks=1))
    metrics.observe(Figures("xtts", "ana", first_audio_s=0.4, busy_s=2.0, audio_s=1.0, retries=2))
    metrics.observe(Figures("xtts", "ana", outcome="cancelled"))

    samples = scrape(port)
    assert samples["k2so_requests_total", ("xtts", "ok")] == 2
    assert samples["k2so_requests_total", ("xtts", "cancelled")] == 1
    assert samples["k2so_speech_seconds_total", ("xtts",)] == 5
    assert samples["k2so_underruns_total", ("xtts",)] == 3
    assert samples["k2so_retries_total", ("xtts",)] == 2
    assert samples["k2so_fallbacks_total", ("xtts",)] == 1
    assert samples["k2so_active_streams", ()] == 1
    assert samples["k2so_first_audio_seconds_bucket", ("xtts", "0.1")] == 0
    assert samples["k2so_first_audio_seconds_bucket", ("xtts", "0.2")] == 1
    assert samples["k2so_first_audio_seconds_count", ("xtts",)] == 2, "a reply without sound has no first audio"
    assert samples["k2so_rtf_bucket", ("xtts", "0.35")] == 1
    assert samples["k2so_rtf_sum", ("xtts",)] == 2.25


def test_a_taken_port_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            Metrics().serve("127.0.0.1", taken.getsockname()[1])

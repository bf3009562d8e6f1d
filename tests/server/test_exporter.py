"""Metrics as Prometheus reads them over HTTP."""

from __future__ import annotations

import logging
import socket
import threading
import time
from http.client import RemoteDisconnected
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from wyoming_k2so.reply.stats import ReplyStats
from wyoming_k2so.server import exporter
from wyoming_k2so.server.allowlist import AllowList
from wyoming_k2so.server.exporter import export
from wyoming_k2so.server.metrics import Metrics


def scrape(port: int) -> dict[tuple[str, tuple[str, ...]], float]:
    """Samples by name and label values."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_reads_the_metrics_over_http() -> None:
    metrics = Metrics()
    port = export(metrics.registry, "127.0.0.1", 0, AllowList(()))
    metrics.active_streams.inc()
    metrics.observe(ReplyStats("xtts", "ana", first_audio_s=0.15, busy_s=1.0, audio_s=4.0, underruns=3, fallbacks=1))
    metrics.observe(ReplyStats("xtts", "ana", first_audio_s=0.4, busy_s=2.0, audio_s=1.0, retries=2))
    metrics.observe(ReplyStats("xtts", "ana", outcome="cancelled", mode="bf16", note="int8 failed"))

    samples = scrape(port)
    assert samples["k2so_requests_total", ("xtts", "ok")] == 2
    assert samples["k2so_requests_total", ("xtts", "cancelled")] == 1
    assert samples["k2so_speech_seconds_total", ("xtts",)] == 5
    assert samples["k2so_underruns_total", ("xtts",)] == 3
    assert samples["k2so_retries_total", ("xtts",)] == 2
    assert samples["k2so_fallbacks_total", ("xtts",)] == 1
    assert samples["k2so_replies_in_safer_mode_total", ("xtts",)] == 1
    assert samples["k2so_replies_by_mode_total", ("xtts", "bf16")] == 1
    assert samples["k2so_active_streams", ()] == 1
    assert samples["k2so_first_audio_seconds_bucket", ("xtts", "0.1")] == 0
    assert samples["k2so_first_audio_seconds_bucket", ("xtts", "0.2")] == 1
    assert samples["k2so_first_audio_seconds_count", ("xtts",)] == 2, "a reply without audio has no time to first audio"
    assert samples["k2so_rtf_bucket", ("xtts", "0.35")] == 1
    assert samples["k2so_rtf_sum", ("xtts",)] == 2.25


def test_a_port_in_use_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            export(Metrics().registry, "127.0.0.1", taken.getsockname()[1], AllowList(()))


@pytest.mark.parametrize(("allow", "admitted"), [(("127.0.0.0/8",), True), (("10.0.0.0/8",), False)])
def test_only_addresses_on_the_allow_list_get_metrics(
    allow: tuple[str, ...], admitted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    port = export(Metrics().registry, "127.0.0.1", 0, AllowList(allow))
    if admitted:
        assert scrape(port)["k2so_active_streams", ()] == 0
        return
    with caplog.at_level(logging.WARNING), pytest.raises((RemoteDisconnected, ConnectionResetError)):
        scrape(port)
    assert "rejected a metrics request: 127.0.0.1 is not on the allow list" in caplog.text


def test_a_silent_client_is_disconnected_and_does_not_delay_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter._Handler, "timeout", 0.2)
    port = export(Metrics().registry, "127.0.0.1", 0, AllowList(()))
    with socket.create_connection(("127.0.0.1", port), timeout=30) as silent:
        assert scrape(port)["k2so_active_streams", ()] == 0
        assert silent.recv(1) == b""


def test_the_number_of_clients_is_limited() -> None:
    port = export(Metrics().registry, "127.0.0.1", 0, AllowList(()))
    before = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(exporter.MAX_CLIENTS)]
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        scrape(port)
    assert threading.active_count() == before + exporter.MAX_CLIENTS
    for client in silent:
        client.close()
    deadline = time.monotonic() + 30
    while threading.active_count() > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert scrape(port)["k2so_active_streams", ()] == 0

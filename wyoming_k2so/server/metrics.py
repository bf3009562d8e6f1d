"""Metrics of all replies of the process, for Prometheus and for clients."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram

from wyoming_k2so.reply.stats import ReplyStats

ENGINE_STATES = ("off", "loading", "ready", "idle", "failed")


class Metrics:
    """Totals over all replies, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"k2so_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"k2so_{name}", text, ("engine",), buckets=buckets, registry=self.registry)

        self._requests = counter("requests", "Replies by engine and outcome", "engine", "outcome")
        self._by_mode = counter("replies_by_mode", "Replies by engine and numeric precision", "engine", "mode")
        self._safer = counter("replies_in_safer_mode", "Replies in a safer precision than configured", "engine")
        self._speech = counter("speech_seconds", "Seconds of speech sent", "engine")
        self._underruns = counter("underruns", "Audible gaps in replies", "engine")
        self._retries = counter("retries", "Segments that were retried", "engine")
        self._fallbacks = counter("fallbacks", "Segments spoken by the fallback voice", "engine")
        self._substitutions = counter("substitutions", "Replies spoken in a different voice than requested", "engine")
        self._hangs = counter("hangs", "Times an engine hung and was reloaded", "engine")
        self._yielded = counter("busy", "Replies spoken by the fallback voice because the engine was busy", "engine")
        self._first_audio = histogram(
            "first_audio_seconds",
            "Seconds from the first text to the first audio",
            (0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10),
        )
        self._rtf = histogram(
            "rtf", "Real-time factor: seconds of work per second of audio", (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 3)
        )
        self._totals = dict.fromkeys(
            ("replies", "errors", "underruns", "retries", "fallbacks", "substitutions", "hangs"), 0
        )
        self._last: dict[str, Any] | None = None
        self._states = Enum(
            "k2so_engine_state", "State of the engine", ("engine",), states=ENGINE_STATES, registry=self.registry
        )
        self.active_streams = Gauge("k2so_active_streams", "Replies being spoken now", registry=self.registry)

    def snapshot(self) -> dict[str, Any]:
        """The totals, and the figures of the last reply that was heard."""
        return {**self._totals, "last": self._last}

    def engine_state(self, engine: str, state: str) -> None:
        """Set the state of an engine: one of ENGINE_STATES."""
        self._states.labels(engine).state(state)

    def reject(self) -> None:
        """Count a request that was rejected before an engine could speak it."""
        self._requests.labels("none", "refused").inc()

    def hang(self, engine: str) -> None:
        """Count a hang of an engine."""
        self._totals["hangs"] += 1
        self._hangs.labels(engine).inc()

    def observe(self, figures: ReplyStats) -> None:
        """Add the figures of a finished reply."""
        engine = figures.engine
        self._totals["replies"] += 1
        self._totals["errors"] += figures.outcome == "error"
        self._totals["substitutions"] += figures.instead_of is not None
        for name in ("underruns", "retries", "fallbacks"):
            self._totals[name] += getattr(figures, name)
        if figures.first_audio_s is not None:
            self._last = asdict(figures) | {"rtf": figures.rtf}
        self._requests.labels(engine, figures.outcome).inc()
        self._by_mode.labels(engine, figures.mode).inc()
        self._safer.labels(engine).inc(bool(figures.note))
        self._speech.labels(engine).inc(figures.audio_s)
        self._underruns.labels(engine).inc(figures.underruns)
        self._retries.labels(engine).inc(figures.retries)
        self._substitutions.labels(engine).inc(figures.instead_of is not None)
        self._yielded.labels(engine).inc(figures.yielded)
        self._fallbacks.labels(engine).inc(figures.fallbacks)
        if figures.first_audio_s is not None:
            self._first_audio.labels(engine).observe(figures.first_audio_s)
        if figures.rtf is not None:
            self._rtf.labels(engine).observe(figures.rtf)

"""Totals over all replies of the process, for Prometheus and for clients."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram

from wyoming_k2so.reply.stats import ReplyStats

ENGINE_STATES = ("off", "loading", "ready", "idle", "failed")


class Metrics:
    """Sums over all replies of the process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"k2so_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"k2so_{name}", text, ("engine",), buckets=buckets, registry=self.registry)

        self._requests = counter("requests", "Replies by engine and outcome", "engine", "outcome")
        self._by_mode = counter("replies_by_mode", "Replies by the engine's numeric precision", "engine", "mode")
        self._safer = counter("replies_in_safer_mode", "Replies in a safer precision than the one asked for", "engine")
        self._speech = counter("speech_seconds", "Sound sent, in seconds", "engine")
        self._underruns = counter("underruns", "Gaps that listeners heard", "engine")
        self._retries = counter("retries", "Segments that had to be tried once more", "engine")
        self._fallbacks = counter("fallbacks", "Segments spoken by the fallback voice", "engine")
        self._substitutions = counter("substitutions", "Replies in another voice than asked for", "engine")
        self._hangs = counter("hangs", "Times that an engine hung and was loaded anew", "engine")
        self._yielded = counter("busy", "Replies that the fallback voice spoke because the engine was busy", "engine")
        self._first_audio = histogram(
            "first_audio_seconds", "From the first text to the first sound", (0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10)
        )
        self._rtf = histogram("rtf", "Time spent per second of sound", (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 3))
        self._sums = dict.fromkeys(
            ("replies", "errors", "underruns", "retries", "fallbacks", "substitutions", "hangs"), 0
        )
        self._last: dict[str, Any] | None = None
        self._states = Enum(
            "k2so_engine_state", "Where an engine stands", ("engine",), states=ENGINE_STATES, registry=self.registry
        )
        self.active_streams = Gauge("k2so_active_streams", "ReplyQueue being spoken now", registry=self.registry)

    def snapshot(self) -> dict[str, Any]:
        """Sums over all replies, and the figures of the last one that made a sound."""
        return {**self._sums, "last": self._last}

    def engine_state(self, engine: str, state: str) -> None:
        """Note where an engine stands: one of ENGINE_STATES."""
        self._states.labels(engine).state(state)

    def refuse(self) -> None:
        """Count a request that no engine got to speak."""
        self._requests.labels("none", "refused").inc()

    def hang(self, engine: str) -> None:
        """Count an engine that hung."""
        self._sums["hangs"] += 1
        self._hangs.labels(engine).inc()

    def observe(self, figures: ReplyStats) -> None:
        """Add a finished reply."""
        engine = figures.engine
        self._sums["replies"] += 1
        self._sums["errors"] += figures.outcome == "error"
        self._sums["substitutions"] += figures.instead_of is not None
        for name in ("underruns", "retries", "fallbacks"):
            self._sums[name] += getattr(figures, name)
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

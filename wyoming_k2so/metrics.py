"""What a reply cost and how it would have sounded: figures per utterance, and their sum for Prometheus."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram

Outcome = Literal["ok", "cancelled", "error"]

ENGINE_STATES = ("off", "loading", "ready", "idle", "failed")

# A gap shorter than this is scheduling noise that every player's own buffer covers.
AUDIBLE_GAP_S = 0.02


class PlaybackClock:
    """A listener who starts to play with the first chunk and hears everything at real-time pace."""

    def __init__(self) -> None:
        self._ends: float | None = None

    @property
    def ends(self) -> float | None:
        """When the listener will have heard everything; None before the first sound."""
        return self._ends

    def sent(self, now: float, seconds: float) -> float:
        """Note that sound of `seconds` leaves at `now`; returns how long the listener heard nothing before it."""
        gap = 0.0 if self._ends is None else max(0.0, now - self._ends)
        self._ends = (now if self._ends is None else max(now, self._ends)) + seconds
        return gap


@dataclass
class Figures:
    """One reply in numbers. Times are in seconds."""

    engine: str
    voice: str
    first_audio_s: float | None = None
    """From the first text until the first chunk was taken to be sent."""

    busy_s: float = 0.0
    """Time spent generating."""

    audio_s: float = 0.0
    silence_s: float = 0.0
    """Silence that kept the stream alive, in seconds; not part of `audio_s`."""

    chunks: int = 0
    samples: int = 0
    underruns: int = 0
    """How often a listener would have heard a gap although there was text to speak."""

    instead_of: str | None = None
    """The voice that was asked for and is not there for now."""

    yielded: bool = False
    """The fallback voice spoke it all, because the engine was busy with others."""

    retries: int = 0
    fallbacks: int = 0
    """Segments that another voice had to speak."""

    mode: str = ""
    """Numeric precision of the engine at the end of the reply."""

    note: str = ""
    """Why that is not the precision asked for; empty when it is."""

    outcome: Outcome = "ok"
    error: str | None = None

    @property
    def rtf(self) -> float | None:
        """Real-time factor: time spent per second of sound."""
        return self.busy_s / self.audio_s if self.audio_s else None

    def summary(self) -> str:
        """One line for the log; it holds nothing that the user said."""
        first = "none" if self.first_audio_s is None else f"{self.first_audio_s:.3f} s"
        rtf = "none" if self.rtf is None else f"{self.rtf:.3f}"
        extra = "".join(
            f", {count} {what}"
            for count, what in ((self.retries, "retries"), (self.fallbacks, "segments by the fallback voice"))
            if count
        )
        if self.instead_of is not None:
            extra += f", instead of {self.instead_of}"
        if self.yielded:
            extra += ", all by the fallback voice because the engine was busy"
        if self.note:
            extra += f", in {self.mode} because {self.note}"
        end = self.outcome if self.error is None else f"{self.outcome}: {self.error}"
        return (
            f"{self.engine}/{self.voice}: {self.audio_s:.2f} s of speech in {self.chunks} chunks, "
            f"first audio {first}, RTF {rtf}, {self.underruns} underruns{extra}, {end}"
        )


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
        self.active_streams = Gauge("k2so_active_streams", "Replies being spoken now", registry=self.registry)

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

    def observe(self, figures: Figures) -> None:
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

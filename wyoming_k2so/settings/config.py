"""Every setting, its default and what it may be.

Nothing here reads a file, the environment or the command line: `options` does, from the descriptions below. Each field
is a command-line flag (`--chunk-samples`), an environment variable (`K2SO_CHUNK_SAMPLES`) and a key of the
configuration file (`chunk_samples`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_PORT = 10200
AUTO = "auto"
MAX_NAME_CHARS = 200
"""Of voices, speakers and languages, where they come from the network."""


@dataclass(frozen=True)
class Option:
    """What a user is told about a setting, and what is accepted for it."""

    help: str
    choices: tuple[str | int, ...] = ()
    low: float | None = None
    high: float | None = None
    metavar: str | None = None
    bare: str | None = None
    """The value when the flag stands without one; None: a value is required."""

    live: bool = False
    """Can be changed while the server runs."""

    loads: bool = False
    """A change of it needs another model, which is loaded beside the one that speaks."""


def option(default: Any, help: str, **limits: Any) -> Any:
    """A dataclass field that users can set; `limits` are the other fields of Option."""
    return field(default=default, metadata={"option": Option(help, **limits)})


@dataclass(frozen=True)
class ServerConfig:
    """Where and to whom the server speaks."""

    uri: str = option(
        f"tcp://0.0.0.0:{DEFAULT_PORT}", "address to serve: tcp://HOST:PORT, unix://PATH or stdio://", metavar="URI"
    )
    zeroconf: str | None = option(None, "announce the server on the local network, under NAME", metavar="NAME", bare="")
    metrics_port: int | None = option(None, "serve Prometheus metrics over HTTP on this port", low=1, high=65535)
    lock_settings: bool = option(False, "refuse changes of settings and voices from the network")
    allow: tuple[str, ...] = option(
        (), "addresses and networks that may connect, such as 192.168.1.0/24,fd00::/8 (default: all)", metavar="NETS"
    )
    max_streams: int = option(8, "replies that an engine speaks at once", low=1, high=256)
    when_busy: str = option(
        "fallback", "beyond that: speak in the fallback voice at once, or wait", choices=("fallback", "wait")
    )
    watchdog: float = option(
        30.0,
        "seconds without a sign of life after which an engine that speaks counts as hung: another voice goes on and it "
        "is loaded anew; 0: never",
        low=0,
        high=3600,
        metavar="SECONDS",
    )
    idle_unload: float = option(
        0.0,
        "minutes without a reply after which XTTS's memory is freed until it is asked for; 0: never",
        low=0,
        high=10080,
        metavar="MINUTES",
    )
    max_connections: int = option(256, "clients connected at once", low=1, high=10000)


@dataclass(frozen=True)
class EngineConfig:
    """Which models to load, and from where."""

    engine: str = option(
        "auto", "speech engine; auto takes the best one that can load", choices=("auto", "piper", "xtts"), live=True
    )
    data_dir: Path = option(
        Path("~/.local/share/wyoming-k2so"), "folder of voices and downloaded models", metavar="DIR"
    )
    cache_dir: Path = option(Path("~/.cache/wyoming-k2so"), "folder of things that can be made again", metavar="DIR")


@dataclass(frozen=True)
class VoiceConfig:
    """What a reply sounds like when the request leaves it open."""

    voice: str | None = option(None, "voice for requests that name none", metavar="NAME", live=True)
    speaker: str | None = option(None, "speaker within a multi-speaker voice", metavar="NAME", live=True)
    language: str | None = option(
        None,
        "language of requests that name none, unless the voice has one of its own, such as en or pt-BR",
        metavar="TAG",
        live=True,
    )
    speed: float = option(1.0, "pace of speech, 1 is the voice's own", low=0.5, high=2.0, live=True)


@dataclass(frozen=True)
class StreamConfig:
    """How sound leaves while the rest of it is generated, and in what form."""

    chunk_samples: int = option(4096, "samples in each audio chunk", choices=(2048, 4096, 8192), live=True)
    prebuffer: int | str = option(
        AUTO,
        "chunks to hold back before the first one leaves; auto: as many as the speed of the machine asks for",
        choices=(AUTO,),
        low=0,
        high=16,
        metavar="auto|N",
        live=True,
    )
    stall_silence: float = option(
        2.0,
        "seconds without sound, when text is late, before silence is sent to keep the stream alive; 0: none",
        low=0,
        high=60,
        live=True,
    )
    early_clause: bool = option(
        True, "let the first clause of a reply be spoken before its sentence is complete", live=True
    )
    sample_rate: int | None = option(
        None,
        "samples per second, such as 16000 for satellites (default: the voice's own)",
        low=8000,
        high=96000,
        live=True,
    )
    sample_width: int = option(
        2, "bytes per sample: signed integers of 16, 24 or 32 bits", choices=(2, 3, 4), live=True
    )
    channels: int = option(1, "1 for mono, 2 for the same sound on both sides", choices=(1, 2), live=True)
    loudness: float | None = option(
        None, "make every voice as loud as this, in LUFS, such as -18 (default: as it is)", low=-40, high=-10, live=True
    )
    silence_before: float = option(
        0.0, "seconds of silence before a reply, for speakers that swallow the first syllable", low=0, high=5, live=True
    )
    silence_after: float = option(0.0, "seconds of silence after a reply", low=0, high=5, live=True)
    sentence_pause: float = option(0.0, "seconds of silence between sentences", low=0, high=5, live=True)


@dataclass(frozen=True)
class XttsConfig:
    """How the XTTS engine is loaded and how it speaks. A number left open is the checkpoint's own."""

    xtts_checkpoint: str = option(
        "coqui/XTTS-v2", "folder of an XTTS-v2 checkpoint, or its name on the Hugging Face hub", metavar="FOLDER|NAME"
    )
    accept_xtts_license: bool = option(
        False, "agree to the Coqui Public Model License (non-commercial), so that the model may be downloaded"
    )
    voices_dir: Path | None = option(
        None, "folder of clips to clone voices from (default: voices-xtts in the data folder)", metavar="DIR"
    )
    device: str = option("auto", "where XTTS runs; auto takes a CUDA device", choices=("auto", "cpu", "cuda"))
    threads: int | None = option(None, "processor threads for XTTS (default: one per core)", low=1, high=256)
    quantization: str = option(
        "auto",
        "precision of XTTS's language model; auto takes the fastest that keeps the quality (int8, or fp16 on CUDA)",
        choices=("auto", "none", "bf16", "fp16", "int8", "int8-calibrated"),
        live=True,
        loads=True,
    )
    vocoder_precision: str = option(
        "auto",
        "precision of XTTS's vocoder; auto takes 16 bits where the device computes them",
        choices=("auto", "fp32", "bf16", "fp16"),
        live=True,
        loads=True,
    )
    calibrate: Path | None = option(
        None, "text for int8-calibrated, a sentence a line (default: a bundled one in 17 languages)", metavar="FILE"
    )
    temperature: float | None = option(None, "how freely speech varies", low=0.01, high=2.0, live=True)
    top_k: int | None = option(
        None, "draw from so many of the likeliest sounds; 0 for all", low=0, high=8194, live=True
    )
    top_p: float | None = option(None, "draw from the likeliest sounds of this share", low=0.01, high=1.0, live=True)
    repetition_penalty: float | None = option(
        None, "how much repeated sounds are avoided", low=1.0, high=50.0, live=True
    )
    seed: int | None = option(
        None, "speak a text the same way each time; another number, another way", low=0, high=2**31 - 1, live=True
    )
    greedy: bool = option(False, "always take the likeliest sound; for tests, not for listening")
    vocoder_windows: tuple[int, ...] = option(
        (7, 5, 7, 10, 14, 20, 28),
        "new tokens (46 ms each) before each piece of sound is made; the last number repeats",
        low=1,
    )
    plain_punctuation: bool = option(True, "reduce punctuation to what XTTS reads well")
    token_budget: bool = option(True, "end a segment that takes far longer than its text can need")
    stop_loops: bool = option(True, "end a segment that repeats itself")
    trim_tail: bool = option(True, "drop silence, and sounds after a late pause, at a segment's end")


@dataclass(frozen=True)
class LogConfig:
    """What the server says about itself."""

    debug: bool = option(False, "log every step, users' text included")
    log_format: str = option("text", "one line of text or one JSON object per message", choices=("text", "json"))


@dataclass(frozen=True)
class Config:
    """All settings of the program."""

    server: ServerConfig = field(default_factory=ServerConfig)
    engines: EngineConfig = field(default_factory=EngineConfig)
    voice: VoiceConfig = field(default_factory=VoiceConfig)
    stream: StreamConfig = field(default_factory=StreamConfig)
    xtts: XttsConfig = field(default_factory=XttsConfig)
    log: LogConfig = field(default_factory=LogConfig)

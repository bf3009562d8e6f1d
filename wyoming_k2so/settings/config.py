"""Every setting of the program itself, its default and its limits. Each engine declares its own settings likewise.

Nothing here reads a file, the environment or the command line: `options` does, from the descriptions below. Each field
is a command-line flag (`--chunk-samples`), an environment variable (`K2SO_CHUNK_SAMPLES`) and a key of the
configuration file (`chunk_samples`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

DEFAULT_PORT = 10200
AUTO = "auto"
MAX_NAME_CHARS = 200
"""Limit for names of voices, speakers and languages that come from the network."""

T = TypeVar("T")


@dataclass(frozen=True)
class Option:
    """The help text of a setting, its limits, and how a change takes effect."""

    help: str
    choices: tuple[str | int, ...] = ()
    low: float | None = None
    high: float | None = None
    metavar: str | None = None
    bare: str | None = None
    """The value of a flag given without one; None: a value is required."""

    live: bool = False
    """Can be changed while the server runs."""

    loads: bool = False
    """A change loads another model, beside the one that speaks."""

    modes: str | None = None
    """For precisions: the attribute of Engine that lists which of the choices run well on this machine."""

    needs: str | None = None
    """The capability (an attribute of EngineSpec) without which a change has no effect while the server runs."""

    agreed: str | None = None
    """NAME=VALUE: an environment variable of another program that turns this on as well."""


def option(default: Any, help: str, **limits: Any) -> Any:
    """A dataclass field that users can set; `limits` are the other fields of Option."""
    return field(default=default, metadata={"option": Option(help, **limits)})


@dataclass(frozen=True)
class ServerConfig:
    """Address, clients and limits of the server."""

    uri: str = option(
        f"tcp://0.0.0.0:{DEFAULT_PORT}",
        "address to listen on: tcp://HOST:PORT, unix://PATH or stdio://",
        metavar="URI",
    )
    zeroconf: str | None = option(None, "announce the server on the local network as NAME", metavar="NAME", bare="")
    metrics_port: int | None = option(None, "serve Prometheus metrics over HTTP on this port", low=1, high=65535)
    lock_settings: bool = option(False, "reject changes of settings and voices from the network")
    allow: tuple[str, ...] = option(
        (), "addresses and networks that may connect, such as 192.168.1.0/24,fd00::/8 (default: all)", metavar="NETS"
    )
    max_streams: int = option(8, "replies that one engine speaks at the same time", low=1, high=256)
    when_busy: str = option(
        "fallback",
        "when an engine has no room for a reply: use the fallback voice at once, or wait for a turn",
        choices=("fallback", "wait"),
    )
    watchdog: float = option(
        30.0,
        "seconds without progress after which an engine is treated as hung: the fallback voice takes over and the "
        "engine is reloaded; 0: never",
        low=0,
        high=3600,
        metavar="SECONDS",
    )
    idle_unload: float = option(
        0.0,
        "minutes without a reply after which the model is unloaded until the next request for it; 0: never",
        low=0,
        high=10080,
        metavar="MINUTES",
    )
    max_connections: int = option(256, "clients connected at the same time", low=1, high=10000)


@dataclass(frozen=True)
class EngineConfig:
    """Engine and folders."""

    engine: str = option(AUTO, "speech engine; auto: the best one that loads", live=True, loads=True)
    data_dir: Path = option(
        Path("~/.local/share/wyoming-k2so"), "folder for voices and downloaded models", metavar="DIR"
    )
    cache_dir: Path = option(Path("~/.cache/wyoming-k2so"), "cache folder (safe to delete)", metavar="DIR")


@dataclass(frozen=True)
class VoiceConfig:
    """Defaults for what a request does not specify."""

    voice: str | None = option(None, "default voice", metavar="NAME", live=True)
    speaker: str | None = option(None, "default speaker of a voice that has several", metavar="NAME", live=True)
    language: str | None = option(
        None, "default language, such as en or pt-BR, for voices without one of their own", metavar="TAG", live=True
    )
    speed: float = option(1.0, "speaking rate (1 = the voice's normal rate)", low=0.5, high=2.0, live=True)
    seed: int | None = option(
        None,
        "random seed: speak a text the same way each time",
        low=0,
        high=2**31 - 1,
        live=True,
        needs="repeats",
    )


@dataclass(frozen=True)
class StreamConfig:
    """Buffering and format of the audio stream."""

    chunk_samples: int = option(4096, "samples in each audio chunk", choices=(2048, 4096, 8192), live=True)
    prebuffer: int | str = option(
        AUTO,
        "chunks to buffer before the first one is sent; auto: as many as this machine's speed requires",
        choices=(AUTO,),
        low=0,
        high=16,
        metavar="auto|N",
        live=True,
    )
    stall_silence: float = option(
        2.0,
        "seconds without audio, when text is late, before silence is sent to keep the stream alive; 0: never",
        low=0,
        high=60,
        live=True,
    )
    early_clause: bool = option(True, "speak the first clause of a reply before its sentence is complete", live=True)
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
    channels: int = option(1, "1: mono, 2: the same audio on both channels", choices=(1, 2), live=True)
    loudness: float | None = option(
        None,
        "loudness of every voice in LUFS, such as -18 (default: unchanged)",
        low=-40,
        high=-10,
        live=True,
    )
    silence_before: float = option(
        0.0, "seconds of silence before a reply, for speakers that swallow the first syllable", low=0, high=5, live=True
    )
    silence_after: float = option(0.0, "seconds of silence after a reply", low=0, high=5, live=True)
    sentence_pause: float = option(0.0, "seconds of silence between sentences", low=0, high=5, live=True)


@dataclass(frozen=True)
class LogConfig:
    """Logging."""

    debug: bool = option(False, "log every step, including users' texts")
    log_format: str = option("text", "one line of text or one JSON object per message", choices=("text", "json"))


@dataclass(frozen=True)
class Config:
    """All settings: the program's own groups, and one group (a frozen dataclass) per engine that has settings."""

    server: ServerConfig = field(default_factory=ServerConfig)
    engines: EngineConfig = field(default_factory=EngineConfig)
    voice: VoiceConfig = field(default_factory=VoiceConfig)
    stream: StreamConfig = field(default_factory=StreamConfig)
    log: LogConfig = field(default_factory=LogConfig)
    engine_settings: tuple[object, ...] = ()
    """Groups of engines; a group that is missing here has its defaults."""

    def group(self, kind: type[T]) -> T:
        """The group of that class: `config.group(XttsSettings)`."""
        for group in (*(getattr(self, own.name) for own in fields(self)), *self.engine_settings):
            if type(group) is kind:
                return group
        return kind()

    def with_group(self, group: object) -> Config:
        """The same settings with `group` in place of the one of its class."""
        for own in fields(self):
            if type(getattr(self, own.name)) is type(group):
                place: dict[str, Any] = {own.name: group}
                return replace(self, **place)
        others = (other for other in self.engine_settings if type(other) is not type(group))
        return replace(self, engine_settings=(*others, group))

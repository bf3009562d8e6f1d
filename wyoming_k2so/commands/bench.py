"""Measure how fast this machine, or a server, speaks."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from wyoming_k2so.bench import local, quality, remote, rooms
from wyoming_k2so.bench.remote import Peer
from wyoming_k2so.engine import EngineError
from wyoming_k2so.settings import options
from wyoming_k2so.settings.config import Config

from .parts import load_engines, xtts_part


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What only `bench` can be told."""
    parser.add_argument("--rounds", type=int, default=5, help="how often to speak each text (default: 5)")
    parser.add_argument(
        "--synthetic", action="store_true", help="with --engine xtts: a full-size model of random weights"
    )
    parser.add_argument(
        "--against", choices=("coqui",), help="with --engine xtts: stock coqui-tts beside it, in the same run"
    )
    parser.add_argument(
        "--server",
        action="append",
        metavar="HOST:PORT",
        help="measure a Wyoming server, ours or any other, over TCP; may be repeated: they take turns",
    )
    parser.add_argument(
        "--rooms",
        type=int,
        metavar="N",
        help="with one --server: let 1, 2, ... N clients ask for the same text at once, and count gaps as they play it",
    )
    parser.add_argument(
        "--listen", action="store_true", help="with --server: let Whisper count misheard words (needs faster-whisper)"
    )
    parser.add_argument(
        "--text", action="append", choices=tuple(local.TEXTS), help="speak only this text; may be repeated"
    )
    parser.add_argument("--plot", metavar="FILE", help="draw charts of it into a PNG, SVG or PDF file")
    parser.add_argument(
        "--from",
        dest="runs",
        nargs="+",
        metavar="FILE",
        help="with --plot: draw what earlier runs printed, measure nothing",
    )


def run(config: Config, flags: argparse.Namespace) -> int:
    """Measure, print a table, and the figures as JSON in the last line; or draw what was measured before."""
    if flags.rounds < 1:
        raise options.OptionError("--rounds: must be at least 1")
    if flags.listen and not flags.server:
        raise options.OptionError("--listen: only with --server")
    if flags.rooms is not None and (flags.rooms < 1 or len(flags.server or ()) != 1 or len(flags.text or ()) > 1):
        raise options.OptionError("--rooms: at least 1, with one --server and at most one --text")
    if flags.server and flags.plot:
        raise options.OptionError("--plot: not with --server")
    if flags.rooms is not None:
        return _rooms(config, flags)
    if flags.server:
        return _servers(config, flags)
    if flags.runs and not flags.plot:
        raise options.OptionError("--from: only with --plot")
    draw = _plot(flags.plot) if flags.plot else None
    if draw and flags.runs:
        draw([Path(file) for file in flags.runs])
        return 0
    line = _xtts(config, flags) if flags.synthetic or flags.against else _engine(config, flags)
    print(line)
    if draw:
        draw([line])
    return 0


def _servers(config: Config, flags: argparse.Namespace) -> int:
    """Measure servers that are running already."""
    judge = None
    if flags.listen:
        listen = quality.whisper()
        if listen is None:
            raise EngineError("--listen needs Whisper: pip install faster-whisper")
        judge = quality.judge(listen)
    peers = [_peer(address) for address in flags.server]
    texts = {name: local.TEXTS[name] for name in flags.text or local.TEXTS}
    rows = asyncio.run(remote.measure(peers, texts, rounds=flags.rounds, voice=config.voice.voice, judge=judge))
    print(remote.table(rows))
    print(remote.as_json(rows))
    return 0


def _rooms(config: Config, flags: argparse.Namespace) -> int:
    """Let several clients of a server that is running ask at once."""
    text = local.TEXTS[flags.text[0] if flags.text else "medium"]
    rows = asyncio.run(
        rooms.measure(lambda: _peer(flags.server[0]), flags.rooms, text, rounds=flags.rounds, voice=config.voice.voice)
    )
    print(rooms.table(rows))
    print(rooms.as_json(rows))
    return 0


def _peer(address: str) -> Peer:
    try:
        return Peer(address)
    except ValueError as error:
        raise options.OptionError(f"--server: {error}") from None


def _engine(config: Config, flags: argparse.Namespace) -> str:
    """Measure an engine through the pipeline. Prints a table; returns the figures as a line of JSON."""
    choice = load_engines(config).resolve()
    rows = [local.measure(choice, name, config.stream, flags.rounds) for name in flags.text or local.TEXTS]
    print(local.table(rows))
    return local.as_json(rows, local.follow(choice, local.TEXTS["long"], config.stream) if flags.plot else None)


def _xtts(config: Config, flags: argparse.Namespace) -> str:
    """The same for XTTS's parts, on random weights or beside stock coqui-tts."""
    if config.engines.engine != "xtts":
        raise options.OptionError("--synthetic and --against: only with --engine xtts")
    benchmark = xtts_part("dev.benchmark")

    def segments(max_chars: int) -> dict[str, list[str]]:
        early = config.stream.early_clause
        return {n: local.segments(local.TEXTS[n], max_chars, early_clause=early) for n in flags.text or local.TEXTS}

    if flags.synthetic:
        config = benchmark.synthetic_config(config)
        print("Random weights: this measures speed, at XTTS-v2's real size of 466.9 M parameters; the sound is noise.")
    report = benchmark.measure(config, segments, rounds=flags.rounds, against_stock=flags.against is not None)
    print(benchmark.table(report))
    return local.json_line(report.fields())


def _plot(file: str) -> Callable[[Sequence[str | Path]], None]:
    """What draws lines of JSON, or files that hold them, into `file`. Finds out early what would fail at the end."""
    try:
        from wyoming_k2so.bench import plot  # noqa: PLC0415  matplotlib is an extra
    except ImportError:
        raise EngineError("--plot needs matplotlib: pip install 'wyoming-k2so[plot]'") from None
    path = Path(file)
    if not plot.supported(path):
        raise options.OptionError(f"--plot: {file!r} is no picture; its name must end in .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise options.OptionError(f"--plot: there is no folder {path.parent}")
    return lambda runs: plot.save(path, [plot.read(run) for run in runs])

"""Measure how fast this machine, or a server, speaks."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wyoming_k2so import engines
from wyoming_k2so.bench import local, remote, report, resources, rooms, wer
from wyoming_k2so.bench.remote import Client
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.settings import options
from wyoming_k2so.settings.config import Config
from wyoming_k2so.settings.errors import UserError

from .parts import load_engines

Figures = dict[str, Any]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags that only `bench` has."""
    parser.add_argument("--rounds", type=int, default=5, help="how often to speak each text (default: 5)")
    parser.add_argument(
        "--text", action="append", choices=tuple(local.TEXTS), help="speak only this text; may be repeated"
    )
    parser.add_argument(
        "--synthetic", action="store_true", help="with --engine xtts: use a full-size model with random weights"
    )
    parser.add_argument(
        "--against", choices=("coqui",), help="with --engine xtts: measure coqui-tts in the same run, in turns"
    )
    parser.add_argument(
        "--server",
        action="append",
        metavar="HOST:PORT",
        help="measure a running Wyoming server over TCP; repeat it to let several servers take turns",
    )
    parser.add_argument(
        "--listen", action="store_true", help="with --server: count the words that Whisper mishears (extra: listen)"
    )
    parser.add_argument(
        "--rooms",
        type=int,
        metavar="N",
        help="with one --server: let 1, 2, ... N clients request the same text at once, and count the gaps they hear",
    )
    parser.add_argument("--plot", metavar="FILE", help="draw charts to a PNG, SVG or PDF file (extra: plot)")
    parser.add_argument(
        "--from",
        dest="runs",
        nargs="+",
        metavar="FILE",
        help="with --plot: draw the saved output of earlier runs and measure nothing",
    )


def run(config: Config, flags: argparse.Namespace) -> int:
    """Measure, print a table, and the figures as one line of JSON; or draw the figures of earlier runs."""
    _check(config, flags)
    draw = _plot(flags.plot) if flags.plot else None
    if draw and flags.runs:
        draw([Path(file) for file in flags.runs])
        return 0
    if flags.rooms:
        table, figures = _rooms(config, flags)
    elif flags.server:
        table, figures = _servers(config, flags)
    elif flags.synthetic or flags.against:
        table, figures = _xtts(config, flags)
    else:
        table, figures = _engine(config, flags)
    line = report.json_line(figures)
    print(table)
    print(line)
    if draw:
        draw([line])
    return 0


def _check(config: Config, flags: argparse.Namespace) -> None:
    """Raise OptionError for values and combinations that make no sense."""
    servers, texts, rooms_flag = flags.server or [], flags.text or [], flags.rooms is not None
    xtts, engine = flags.synthetic or flags.against, engines.installed().using(XttsSettings).name
    for wrong, message in (
        (flags.rounds < 1, "--rounds: must be at least 1"),
        (rooms_flag and flags.rooms < 1, "--rooms: must be at least 1"),
        (rooms_flag and len(servers) != 1, "--rooms: requires exactly one --server"),
        (rooms_flag and len(texts) > 1, "--rooms: allows only one --text"),
        (rooms_flag and flags.listen, "--rooms: cannot be combined with --listen"),
        (flags.listen and not servers, "--listen: requires --server"),
        (flags.plot and servers, "--plot: cannot be combined with --server"),
        (flags.runs and not flags.plot, "--from: requires --plot"),
        (flags.runs and xtts, "--from: cannot be combined with --synthetic or --against"),
        (servers and xtts, "--server: cannot be combined with --synthetic or --against"),
        (xtts and config.engines.engine != engine, f"--synthetic and --against: require --engine {engine}"),
    ):
        if wrong:
            raise options.OptionError(message)


def _engine(config: Config, flags: argparse.Namespace) -> tuple[str, Figures]:
    """Measure an engine through the pipeline; with --plot, follow one reply in time."""
    choice = load_engines(config).resolve()
    rows = [local.measure(choice, name, config.stream, flags.rounds) for name in flags.text or local.TEXTS]
    figures: Figures = {"rows": rows}
    if flags.plot:
        figures["timeline"] = local.follow(choice, local.TEXTS["long"], config.stream)
    return report.table(local.COLUMNS, rows), figures


def _xtts(config: Config, flags: argparse.Namespace) -> tuple[str, Figures]:
    """Measure the parts of XTTS, with random weights or beside coqui-tts."""
    engines.installed().using(XttsSettings).require()
    from wyoming_k2so.engines.xtts.dev import benchmark  # noqa: PLC0415  imports torch

    def segments(max_chars: int) -> dict[str, list[str]]:
        early = config.stream.early_clause
        return {n: local.segments(local.TEXTS[n], max_chars, early_clause=early) for n in flags.text or local.TEXTS}

    if flags.synthetic:
        config = benchmark.synthetic_config(config)
        print("Random weights: the speed is that of XTTS-v2 (466.9 M parameters), the sound is noise.")
    against = flags.against is not None
    figures: Figures = benchmark.measure(
        config, segments, rounds=flags.rounds, against_reference=against, memory=resources.memory
    )
    return f"{report.table(benchmark.COLUMNS, figures['rows'])}\n{benchmark.notes(figures)}", figures


def _servers(config: Config, flags: argparse.Namespace) -> tuple[str, Figures]:
    """Measure running servers."""
    rows = asyncio.run(
        remote.measure(
            [_client(address) for address in flags.server],
            {name: local.TEXTS[name] for name in flags.text or local.TEXTS},
            rounds=flags.rounds,
            voice=config.voice.voice,
            listen=wer.whisper() if flags.listen else None,
        )
    )
    return report.table(remote.COLUMNS, rows), {"rows": rows}


def _rooms(config: Config, flags: argparse.Namespace) -> tuple[str, Figures]:
    """Let several clients of a running server request a text at once."""
    (address,) = flags.server
    text = local.TEXTS[flags.text[0] if flags.text else "medium"]
    rows = asyncio.run(
        rooms.measure(lambda: _client(address), flags.rooms, text, rounds=flags.rounds, voice=config.voice.voice)
    )
    return report.table(rooms.COLUMNS, rows), {"rooms": rows}


def _client(address: str) -> Client:
    try:
        return Client(address)
    except ValueError as error:
        raise options.OptionError(f"--server: {error}") from None


def _plot(file: str) -> Callable[[Sequence[str | Path]], None]:
    """A function that draws lines of JSON, or files that hold them, to `file`. Fails early if it cannot work."""
    try:
        from wyoming_k2so.bench import plot  # noqa: PLC0415  matplotlib is an extra
    except ImportError:
        raise UserError("--plot needs matplotlib: pip install 'wyoming-k2so[plot]'") from None
    path = Path(file)
    if not plot.supported(path):
        raise options.OptionError(f"--plot: unsupported image type {file!r}; use .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise options.OptionError(f"--plot: the folder {path.parent} does not exist")
    return lambda runs: plot.save(path, [plot.read(run) for run in runs])

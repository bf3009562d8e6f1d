"""XTTS's weights in another precision: make them ahead of time, and measure what they cost in quality."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from wyoming_k2so.bench import quality, wer
from wyoming_k2so.engine import EngineError
from wyoming_k2so.settings.config import Config

from .parts import xtts_part


def quantize(config: Config, _flags: argparse.Namespace) -> int:
    """Make and keep the configured precision's weights; status 1 when only a safer one passed its test."""

    def progress(what: str, share: float) -> None:
        if sys.stderr.isatty():
            bar = "#" * round(30 * share)
            print(f"\r{what:11} [{bar:30}] {100 * share:3.0f} %", end="\n" if share >= 1 else "", file=sys.stderr)

    engine = xtts_part("engine").XttsEngine.load(config, progress)
    print(f"XTTS is ready in {engine.mode}: {engine.model.bytes / 1e6:.0f} MB of weights.")
    if engine.note:
        print(f"This is not what was asked for: {engine.note}")
    return 1 if engine.note else 0


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What only `quality` can be told."""
    parser.add_argument("-o", "--output", metavar="DIR", help="write pairs of sounds to compare by ear, and a plot")


def judge(config: Config, flags: argparse.Namespace) -> int:
    """Compare a precision with full precision, and print how much worse it is."""
    listen = None
    if absent := wer.missing():
        print(f"No word error rate: it needs {', '.join(absent)}: pip install 'wyoming-k2so[listen]'")
    else:
        listen = wer.whisper()
    found = xtts_part("dev.quality").compare(config, quality.TEXTS, free_runs=listen is not None)
    rows = [quality.row(metric.name, metric.value, metric.loss) for metric in found.metrics]
    if listen is not None:
        rows.append(quality.word_errors(found.spoken, found.rate, listen))
    if flags.output is not None:
        folder = Path(flags.output)
        try:
            quality.save_pairs(folder, found.mode, found.pairs, found.rate)
            drawn = quality.save_plot(folder / f"quality-{found.mode}.png", found.mode, rows)
        except OSError as error:
            raise EngineError(f"cannot write to {folder}: {error}") from None
        if not drawn:
            print("No plot: matplotlib is not installed.")
    print(quality.table(found.mode, rows))
    print(quality.as_json(found.mode, found.note, rows))
    return 0

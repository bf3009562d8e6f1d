"""Measure the quality loss of a precision of XTTS."""

from __future__ import annotations

import argparse
from pathlib import Path

from wyoming_k2so import engines
from wyoming_k2so.bench import quality, wer
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.settings.config import Config, EngineConfig, LogConfig
from wyoming_k2so.settings.errors import UserError

GROUPS = (EngineConfig, XttsSettings, LogConfig)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Flags that only `quality` has."""
    parser.add_argument("-o", "--output", metavar="DIR", help="write pairs of WAV files to compare by ear, and a plot")


def run(config: Config, flags: argparse.Namespace) -> int:
    """Compare a precision with full precision, and print the loss."""
    engines.installed().using(XttsSettings).require()
    from wyoming_k2so.engines.xtts.dev.quality import compare  # noqa: PLC0415  imports torch

    listen = None
    if absent := wer.missing():
        print(f"No word error rate: it needs {', '.join(absent)}: pip install 'wyoming-k2so[listen]'")
    else:
        listen = wer.whisper()
    found = compare(config, quality.TEXTS, free_runs=listen is not None)
    rows = [quality.row(metric.name, metric.value, metric.loss) for metric in found.metrics]
    if listen is not None:
        rows.append(quality.word_errors(found.spoken, found.rate, listen))
    if flags.output is not None:
        folder = Path(flags.output)
        try:
            quality.save_pairs(folder, found.mode, found.pairs, found.rate)
            drawn = quality.save_plot(folder / f"quality-{found.mode}.png", found.mode, rows)
        except OSError as error:
            raise UserError(f"cannot write to {folder}: {error.strerror or error}") from None
        if not drawn:
            print("No plot: matplotlib is not installed.")
    print(quality.table(found.mode, rows))
    print(quality.as_json(found.mode, found.note, rows))
    return 0

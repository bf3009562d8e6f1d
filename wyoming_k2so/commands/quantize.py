"""Convert XTTS's weights to a given precision ahead of time."""

from __future__ import annotations

import argparse
import sys

from wyoming_k2so import engines
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.settings.config import Config, EngineConfig, LogConfig

GROUPS = (EngineConfig, XttsSettings, LogConfig)


def quantize(config: Config, _flags: argparse.Namespace) -> int:
    """Convert the weights and cache them; status 1 if only a safer precision passed its test."""
    engines.installed().using(XttsSettings).require()
    from wyoming_k2so.engines.xtts.engine import XttsEngine  # noqa: PLC0415  imports torch

    engine = XttsEngine.load(config, _progress)
    print(f"XTTS is ready in {engine.mode}: {engine.model.bytes / 1e6:.0f} MB of weights.")
    if engine.note:
        print(f"This is not the precision that you asked for: {engine.note}")
    return 1 if engine.note else 0


def _progress(what: str, share: float) -> None:
    if sys.stderr.isatty():
        bar = "#" * round(30 * share)
        print(f"\r{what:11} [{bar:30}] {100 * share:3.0f} %", end="\n" if share >= 1 else "", file=sys.stderr)

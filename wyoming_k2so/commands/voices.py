"""List the voices."""

from __future__ import annotations

import argparse

from wyoming_k2so.settings.config import Config

from .parts import load_engines


def voices(config: Config, _flags: argparse.Namespace) -> int:
    """Print the voices of each engine."""
    for engine in load_engines(config).engines:
        for voice in engine.voices():
            speakers = f"  speakers: {', '.join(voice.speakers)}" if voice.speakers else ""
            print(f"{engine.name:6} {voice.name:28} {', '.join(voice.languages):12} {voice.description}{speakers}")
    return 0

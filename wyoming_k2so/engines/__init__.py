"""The table of engines: each is described here once, and imported only when it is loaded."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import entry_points

from .discovery import GROUP, discover
from .spec import EngineSpec as EngineSpec
from .table import EngineTable
from .xtts.settings import XttsSettings

# ONNX Runtime would report to its maker how it is used. Read when it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_XTTS_LANGUAGES = (
    "en",
    "es",
    "fr",
    "de",
    "it",
    "pt",
    "pl",
    "tr",
    "ru",
    "nl",
    "cs",
    "ar",
    "zh-CN",
    "hu",
    "ko",
    "ja",
    "hi",
)

BUILT_IN = {
    spec.name: spec
    for spec in (
        EngineSpec(
            name="piper",
            engine="wyoming_k2so.engines.piper.engine:PiperEngine",
            modules=("piper",),
            package="wyoming-k2so",
            rank=10,
            fallback=True,
            languages=("en-US",),
            loggers=("piper",),
        ),
        EngineSpec(
            name="xtts",
            engine="wyoming_k2so.engines.xtts.engine:XttsEngine",
            settings=XttsSettings,
            modules=("torch", "torchaudio", "TTS"),
            package="wyoming-k2so[xtts]",
            rank=100,
            languages=_XTTS_LANGUAGES,
            clones=True,
            repeats=True,
            loggers=("TTS",),
            precheck="wyoming_k2so.engines.xtts.weights.source:check",
            reclaimer="wyoming_k2so.engines.xtts.weights.memory:reclaim",
        ),
    )
}
"""The program's own engines by name."""


@cache
def installed() -> EngineTable:
    """The program's own engines and those of other packages in this environment."""
    return discover(BUILT_IN.values(), entry_points(group=GROUP))

"""What tests let XTTS say, and with which settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from wyoming_k2so.engine import Request
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.scheduling.scheduler import Scheduler
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.settings.config import Config

TEXT = "The kitchen light is on, and the door is locked."
SPEAKER = "Damien Black"
REQUEST = Request(SPEAKER, "en", seed=1)

NO_GUARDRAILS = {"plain_punctuation": False, "token_budget": False, "stop_loops": False, "trim_tail": False}


def with_settings(engine: XttsEngine, **settings: Any) -> XttsEngine:
    """The same model with other settings."""
    other = XttsEngine(
        engine.model,
        engine._store,
        engine._languages,
        replace(engine._settings, **settings),
        engine.sampling,
    )
    if settings.get("greedy"):
        other.sampling = replace(engine.sampling, greedy=True)
    return other


def int8_config(config: Config, cache: Path, **settings: Any) -> Config:
    """The configuration with int8 and the best vocoder precision, or with the precisions in `settings`."""
    xtts = replace(config.group(XttsSettings), **{"quantization": "int8", "vocoder_precision": "auto", **settings})
    return replace(config, engines=replace(config.engines, cache_dir=cache)).with_group(xtts)


def free_rows(scheduler: Scheduler) -> int:
    """Rows of the KV cache that no sequence has."""
    return len(scheduler._free_rows)

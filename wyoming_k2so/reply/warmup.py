"""Speak a sentence that nobody hears, so that an engine's speed is known before its first reply."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping

from wyoming_k2so.engine import Engine
from wyoming_k2so.settings.config import StreamConfig, VoiceConfig
from wyoming_k2so.voices.catalog import Catalog, UnknownVoice

from .pipeline import Reply
from .speed_model import SpeedModel
from .watchdog import Watchdog

_LOGGER = logging.getLogger(__name__)

_TEXT = "Everything is ready, and everybody can hear me well."

_ENOUGH_S = 2.0
"""Seconds of sound: the first pieces, which are small and slow, and some that are not."""

_TIMEOUT_S = 10.0


def warm_up(
    engine: Engine, defaults: VoiceConfig, speed_models: MutableMapping[Engine, SpeedModel], watchdog: Watchdog | None
) -> None:
    """Learn an engine's speed from the start of a discarded reply. An error is left for real replies to report."""
    try:
        choice = Catalog([engine], defaults).resolve()
    except UnknownVoice:
        return
    model = speed_models.setdefault(engine, SpeedModel())
    reply = Reply(choice, stream=StreamConfig(prebuffer="auto"), speed_model=model, watchdog=watchdog)
    reply.feed(_TEXT)
    reply.finish()
    reply.start()
    for _ in reply:
        if reply.figures.audio_s >= _ENOUGH_S:
            reply.cancel()
            break
    reply.join(_TIMEOUT_S)
    _LOGGER.debug("%s takes %.2f s for a second of speech", engine.name, model.speed.usual)

"""An engine speaks into the void, so that its pace is known before somebody listens."""

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
"""Sound of the first pieces, which are small and slow, and of some that are not."""

_PATIENCE_S = 10.0


def rehearse(
    engine: Engine, defaults: VoiceConfig, paces: MutableMapping[Engine, SpeedModel], watchdog: Watchdog | None
) -> None:
    """Learn an engine's pace from the start of a reply that nobody hears. What fails is left to replies to find out."""
    try:
        choice = Catalog([engine], defaults).resolve()
    except UnknownVoice:
        return
    pace = paces.setdefault(engine, SpeedModel())
    reply = Reply(choice, stream=StreamConfig(prebuffer="auto"), pace=pace, watchdog=watchdog)
    reply.feed(_TEXT)
    reply.finish()
    reply.start()
    for _ in reply:
        if reply.figures.audio_s >= _ENOUGH_S:
            reply.cancel()
            break
    reply.join(_PATIENCE_S)
    _LOGGER.debug("%s takes %.2f s for a second of speech", engine.name, pace.speed.usual)

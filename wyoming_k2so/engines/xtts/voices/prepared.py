"""Voices as one model needs them to speak; those used last stay in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.model.vocoder import Timbre
from wyoming_k2so.engines.xtts.model.xtts import XttsModel

from .encoder import Conditioning
from .store import VoiceStore

_MAX_KEPT = 16
"""Voices kept in memory, 8 MB each."""


@dataclass(frozen=True)
class PreparedVoice:
    """A voice that is ready to speak."""

    prefix: Tensor
    """(L, 2, H, P, D): the GPT's keys and values of the conditioning latents."""

    timbre: Timbre


class PreparedVoices:
    """Prepares the voices of a store for one model. Safe to use from any thread."""

    def __init__(self, store: VoiceStore, model: XttsModel) -> None:
        self._store, self._model = store, model
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Conditioning, PreparedVoice]] = OrderedDict()

    def get(self, name: str) -> PreparedVoice:
        """A voice, as its clips are now. Takes seconds if it must be cloned.

        Raises:
            EngineError: there is no such voice, or it cannot be used.
            NotFinite: the model produced NaN or infinity.
        """
        conditioning = self._store.conditioning(name)
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and kept[0] is conditioning:
                self._kept.move_to_end(name)
                return kept[1]
        voice = self._prepare(name, conditioning)
        with self._lock:
            self._kept[name] = conditioning, voice
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return voice

    def _prepare(self, name: str, conditioning: Conditioning) -> PreparedVoice:
        if not (conditioning.latents.isfinite().all() and conditioning.embedding.isfinite().all()):
            raise EngineError(f"voice '{name}' contains NaN or infinity; clone it again from other clips")
        model = self._model
        prefix = model.gpt.prefix(conditioning.latents.to(model.device))
        return PreparedVoice(prefix, model.vocoder.timbre(conditioning.embedding.to(model.device)))

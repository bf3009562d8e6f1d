"""The networks of one loaded checkpoint, in one precision."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from wyoming_k2so.engines.xtts.kernels.quant import weight_bytes

from .architecture import Architecture
from .gpt import Gpt
from .tokenizer import TextTokenizer
from .vocoder import Vocoder


@dataclass(frozen=True)
class XttsModel:
    """What all replies share."""

    architecture: Architecture
    tokenizer: TextTokenizer
    gpt: Gpt
    vocoder: Vocoder
    mode: str = "none"
    """The GPT's precision."""

    probe: dict[str, Tensor] = field(default_factory=dict)
    """The reference of the self-test; empty at full precision."""

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.gpt.device

    @property
    def bytes(self) -> int:
        """Memory of the weights."""
        return weight_bytes(self.gpt) + weight_bytes(self.vocoder)

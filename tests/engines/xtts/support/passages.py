"""Passages for teacher forcing."""

from __future__ import annotations

import torch

from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint
from wyoming_k2so.engines.xtts.weights.convert import Passage


def passage(checkpoint: Checkpoint, seed: int = 0, count: int = 12) -> Passage:
    """A passage of `count` random codes."""
    generator = torch.Generator().manual_seed(seed)
    prompt, _ = next(iter(checkpoint.speakers().values()))
    start = torch.tensor([checkpoint.architecture.gpt_start_audio_token])
    codes = torch.cat([start, torch.randint(0, 1000, (count - 1,), generator=generator)])
    return Passage(prompt, torch.randint(0, 1000, (20,), generator=generator), codes)

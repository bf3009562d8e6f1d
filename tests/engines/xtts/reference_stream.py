"""What coqui-tts's inference_stream generates before it becomes sound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts
from wyoming_k2so.engines.xtts.model.sampling import Sampling


def stream_codes(
    reference: ReferenceXtts,
    text: str,
    language: str,
    speaker: tuple[Tensor, Tensor],
    sampling: Sampling,
    **options: Any,
) -> tuple[Tensor, Tensor]:
    """Codes (T,) and latents (T, C)."""
    gpt = reference.model.gpt
    steps: list[tuple[Tensor, Tensor]] = []
    get_generator = gpt.get_generator

    def keep_steps(*args: Any, **kwargs: Any) -> Iterator[tuple[Tensor, Tensor]]:
        for step in get_generator(*args, **kwargs):
            steps.append(step)
            yield step

    gpt.get_generator = keep_steps
    try:
        for _ in reference.stream(text, language, speaker, sampling, stream_chunk_size=1000, **options):
            pass
    finally:
        del gpt.get_generator
    return torch.cat([code for code, _ in steps]), torch.cat([latent for _, latent in steps])

"""Coqui's own Xtts on the same checkpoint: what the equality tests and the benchmark compare with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wyoming_k2so.engines.xtts.model.sampling import Sampling


@dataclass(frozen=True)
class Spoken:
    """What Xtts.inference made of one text."""

    codes: Tensor
    """(T,), the stop code included."""

    latents: Tensor
    """(T, C)."""

    samples: Tensor
    """(n,) at 24 kHz."""


class ReferenceXtts:
    """Coqui's model, loaded by Coqui's loader."""

    def __init__(self, folder: Path) -> None:
        from TTS.tts.configs.xtts_config import XttsConfig  # noqa: PLC0415 - several seconds, and only here
        from TTS.tts.models.xtts import Xtts  # noqa: PLC0415

        config = XttsConfig()
        config.load_json(str(folder / "config.json"))
        self.model: Any = Xtts(config)
        self.model.load_checkpoint(config, checkpoint_dir=str(folder), eval=True)

    def speaker(self, name: str) -> tuple[Tensor, Tensor]:
        """Conditioning latents (1, P, C) and speaker embedding (1, D, 1) of a built-in speaker."""
        latents, embedding = self.model.speaker_manager.speakers[name].values()
        return latents, embedding

    def infer(
        self, text: str, language: str, speaker: tuple[Tensor, Tensor], sampling: Sampling, **options: Any
    ) -> Spoken:
        """Speak by Xtts.inference."""
        codes: list[Tensor] = []
        generate = self.model.gpt.generate

        def remember(*args: Any, **kwargs: Any) -> Tensor:
            codes.append(generate(*args, **kwargs))
            return codes[-1]

        self.model.gpt.generate = remember
        try:
            result = self.model.inference(text, language, *speaker, **_arguments(sampling), **options)
        finally:
            del self.model.gpt.generate
        return Spoken(codes[0][0], torch.from_numpy(result["gpt_latents"])[0], torch.from_numpy(result["wav"]))

    def stream(
        self, text: str, language: str, speaker: tuple[Tensor, Tensor], sampling: Sampling, **options: Any
    ) -> Iterator[Tensor]:
        """Speak by Xtts.inference_stream; pieces (n,) of sound. Stock samples here even when greedy: use top_k 1."""
        yield from self.model.inference_stream(text, language, *speaker, **_arguments(sampling), **options)


def fixed_length(tokens: int) -> dict[str, int]:
    """Options that make stock generate exactly so many codes."""
    return {"min_new_tokens": tokens, "max_new_tokens": tokens}


def _arguments(sampling: Sampling) -> dict[str, Any]:
    return {
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "repetition_penalty": sampling.repetition_penalty,
        "do_sample": not sampling.greedy,
    }

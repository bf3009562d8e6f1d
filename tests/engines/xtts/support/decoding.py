"""Codes and latents of one segment: by our GPT, and by Coqui's inference_stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tests.engines.xtts.support.speaking import SPEAKER
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.model.torch_gpt import TorchGpt
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint

GREEDY = Sampling(greedy=True)


class Decoder:
    """Runs one sequence as the engine does."""

    def __init__(self, gpt: TorchGpt, checkpoint: Checkpoint, tokenizer: TextTokenizer) -> None:
        self.gpt, self.tokenizer = gpt, tokenizer
        self.prefix = gpt.prefix(checkpoint.speakers()[SPEAKER][0])

    def begin(
        self,
        text: str,
        sampling: Sampling = GREEDY,
        *,
        seed: int = 0,
        max_tokens: int = 60,
        fixed_length: bool = False,
        cache: KVCache | None = None,
        row: int = 0,
    ) -> Sequence:
        """A sequence with its prompt set and nothing prefilled."""
        cache = cache or KVCache(self.gpt.arch, 1, 700, self.gpt.device)
        generator = torch.Generator().manual_seed(seed)
        sequence = Sequence(self.gpt, cache, row, sampling, generator, max_tokens=max_tokens, fixed_length=fixed_length)
        sequence.start(self.prefix, torch.tensor(self.tokenizer.encode(text, "en")))
        return sequence

    def run(self, text: str, sampling: Sampling = GREEDY, **options: Any) -> tuple[Tensor, Tensor]:
        """Codes (T,) and latents (T, C) of a text."""
        return finish(self.begin(text, sampling, **options))


def finish(sequence: Sequence) -> tuple[Tensor, Tensor]:
    """Codes (T,) and latents (T, C) of a sequence, decoded to its end."""
    if sequence.prompt_left:
        sequence.prefill()
    sequence.check_end()
    while sequence.end is None:
        decode_one_token(sequence.gpt, [sequence])
        sequence.check_end()
    return sequence.codes[: sequence.end], sequence.latents[: sequence.end]


def reference_stream(
    reference: ReferenceXtts, text: str, *, repetition_penalty: float = 10.0, max_tokens: int = 60
) -> tuple[Tensor, Tensor]:
    """Codes (T,) and latents (T, C) that Coqui's inference_stream generates greedily."""
    steps: list[tuple[Tensor, Tensor]] = []
    get_generator = reference.model.gpt.get_generator

    def remember(*args: Any, **kwargs: Any) -> Iterator[tuple[Tensor, Tensor]]:
        for step in get_generator(*args, **kwargs):
            steps.append(step)
            yield step

    # inference_stream samples even when told not to; with a single code to choose from, it is greedy all the same.
    greedy = Sampling(repetition_penalty=repetition_penalty, top_k=1)
    reference.model.gpt.get_generator = remember
    try:
        for _ in reference.stream(
            text, "en", reference.speaker(SPEAKER), greedy, stream_chunk_size=1000, max_new_tokens=max_tokens
        ):
            pass
    finally:
        del reference.model.gpt.get_generator
    return torch.cat([code for code, _ in steps]), torch.cat([latent for _, latent in steps])

"""From logits to the next audio code, with the maths and in the order of transformers' generate(), as Coqui uses it.

Repetition penalty, temperature, top-k, top-p. V: codes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How the next code is sampled. `top_k` 0 and `top_p` 1 switch their filters off."""

    temperature: float = 0.75
    top_k: int = 50
    top_p: float = 0.85
    repetition_penalty: float = 10.0
    greedy: bool = False


def pick(logits: Tensor, seen: Tensor, sampling: Sampling, generator: torch.Generator) -> Tensor:
    """The next code (), int64, from logits (V,) and the mask (V,) of codes seen so far.

    The same as `torch.multinomial` would sample from the same generator state, but without its check of the values,
    which waits for the device.
    """
    penalty = sampling.repetition_penalty
    if penalty != 1:
        penalized = torch.where(logits < 0, logits * penalty, logits / penalty)
        logits = torch.where(seen, penalized, logits)
    if sampling.greedy:
        return logits.argmax()
    if sampling.temperature != 1:
        logits = logits / sampling.temperature
    if 0 < sampling.top_k < logits.shape[0]:
        logits = logits.masked_fill(logits < logits.topk(sampling.top_k).values[-1], -torch.inf)
    if sampling.top_p < 1:
        ordered, order = logits.sort()
        tail = ordered.softmax(0).cumsum(0) <= 1 - sampling.top_p
        tail[-1] = False
        logits = logits.masked_fill(torch.zeros_like(tail).scatter(0, order, tail), -torch.inf)
    # The exponential race: argmax(p / e) with e ~ Exp(1) follows p.
    probabilities = logits.softmax(0)
    return (probabilities / torch.empty_like(probabilities).exponential_(generator=generator)).argmax()

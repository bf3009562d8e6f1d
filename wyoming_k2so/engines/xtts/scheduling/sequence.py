"""One utterance's way through the GPT: a prefill, then one code and one latent per step.

A step takes any number of utterances: their rows share the linear layers. Nothing here knows of text or sound.
"""

from __future__ import annotations

from collections.abc import Sequence as AnySequence

import torch
from torch import Tensor

from wyoming_k2so.engines.xtts.model.gpt import Gpt, KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling, pick

_FILLER_CODE = 1
"""Coqui fills the place of the prompt with this code, so the repetition penalty counts it as spoken."""


class Sequence:
    """The state of one segment: its row in the cache and what has been generated."""

    def __init__(
        self,
        gpt: Gpt,
        cache: KVCache,
        row: int,
        sampling: Sampling,
        generator: torch.Generator,
        *,
        limit: int,
        exact: bool = False,
    ) -> None:
        """`limit`: the most codes to generate, at most Architecture.max_new_tokens; `exact`: no fewer either."""
        arch, device = gpt.arch, gpt.device
        self.gpt, self.cache, self.row = gpt, cache, row
        self.sampling, self.generator = sampling, generator
        self.limit, self.exact = min(limit, arch.max_new_tokens), exact
        self.count = 0
        """Codes generated so far; each belongs to a latent."""

        self.deadline = 0.0
        """When the listener runs out of sound; who has the earliest goes first."""

        self.abandoned = False
        """Nobody wants the rest."""

        self._prefix: Tensor | None = None
        self._unread = torch.zeros(0)
        self.codes = torch.zeros(self.limit, dtype=torch.int64, device=device)
        self.latents = torch.zeros(self.limit, arch.gpt_n_model_channels, device=device)  # (T, C)
        self.seen = torch.zeros(arch.gpt_num_audio_tokens, dtype=torch.bool, device=device)  # (V,)
        self.seen[[_FILLER_CODE, arch.gpt_start_audio_token]] = True

    @torch.inference_mode()
    def begin(self, prefix: Tensor, text: Tensor) -> None:
        """Take the voice's keys and values (L, 2, H, P, D) and the text tokens (T,), for `read`."""
        start = torch.full((1,), self.gpt.arch.gpt_start_audio_token, device=self.gpt.device)
        self._prefix = prefix
        self._unread = torch.cat([self.gpt.embed_text(text), self.gpt.embed_codes(start, [0])])  # (T, C)

    @property
    def unread(self) -> int:
        """How many positions are still to be read before the first code is there."""
        return len(self._unread)

    @torch.inference_mode()
    def read(self, count: int) -> None:
        """Read the next `count` positions of the text; behind the last of them comes the first code."""
        if self._prefix is not None:
            self.cache.write_prefix(self.row, self._prefix)
            self.cache.ends[self.row] = self._prefix.shape[3]
            self._prefix = None
        x, self._unread = self._unread[:count], self._unread[count:]
        latent = self.gpt.prefill(x, self.cache, self.row, self.cache.ends[self.row])
        self.cache.ends[self.row] += len(x)
        if not len(self._unread):
            self.accept(latent[0], self.gpt.code_head(latent)[0])

    def prefill(self, prefix: Tensor, text: Tensor) -> None:
        """Read the voice and the whole text at once, and generate the first code."""
        self.begin(prefix, text)
        self.read(self.unread)

    def accept(self, latent: Tensor, logits: Tensor) -> None:
        """Keep a latent (C,) and the code drawn from its logits (V,)."""
        if self.exact:
            logits = logits.clone()
            logits[self.gpt.arch.gpt_stop_audio_token] = -torch.inf
        code = pick(logits, self.seen, self.sampling, self.generator)
        self.latents[self.count] = latent
        self.codes[self.count] = code
        self.seen.scatter_(0, code[None], value=True)
        self.count += 1

    @property
    def full(self) -> bool:
        """Whether the limit is reached."""
        return self.count >= self.limit

    def stopped_at(self, start: int, end: int | None = None) -> int | None:
        """Index of the first stop code in [start, end). Waits for the device: call it once per block of codes."""
        end = self.count if end is None else min(end, self.count)
        stops = (self.codes[start:end] == self.gpt.arch.gpt_stop_audio_token).nonzero()
        return start + int(stops[0, 0]) if len(stops) else None


@torch.inference_mode()
def decode_one_token(gpt: Gpt, decodings: AnySequence[Sequence]) -> None:
    """Advance every decoding by one code in one pass over the weights. All use the same cache."""
    codes = torch.stack([item.codes[item.count - 1] for item in decodings])  # (B,)
    x = gpt.embed_codes(codes, [item.count for item in decodings])
    rows, cache = [item.row for item in decodings], decodings[0].cache
    latents = gpt.step(x, cache, rows, [cache.ends[row] for row in rows])
    logits = gpt.code_head(latents)
    for item, latent, scores in zip(decodings, latents, logits, strict=True):
        cache.ends[item.row] += 1
        item.accept(latent, scores)

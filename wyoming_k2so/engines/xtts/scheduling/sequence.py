"""One segment's way through the GPT: a prefill, then one code and one latent per step.

A step takes any number of sequences: their rows share the linear layers. Nothing here knows of text or sound.
T: positions, C: channels, V: size of the code book.
"""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from wyoming_k2so.engines.xtts import guardrails
from wyoming_k2so.engines.xtts.model.gpt import Gpt
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling, pick

_LOGGER = logging.getLogger(__name__)

_FILLER_CODE = 1
"""Coqui fills the place of the prompt with this code, so the repetition penalty counts it as spoken."""

_LOOP_WINDOW = 60
"""Codes in which a loop is looked for."""


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
        max_tokens: int,
        fixed_length: bool = False,
        stop_loops: bool = False,
    ) -> None:
        """Reserve memory for the codes and latents.

        Args:
            max_tokens: the most codes to generate, at most Architecture.max_new_tokens.
            fixed_length: generate no fewer either.
            stop_loops: let the segment end where the model repeats itself.
        """
        arch, device = gpt.arch, gpt.device
        self.gpt, self.cache, self.row = gpt, cache, row
        self.sampling, self.generator = sampling, generator
        self.max_tokens = min(max_tokens, arch.max_new_tokens)
        self._fixed_length, self._stop_loops = fixed_length, stop_loops and not fixed_length
        self.count = 0
        """Codes generated so far; each has a latent."""

        self.end: int | None = None
        """How many codes the segment has, once `check_end` has found out."""

        self.deadline = 0.0
        """When the listener runs out of sound; the earliest deadline goes first."""

        self.aborted = False
        """Nobody wants the rest."""

        self._checked = 0
        self._prefix: Tensor | None = None
        self._prompt = torch.zeros(0)  # (T, C), what is left to prefill
        self.codes = torch.zeros(self.max_tokens, dtype=torch.int64, device=device)
        self.latents = torch.zeros(self.max_tokens, arch.gpt_n_model_channels, device=device)  # (T, C)
        self.seen = torch.zeros(arch.gpt_num_audio_tokens, dtype=torch.bool, device=device)  # (V,)
        self.seen[[_FILLER_CODE, arch.gpt_start_audio_token]] = True

    @torch.inference_mode()
    def start(self, prefix: Tensor, text: Tensor) -> None:
        """Set the prompt: the voice's keys and values (L, 2, H, P, D) and the text tokens (T,)."""
        start = torch.full((1,), self.gpt.arch.gpt_start_audio_token, device=self.gpt.device)
        self._prefix = prefix
        self._prompt = torch.cat([self.gpt.embed_text(text), self.gpt.embed_codes(start, [0])])  # (T, C)

    @property
    def prompt_left(self) -> int:
        """Positions of the prompt that still have to be prefilled."""
        return len(self._prompt)

    @torch.inference_mode()
    def prefill(self, count: int | None = None) -> None:
        """Process the next `count` positions of the prompt (default: all); the last one yields the first code."""
        if self._prefix is not None:
            self.cache.write_prefix(self.row, self._prefix)
            self.cache.ends[self.row] = self._prefix.shape[3]
            self._prefix = None
        count = self.prompt_left if count is None else count
        x, self._prompt = self._prompt[:count], self._prompt[count:]
        latent = self.gpt.prefill(x, self.cache, self.row, self.cache.ends[self.row])
        self.cache.ends[self.row] += len(x)
        if not self.prompt_left:
            self.append(latent[0], self.gpt.code_head(latent)[0])

    def append(self, latent: Tensor, logits: Tensor) -> None:
        """Keep a latent (C,) and the code sampled from its logits (V,)."""
        if self._fixed_length:
            logits = logits.clone()
            logits[self.gpt.arch.gpt_stop_audio_token] = -torch.inf
        code = pick(logits, self.seen, self.sampling, self.generator)
        self.latents[self.count] = latent
        self.codes[self.count] = code
        self.seen.scatter_(0, code[None], value=True)
        self.count += 1

    @property
    def full(self) -> bool:
        """Whether there are `max_tokens` codes."""
        return self.count >= self.max_tokens

    def check_end(self, block: int = 1) -> None:
        """Look for the end among the new codes, `block` of them at a time. Waits for the device."""
        while self.end is None and (self.full or self.count >= self._checked + block):
            start, self._checked = self._checked, min(self._checked + block, self.count)
            stops = (self.codes[start : self._checked] == self.gpt.arch.gpt_stop_audio_token).nonzero()
            if len(stops):
                self.end = start + int(stops[0, 0]) + 1
            elif self._checked == self.max_tokens or self._loops():
                self.end = self._checked

    def _loops(self) -> bool:
        if not self._stop_loops:
            return False
        late = self.codes[max(0, self._checked - _LOOP_WINDOW) : self._checked]
        if not guardrails.loop_length(late.tolist()):
            return False
        _LOGGER.debug("the model repeats itself; ending the segment")
        return True


@torch.inference_mode()
def decode_one_token(gpt: Gpt, sequences: list[Sequence]) -> None:
    """Advance every sequence by one code in one pass over the weights. All use the same cache."""
    codes = torch.stack([item.codes[item.count - 1] for item in sequences])  # (B,)
    x = gpt.embed_codes(codes, [item.count for item in sequences])
    rows, cache = [item.row for item in sequences], sequences[0].cache
    latents = gpt.step(x, cache, rows, [cache.ends[row] for row in rows])
    logits = gpt.code_head(latents)
    for item, latent, scores in zip(sequences, latents, logits, strict=True):
        cache.ends[item.row] += 1
        item.append(latent, scores)

"""What every backend of XTTS's GPT shares: embeddings, and the interface of prefill and step. Knows no sampling.

B: rows, T: positions, P: positions of a prompt, C: channels, L: layers, H: heads, D: channels per head.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wyoming_k2so.engines.xtts.kernels.finite import check_finite

from .architecture import Architecture
from .kv_cache import KVCache


class Gpt(nn.Module):
    """The autoregressive half of XTTS: text and audio codes in, latents and logits out.

    A subclass is a backend: it computes `step` and `prefill`.
    """

    code_head: nn.Linear

    def __init__(self, arch: Architecture, text_tokens: int) -> None:
        super().__init__()
        channels = arch.gpt_n_model_channels
        self.arch = arch
        self.text_embedding = nn.Embedding(text_tokens, channels)
        self.text_position = nn.Embedding(arch.gpt_max_text_tokens + 2, channels)
        self.code_embedding = nn.Embedding(arch.gpt_num_audio_tokens, channels)
        self.code_position = nn.Embedding(arch.gpt_max_audio_tokens + 3, channels)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.code_embedding.weight.device

    def embed_text(self, tokens: Tensor) -> Tensor:
        """Text tokens (T,), including start and stop -> (T, C)."""
        x: Tensor = self.text_embedding(tokens) + self.text_position.weight[: tokens.shape[0]]
        return x

    def embed_codes(self, codes: Tensor, positions: Sequence[int]) -> Tensor:
        """One audio code per row (B,), the positions[i]-th of its segment (the start code is 0) -> (B, C)."""
        place = torch.cat([self.code_position.weight[position : position + 1] for position in positions])
        x: Tensor = self.code_embedding(codes) + place
        return x

    @property
    def step_bytes(self) -> int:
        """Bytes of weights that a token step reads."""
        raise NotImplementedError

    def prepare(self, device: torch.device) -> Gpt:
        """Move to `device`, in place. Call it once, before anything is computed."""
        return self.to(device)

    def step(self, x: Tensor, cache: KVCache, rows: Sequence[int], positions: Sequence[int]) -> Tensor:
        """Advance each of `rows`, in ascending order, by one token. x (B, C) -> latents (B, C).

        Raises:
            NotFinite: it computed NaN or infinity; a backend may also leave that to its caller.
        """
        raise NotImplementedError

    def prefill(self, x: Tensor, cache: KVCache, row: int, start: int, last: int = 1) -> Tensor:
        """Process several tokens of one row from position `start` on. x (T, C) -> latents (n, C) of the `last` ones.

        Raises:
            NotFinite: as `step`.
        """
        raise NotImplementedError

    @torch.inference_mode()
    def prefix(self, latents: Tensor) -> Tensor:
        """Keys and values (L, 2, H, P, D) of a voice's conditioning latents (P, C), the same for every reply.

        Raises:
            NotFinite: it computed NaN or infinity.
        """
        cache = KVCache(self.arch, 1, latents.shape[0], latents.device)
        self.prefill(latents, cache, row=0, start=0)
        prefix = cache.data[:, :, 0]
        check_finite(prefix)
        return prefix

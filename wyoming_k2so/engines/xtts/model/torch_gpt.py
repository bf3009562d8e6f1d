"""The GPT computed by torch, layer by layer, with Coqui's weights.

Every projection is an nn.Linear, so that a quantizer can swap layers. B: rows, T: positions, C: channels, H: heads,
D: channels per head.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from wyoming_k2so.engines.xtts.kernels.onednn import pack
from wyoming_k2so.engines.xtts.kernels.quant import weight_bytes

from .architecture import Architecture
from .gpt import Gpt
from .kv_cache import KVCache
from .weight_reader import WeightReader, init_empty_weights


class Block(nn.Module):
    """One GPT-2 block: pre-norm attention and MLP (tanh-approximated GELU)."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        channels = arch.gpt_n_model_channels
        self.heads, self.head_dim = arch.gpt_n_heads, arch.head_dim
        self.ln_1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.ln_2 = nn.LayerNorm(channels)
        self.up = nn.Linear(channels, 4 * channels)
        self.down = nn.Linear(4 * channels, channels)

    def step(self, x: Tensor, slabs: Sequence[Tensor], positions: Sequence[int]) -> Tensor:
        """One token per row. x (B, C); row i is at positions[i] and sees its slab (2, H, T, D) up to there."""
        rows = len(positions)
        qkv = self.qkv(self.ln_1(x)).view(rows, 3, self.heads, 1, self.head_dim)
        attended = []
        for row, position in enumerate(positions):
            slab = slabs[row].narrow(2, 0, position + 1)
            slab[:, :, position:] = qkv[row, 1:]
            sound = functional.scaled_dot_product_attention(qkv[row, :1], slab[:1], slab[1:])  # (1, H, 1, D)
            attended.append(sound.view(1, -1))
        x = x + self.out(attended[0] if rows == 1 else torch.cat(attended))
        return self._mlp(x)

    def prefill(self, x: Tensor, slab: Tensor, start: int, mask: Tensor) -> Tensor:
        """Several tokens of one row. x (T, C), keys and values written from `start` on; mask (T, start + T)."""
        count = x.shape[0]
        qkv = self.qkv(self.ln_1(x)).view(count, 3, self.heads, self.head_dim).permute(1, 2, 0, 3)  # (3, H, T, D)
        slab = slab.narrow(2, 0, start + count)
        slab[:, :, start:] = qkv[1:]
        attended = functional.scaled_dot_product_attention(
            qkv[:1].contiguous(), slab[:1], slab[1:], attn_mask=mask
        )  # (1, H, T, D)
        x = x + self.out(attended[0].transpose(0, 1).reshape(count, -1))
        return self._mlp(x)

    def _mlp(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.down(functional.gelu(self.up(self.ln_2(x)), approximate="tanh"))
        return y


class TorchGpt(Gpt):
    """The torch backend. Leaves the check for NaN and infinity to its caller, since it would wait for the device."""

    def __init__(self, arch: Architecture, text_tokens: int) -> None:
        super().__init__(arch, text_tokens)
        channels = arch.gpt_n_model_channels
        self.blocks = nn.ModuleList(Block(arch) for _ in range(arch.gpt_layers))
        self.ln_f = nn.LayerNorm(channels)
        self.final_norm = nn.LayerNorm(channels)
        self.code_head = nn.Linear(channels, arch.gpt_num_audio_tokens)

    @property
    def _blocks(self) -> Iterable[Block]:
        return cast("Iterable[Block]", self.blocks)

    @property
    def step_bytes(self) -> int:
        """Bytes of weights that a token step reads."""
        return weight_bytes(self.blocks) + weight_bytes(self.code_head)

    def prepare(self, device: torch.device) -> TorchGpt:
        """Move to `device`, in place. Call it once, before anything is computed."""
        self.to(device)
        if device.type == "cpu":
            pack(self)
        return self

    def step(self, x: Tensor, cache: KVCache, rows: Sequence[int], positions: Sequence[int]) -> Tensor:
        """Advance each of `rows` by one token. x (B, C) -> latents (B, C)."""
        for block, slabs in zip(self._blocks, cache.slabs, strict=True):
            x = block.step(x, [slabs[row] for row in rows], positions)
        latents: Tensor = self.final_norm(self.ln_f(x))
        return latents

    def prefill(self, x: Tensor, cache: KVCache, row: int, start: int, last: int = 1) -> Tensor:
        """Process several tokens of one row from position `start` on. x (T, C) -> latents (n, C) of the `last` ones."""
        count = x.shape[0]
        mask = torch.ones(count, start + count, dtype=torch.bool, device=x.device).tril(start)
        for block, slabs in zip(self._blocks, cache.slabs, strict=True):
            x = block.prefill(x, slabs[row], start, mask)
        latent: Tensor = self.final_norm(self.ln_f(x[-last:]))
        return latent


def load_gpt(weights: WeightReader, arch: Architecture, text_tokens: int) -> TorchGpt:
    """Build the GPT, copying one tensor at a time.

    Coqui's projections are transformers' Conv1D, stored (in, out); they are transposed here. The text head and the
    encoders are left out: inference does not use them.

    Raises:
        EngineError: a weight is missing or has the wrong shape.
    """
    with init_empty_weights():
        gpt = TorchGpt(arch, text_tokens)
    _fill(gpt, weights, "")
    return gpt.eval()


def load_block(weights: WeightReader, arch: Architecture, index: int) -> Block:
    """A single block of the GPT, as `load_gpt` would load it."""
    with init_empty_weights():
        block = Block(arch)
    _fill(block, weights, f"blocks.{index}.")
    return block.eval()


def _fill(module: nn.Module, weights: WeightReader, prefix: str) -> None:
    for name, parameter in list(module.named_parameters()):
        source = _source_name(prefix + name)
        transpose = source.endswith(("c_attn.weight", "c_fc.weight", "c_proj.weight"))
        shape = tuple(reversed(parameter.shape)) if transpose else tuple(parameter.shape)
        owner, _, leaf = name.rpartition(".")
        copy = weights.copy(source, shape, transpose=transpose)
        setattr(module.get_submodule(owner), leaf, nn.Parameter(copy, requires_grad=False))


_TOP = {
    "text_embedding": "text_embedding",
    "text_position": "text_pos_embedding.emb",
    "code_embedding": "mel_embedding",
    "code_position": "mel_pos_embedding.emb",
    "ln_f": "gpt.ln_f",
    "final_norm": "final_norm",
    "code_head": "mel_head",
}
_IN_BLOCK = {
    "ln_1": "ln_1",
    "qkv": "attn.c_attn",
    "out": "attn.c_proj",
    "ln_2": "ln_2",
    "up": "mlp.c_fc",
    "down": "mlp.c_proj",
}


def _source_name(name: str) -> str:
    """Our parameter's name -> its name in Coqui's state dict."""
    parts = name.split(".")
    if parts[0] == "blocks":
        return f"gpt.gpt.h.{parts[1]}.{_IN_BLOCK[parts[2]]}.{parts[3]}"
    return f"gpt.{_TOP[parts[0]]}.{parts[1]}"

"""The int8 GPT as one graph of ONNX Runtime: a token step without the cost of 400 calls.

Keys and values stay where the KVCache has them; the runtime writes the new ones in place. B: rows, T: positions,
C: channels, H: heads, D: channels per head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from wyoming_k2so.engines.xtts.kernels import ort
from wyoming_k2so.engines.xtts.kernels.finite import check_finite
from wyoming_k2so.engines.xtts.kernels.quant import weight_bytes

from .architecture import Architecture
from .gpt import Gpt
from .kv_cache import KVCache
from .ort_graph import GraphBuilder, linear_sizes


class OrtGpt(Gpt):
    """The ONNX Runtime backend. The embeddings and the head are torch modules, as in every Gpt."""

    def __init__(self, arch: Architecture, text_tokens: int, threads: int) -> None:
        """`text_tokens`: size of the text vocabulary; `threads`: how many a step may use."""
        super().__init__(arch, text_tokens)
        self.code_head = nn.Linear(arch.gpt_n_model_channels, arch.gpt_num_audio_tokens)
        self.packed_bytes = 0
        self._threads = threads

    def assemble(self, constants: Mapping[str, Tensor]) -> None:
        """Build the graph of all blocks and the last norms from their tensors, named as in TorchGpt.

        The runtime packs the layers into memory of its own, reading them where they lie, which may be a mapped file.

        Raises:
            KeyError, ValueError: a tensor is missing or has another shape.
        """
        builder = GraphBuilder(self.arch, {name: tensor.detach().numpy() for name, tensor in constants.items()})
        self._session = ort.session(builder.build(), threads=self._threads, external=builder.layers)
        self._layers = builder.layers  # kept for processors on which the runtime does not pack
        self.packed_bytes = sum(ort.int8_bytes(outputs, inputs) for _, inputs, outputs in linear_sizes(self.arch))

    @property
    def step_bytes(self) -> int:
        """Bytes of weights that a token step reads."""
        return self.packed_bytes + weight_bytes(self.code_head)

    def step(self, x: Tensor, cache: KVCache, rows: Sequence[int], positions: Sequence[int]) -> Tensor:
        """Advance each of `rows`, in ascending order, by one token. x (B, C) -> latents (B, C).

        Rows between them are computed as well and dropped: their place is overwritten by their own next token.

        Raises:
            NotFinite: it computed NaN or infinity.
        """
        first, count = rows[0], rows[-1] + 1 - rows[0]
        if count == len(rows):
            return self._run(x[:, None], cache, first, positions)[:, 0]
        places = [row - first for row in rows]
        padded = torch.zeros(count, x.shape[1]).index_copy_(0, torch.tensor(places), x)
        ends = cache.ends[first : first + count]
        for place, position in zip(places, positions, strict=True):
            ends[place] = position
        return self._run(padded[:, None], cache, first, ends)[places, 0]

    def prefill(self, x: Tensor, cache: KVCache, row: int, start: int, last: int = 1) -> Tensor:
        """Process several tokens of one row from position `start` on. x (T, C) -> latents (n, C) of the `last` ones.

        Raises:
            NotFinite: it computed NaN or infinity.
        """
        return self._run(x[None], cache, row, [start + x.shape[0] - 1])[0, -last:]

    def _run(self, x: Tensor, cache: KVCache, first: int, ends: Sequence[int]) -> Tensor:
        """x (B, T, C) of neighbouring rows from `first` on; `ends` holds the position of each row's last token."""
        x, latents = x.contiguous(), torch.empty(x.shape)
        key = (self, first, len(ends))
        if key not in cache.bindings:
            cache.bindings[key] = self._bind(cache, first, len(ends))
        binding = cache.bindings[key]
        lengths, total = np.array(ends, np.int32), np.array(max(ends) + 1, np.int32)
        _bind_memory(binding.bind_input, "x", x)
        binding.bind_input("lengths", "cpu", 0, np.int32, lengths.shape, lengths.ctypes.data)
        binding.bind_input("total", "cpu", 0, np.int32, (), total.ctypes.data)
        _bind_memory(binding.bind_output, "latents", latents)
        self._session.run_with_iobinding(binding)
        check_finite(latents)
        return latents

    def _bind(self, cache: KVCache, first: int, count: int) -> onnxruntime.IOBinding:
        binding = self._session.io_binding()
        for layer in range(self.arch.gpt_layers):
            for kind, name in enumerate(("keys", "values")):
                rows = cache.data[layer, kind, first : first + count]  # (B, H, T, D)
                _bind_memory(binding.bind_input, f"{name}.{layer}", rows)
                _bind_memory(binding.bind_output, f"{name}.{layer}.new", rows)
        return binding


def _bind_memory(bind: Callable[..., Any], name: str, tensor: Tensor) -> None:
    bind(name, "cpu", 0, np.float32, tuple(tensor.shape), tensor.data_ptr())

"""The int8 GPT as one graph of ONNX Runtime: a token step without the cost of 400 calls. Knows no sampling.

Keys and values stay where the KVCache has them; the runtime writes the new ones in place. L: layers, B: rows, T:
positions, C: channels, H: heads, D: channels per head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from wyoming_k2so.engines.xtts.model.gpt import Gpt, KVCache
from wyoming_k2so.engines.xtts.weights.checkpoint import Architecture

from . import quant

_EPSILON = 1e-5
_MICROSOFT = "com.microsoft"


class GraphGpt(Gpt):
    """Computed by ONNX Runtime. The embeddings and the head are torch's modules as in every Gpt."""

    def __init__(self, arch: Architecture, text_tokens: int, threads: int) -> None:
        """`text_tokens`: size of the text vocabulary; `threads`: cores that a step may use."""
        super().__init__(arch, text_tokens)
        self.code_head = nn.Linear(arch.gpt_n_model_channels, arch.gpt_num_audio_tokens)
        self.packed_bytes = 0
        self._threads = threads

    def assemble(self, constants: Mapping[str, Tensor]) -> None:
        """Build the graph of all blocks and the last norms from their tensors, named as in TorchGpt.

        Layers are packed into memory of the runtime's own, straight from where they lie: it may be a file.

        Raises:
            KeyError, ValueError: a tensor is missing or of another shape.
        """
        builder = _Builder(self.arch, constants)
        self._session = quant.session(builder.build(), threads=self._threads, layers=builder.layers)
        self._layers = builder.layers  # for processors on which the runtime does not pack
        self.packed_bytes = sum(
            quant.int8_bytes(outputs, -(-inputs // quant.BLOCK)) for _, inputs, outputs in linears(self.arch)
        )

    @property
    def step_bytes(self) -> int:
        """Weights that a token step reads."""
        return self.packed_bytes + quant.weight_bytes(self.code_head)

    def step(self, x: Tensor, cache: KVCache, rows: Sequence[int], positions: Sequence[int]) -> Tensor:
        """Advance each of `rows`, in rising order, by one token. x (B, C) -> latents (B, C).

        Rows between them are computed as well and forgotten: their place is written again when their own token comes.

        Raises:
            NotANumber: it computed a NaN or an infinity.
        """
        first, count = rows[0], rows[-1] + 1 - rows[0]
        if count == len(rows):
            return self._run(x[:, None], cache, first, positions)[:, 0]
        places = [row - first for row in rows]
        every = torch.zeros(count, x.shape[1]).index_copy_(0, torch.tensor(places), x)
        ends = cache.ends[first : first + count]
        for place, position in zip(places, positions, strict=True):
            ends[place] = position
        return self._run(every[:, None], cache, first, ends)[places, 0]

    def prefill(self, x: Tensor, cache: KVCache, row: int, start: int, last: int = 1) -> Tensor:
        """Read several tokens of one row from position `start` on. x (T, C) -> latents of the `last` ones (n, C).

        Raises:
            NotANumber: it computed a NaN or an infinity.
        """
        return self._run(x[None], cache, row, [start + x.shape[0] - 1])[0, -last:]

    def _run(self, x: Tensor, cache: KVCache, first: int, ends: Sequence[int]) -> Tensor:
        """x (B, T, C) of neighbouring rows; each row's last token sits at its `ends`."""
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
        quant.check_numbers(latents)
        return latents

    def _bind(self, cache: KVCache, first: int, count: int) -> onnxruntime.IOBinding:
        binding = self._session.io_binding()
        for layer in range(self.arch.gpt_layers):
            for kind, name in enumerate(("keys", "values")):
                rows = cache.data[layer, kind, first : first + count]  # (B, H, T, D)
                _bind_memory(binding.bind_input, f"{name}.{layer}", rows)
                _bind_memory(binding.bind_output, f"{name}.{layer}.new", rows)
        return binding


def linears(arch: Architecture) -> Iterator[tuple[str, int, int]]:
    """Name, inputs and outputs of every linear layer in the blocks."""
    channels = arch.gpt_n_model_channels
    for index in range(arch.gpt_layers):
        yield f"blocks.{index}.qkv", channels, 3 * channels
        yield f"blocks.{index}.out", channels, channels
        yield f"blocks.{index}.up", channels, 4 * channels
        yield f"blocks.{index}.down", 4 * channels, channels


def _bind_memory(bind: Callable[..., Any], name: str, tensor: Tensor) -> None:
    bind(name, "cpu", 0, np.float32, tuple(tensor.shape), tensor.data_ptr())


class _Builder:
    """Puts the nodes of the blocks together."""

    def __init__(self, arch: Architecture, constants: Mapping[str, Tensor]) -> None:
        self._arch, self._constants = arch, constants
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self.layers: dict[str, Tensor] = {}
        """What the graph only names: the weights of the linear layers."""

    def build(self) -> onnx.GraphProto:
        channels, heads = self._arch.gpt_n_model_channels, self._arch.gpt_n_heads
        slab: list[str | int | None] = ["B", heads, "positions", self._arch.head_dim]
        inputs = [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", "T", channels]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["B"]),
            helper.make_tensor_value_info("total", TensorProto.INT32, []),
        ]
        outputs = [helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["B", "T", channels])]
        count = self._arch.gpt_layers
        sizes = {name: (inputs, outputs) for name, inputs, outputs in linears(self._arch)}
        normed, stream = self._norm("x", "blocks.0.ln_1", "normed"), "x"
        for index in range(count):
            name = f"blocks.{index}"
            for kind in ("keys", "values"):
                inputs.append(helper.make_tensor_value_info(f"{kind}.{index}", TensorProto.FLOAT, slab))
                outputs.append(helper.make_tensor_value_info(f"{kind}.{index}.new", TensorProto.FLOAT, slab))
            qkv = self._linear(normed, f"{name}.qkv", *sizes[f"{name}.qkv"])
            attended = self._attention(qkv, index)
            out = self._linear(attended, f"{name}.out", *sizes[f"{name}.out"])
            normed, stream = self._add_norm(out, stream, f"{name}.ln_2")
            up = self._linear(normed, f"{name}.up", *sizes[f"{name}.up"])
            self._add("FastGelu", [up], [f"{name}.gelu"])
            down = self._linear(f"{name}.gelu", f"{name}.down", *sizes[f"{name}.down"])
            following = f"blocks.{index + 1}.ln_1" if index + 1 < count else "ln_f"
            normed, stream = self._add_norm(down, stream, following)
        self._norm(normed, "final_norm", "latents")
        return helper.make_graph(self._nodes, "gpt", inputs, outputs, self._initializers)

    def _add(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, outputs, domain=_MICROSOFT, **attributes))

    def _norm(self, x: str, name: str, y: str) -> str:
        weights = self._norm_weights(name)
        self._nodes.append(helper.make_node("LayerNormalization", [x, *weights], [y], axis=-1, epsilon=_EPSILON))
        return y

    def _add_norm(self, x: str, stream: str, name: str) -> tuple[str, str]:
        """Sum of two signals, and the norm of the sum: its name first."""
        y, total = f"{name}.y", f"{name}.sum"
        self._add(
            "SkipLayerNormalization", [x, stream, *self._norm_weights(name)], [y, "", "", total], epsilon=_EPSILON
        )
        return y, total

    def _norm_weights(self, name: str) -> list[str]:
        channels = self._arch.gpt_n_model_channels
        return [self._constant(f"{name}.{leaf}", (channels,), torch.float32) for leaf in ("weight", "bias")]

    def _linear(self, x: str, name: str, inputs: int, outputs: int) -> str:
        blocks = -(-inputs // quant.BLOCK)
        constants = [
            self._constant(f"{name}.weight", (outputs, blocks, quant.BLOCK), torch.uint8),
            self._constant(f"{name}.scale", (outputs, blocks), torch.float32),
            self._constant(f"{name}.bias", (outputs,), torch.float32),
        ]
        self._nodes.append(quant.int8_node(x, constants, f"{name}.y", inputs, outputs))
        return f"{name}.y"

    def _attention(self, qkv: str, index: int) -> str:
        """Causal attention that appends to keys and values in place; each row to its own length."""
        y, heads = f"blocks.{index}.attended", self._arch.gpt_n_heads
        past = [f"keys.{index}", f"values.{index}"]
        self._add(
            "GroupQueryAttention",
            [qkv, "", "", *past, "lengths", "total"],
            [y, *(f"{name}.new" for name in past)],
            num_heads=heads,
            kv_num_heads=heads,
        )
        return y

    def _constant(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> str:
        value = self._constants[name]
        if tuple(value.shape) != shape or value.dtype != dtype:
            raise ValueError(name)
        if name.endswith((".scale", ".weight")) and value.dim() > 1:
            self.layers[name] = value
            self._initializers.append(quant.outside(name, value))
        else:
            self._initializers.append(numpy_helper.from_array(value.detach().numpy(), name))
        return name

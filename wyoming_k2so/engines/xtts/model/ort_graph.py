"""The blocks of the int8 GPT as one graph for ONNX Runtime. No torch.

B: rows, T: positions, C: channels, H: heads, D: channels per head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from wyoming_k2so.engines.xtts.kernels import ort
from wyoming_k2so.engines.xtts.kernels.ort import Array

from .architecture import Architecture

_EPSILON = 1e-5


def linear_sizes(arch: Architecture) -> Iterator[tuple[str, int, int]]:
    """Name, inputs and outputs of every linear layer in the blocks."""
    channels = arch.gpt_n_model_channels
    for index in range(arch.gpt_layers):
        yield f"blocks.{index}.qkv", channels, 3 * channels
        yield f"blocks.{index}.out", channels, channels
        yield f"blocks.{index}.up", channels, 4 * channels
        yield f"blocks.{index}.down", 4 * channels, channels


class GraphBuilder:
    """Puts the nodes of all blocks together."""

    def __init__(self, arch: Architecture, constants: Mapping[str, Array]) -> None:
        """`constants`: named as the tensors of TorchGpt; layers encoded in int8."""
        self._arch, self._constants = arch, constants
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self.layers: dict[str, Array] = {}
        """External constants: the weights and scales of the linear layers."""

    def build(self) -> onnx.GraphProto:
        """The graph: x (B, T, C) -> latents (B, T, C); keys and values (B, H, positions, D) of each layer in place.

        Raises:
            KeyError, ValueError: a constant is missing or has another shape.
        """
        channels, heads = self._arch.gpt_n_model_channels, self._arch.gpt_n_heads
        slab: list[str | int | None] = ["B", heads, "positions", self._arch.head_dim]
        inputs = [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", "T", channels]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["B"]),
            helper.make_tensor_value_info("total", TensorProto.INT32, []),
        ]
        outputs = [helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["B", "T", channels])]
        count = self._arch.gpt_layers
        sizes = {name: (inputs, outputs) for name, inputs, outputs in linear_sizes(self._arch)}
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
        self._nodes.append(helper.make_node(kind, inputs, outputs, domain=ort.MICROSOFT, **attributes))

    def _norm(self, x: str, name: str, y: str) -> str:
        weights = self._norm_weights(name)
        self._nodes.append(helper.make_node("LayerNormalization", [x, *weights], [y], axis=-1, epsilon=_EPSILON))
        return y

    def _add_norm(self, x: str, stream: str, name: str) -> tuple[str, str]:
        """The names of the norm of a sum, and of the sum."""
        y, total = f"{name}.y", f"{name}.sum"
        self._add(
            "SkipLayerNormalization", [x, stream, *self._norm_weights(name)], [y, "", "", total], epsilon=_EPSILON
        )
        return y, total

    def _norm_weights(self, name: str) -> list[str]:
        channels = self._arch.gpt_n_model_channels
        return [self._constant(f"{name}.{leaf}", (channels,), np.float32) for leaf in ("weight", "bias")]

    def _linear(self, x: str, name: str, inputs: int, outputs: int) -> str:
        blocks = -(-inputs // ort.BLOCK)
        constants = [
            self._constant(f"{name}.weight", (outputs, blocks, ort.BLOCK), np.uint8),
            self._constant(f"{name}.scale", (outputs, blocks), np.float32),
            self._constant(f"{name}.bias", (outputs,), np.float32),
        ]
        self._nodes.append(ort.int8_node(x, constants, f"{name}.y", inputs, outputs))
        return f"{name}.y"

    def _attention(self, qkv: str, index: int) -> str:
        """Causal attention that appends to keys and values in place, each row at its own length."""
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

    def _constant(self, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> str:
        value = self._constants[name]
        if value.shape != shape or value.dtype != dtype:
            raise ValueError(name)
        if name.endswith((".scale", ".weight")) and value.ndim > 1:
            self.layers[name] = value
            self._initializers.append(ort.external_constant(name, value))
        else:
            self._initializers.append(numpy_helper.from_array(value, name))
        return name

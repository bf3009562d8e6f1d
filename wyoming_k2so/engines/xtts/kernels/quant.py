"""Linear layers with small weights: what is stored, and the module that computes with it.

A layer's weights are encoded into plain tensors (`encode`), which can be kept in a file, and turned into a module that
replaces nn.Linear (`layer`), as in gpt-fast. N: outputs, K: inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import precision
from .ort import BLOCK, int8_bytes, int8_session

_ZERO = 128
"""The byte that stands for a weight of 0."""


class Int8Linear(nn.Module):
    """Weights in int8 with one scale per BLOCK of inputs, inputs rounded likewise per row; integer arithmetic.

    The kernel is ONNX Runtime's MatMulNBits. Each row is computed by itself: it gets the same bits alone as with
    others.
    """

    def __init__(self, weight: Tensor, scale: Tensor, bias: Tensor | None, in_features: int | None = None) -> None:
        """weight (N, K / BLOCK, BLOCK) uint8, scale (N, K / BLOCK), bias (N,)."""
        super().__init__()
        self.out_features = weight.shape[0]
        self.in_features = in_features or weight.shape[1] * weight.shape[2]
        self.packed_bytes = int8_bytes(self.out_features, self.in_features)
        constants = {"weight": weight, "scale": scale, **({} if bias is None else {"bias": bias})}
        arrays = {name: tensor.detach().numpy() for name, tensor in constants.items()}
        self._session = int8_session(arrays, self.in_features, self.out_features)

    def forward(self, x: Tensor) -> Tensor:
        """(B, K) -> (B, N), float32."""
        (y,) = self._session.run(None, {"x": x.detach().numpy()})
        return torch.from_numpy(y)


class HalfLinear(nn.Module):
    """Weights and arithmetic in a 16-bit type between float32 signals."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias.to(weight.dtype), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, K) -> (B, N), float32."""
        return functional.linear(x.to(self.weight.dtype), self.weight, self.bias).float()


def encode(weight: Tensor, mode: str) -> dict[str, Tensor]:
    """What a layer stores for weights (N, K): `weight` and, for int8, `scale`.

    int8: `weight` (N, K / BLOCK, BLOCK) uint8 with zeros after the last input, `scale` (N, K / BLOCK).
    """
    if mode.startswith("int8"):
        blocks = functional.pad(weight, (0, -weight.shape[1] % BLOCK)).reshape(len(weight), -1, BLOCK)
        scale = (blocks.abs().amax(2) / 127).clamp_(min=torch.finfo(torch.float32).tiny)
        return {"weight": ((blocks / scale[..., None]).round_() + _ZERO).to(torch.uint8), "scale": scale}
    return {"weight": weight.to(precision.dtype(mode))}


def layer(tensors: Mapping[str, Tensor], in_features: int | None = None) -> nn.Module:
    """The module that computes with the tensors of `encode` and, if there is one, a `bias` (N,).

    `in_features`: K, where it is not a multiple of BLOCK.
    """
    weight, bias = tensors["weight"], tensors.get("bias")
    if weight.dtype == torch.uint8:
        return Int8Linear(weight, tensors["scale"], bias, in_features)
    if weight.dtype != torch.float32:
        return HalfLinear(weight, bias)
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    linear.weight = nn.Parameter(weight, requires_grad=False)
    linear.register_parameter("bias", None if bias is None else nn.Parameter(bias, requires_grad=False))
    return linear


def fits(weight: Tensor, linear: nn.Linear) -> bool:
    """Whether stored weights have the shape of a layer's."""
    if weight.dtype == torch.uint8:
        return weight.shape == (linear.out_features, -(-linear.in_features // BLOCK), BLOCK)
    return weight.shape == linear.weight.shape


def linears(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    """Every layer that can be quantized, by name."""
    return ((name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear))


def weight_bytes(model: nn.Module) -> int:
    """Memory of all weights of a model."""
    packed = sum(getattr(module, "packed_bytes", 0) for module in model.modules())
    return packed + sum(parameter.nbytes for parameter in model.parameters())

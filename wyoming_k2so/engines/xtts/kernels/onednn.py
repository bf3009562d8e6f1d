"""Layers whose weights oneDNN keeps packed in its own order, instead of reordering them at each call.

That reordering takes most of the time of a 16-bit convolution over a short window. A linear layer that is not packed
reads its weights for a single row at half the speed of the memory. B: rows, N: outputs, K: inputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import heap
from .quant import HalfLinear

_TYPICAL_WIDTH = 64
"""The input length for which oneDNN chooses its order; other lengths work too."""

_TYPICAL_ROWS = 16
"""The same for linear layers. The order for 1 row is slower, and a row would get other bits alone than with others."""


class Conv(nn.Conv2d):
    """A convolution, also fused with what often follows it."""

    def activated(self, x: Tensor, slope: float) -> Tensor:
        """Followed by a leaky ReLU."""
        return functional.leaky_relu_(self(x), slope)

    def plus(self, x: Tensor, other: Tensor) -> Tensor:
        """Added to `other`, which is left unchanged."""
        y: Tensor = self(x)
        return y.add_(other)


class PackedConv(nn.Module):
    """A packed Conv or transposed convolution. Its weights can no longer be moved or read."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
        super().__init__()
        self.packed_bytes = conv.weight.nbytes
        self._bias = None if conv.bias is None else conv.bias.detach()
        self._transposed = isinstance(conv, nn.ConvTranspose2d)
        place: list[Any] = [list(conv.padding)]
        if self._transposed:
            place.append([0, 0])  # output padding
        self._place = [*place, list(conv.stride), list(conv.dilation), 1]
        ops = torch.ops.mkldnn
        reorder = ops._reorder_convolution_transpose_weight if self._transposed else ops._reorder_convolution_weight
        size = [1, conv.in_channels, 1, _TYPICAL_WIDTH]
        self._weight = reorder(conv.weight.detach(), *self._place, size)
        self._run = ops._convolution_transpose_pointwise if self._transposed else ops._convolution_pointwise

    def forward(self, x: Tensor) -> Tensor:
        """The convolution alone."""
        y: Tensor = self._run(x, self._weight, self._bias, *self._place, "none", [], "")
        return y

    def activated(self, x: Tensor, slope: float) -> Tensor:
        """Followed by a leaky ReLU."""
        y: Tensor = self._run(x, self._weight, self._bias, *self._place, "leaky_relu", [slope], "")
        return y

    def plus(self, x: Tensor, other: Tensor) -> Tensor:
        """Added to `other`, which is left unchanged."""
        y: Tensor = self._run(x, other, self._weight, self._bias, *self._place, "add", None, None, [], None)
        return y


class PackedLinear(nn.Module):
    """A packed linear layer. Its weights can no longer be moved or read."""

    def __init__(self, linear: nn.Linear | HalfLinear) -> None:
        super().__init__()
        self.packed_bytes = linear.weight.nbytes
        self._dtype = linear.weight.dtype
        self.bias = None if linear.bias is None else linear.bias.detach()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), _TYPICAL_ROWS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, K) -> (B, N), float32."""
        if len(x) == 1:  # a single row of many inputs would be summed in another order than one among others
            return self.forward(x.expand(2, -1))[:1]
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x.to(self._dtype), self._weight, self.bias, "none", [], "")
        return y.float()


@torch.no_grad()
def pack(model: nn.Module) -> None:
    """Pack all convolutions and linear layers of a model in place, if oneDNN is available."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    trimmer = heap.Trimmer()
    for name in [name for name, _ in model.named_modules()]:
        module = model.get_submodule(name)
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            model.set_submodule(name, PackedConv(module))
        elif isinstance(module, nn.Linear | HalfLinear):
            model.set_submodule(name, PackedLinear(module))
        size = module.weight.nbytes if isinstance(module, HalfLinear | nn.Linear) else 0
        del module
        trimmer.freed(size)

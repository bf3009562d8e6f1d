"""Smoothing (SmoothQuant, Xiao et al. 2023): makes a layer's inputs easier to round to int8. N: outputs, K: inputs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from .quant import encode, layer

_STRENGTHS = (0.0, 0.35, 0.5, 0.65)
"""Candidates; 0 leaves the layer as it is."""


@torch.no_grad()
def find_factors(weight: Tensor, inputs: Tensor, peaks: Tensor | None = None) -> Tensor:
    """The factors (K,) with which the layer's int8 output is closest to its exact output on sample inputs.

    A smoothed layer divides its inputs by them and has the columns of its weights multiplied by them.

    weight (N, K), inputs (rows, K), peaks (K,): greatest absolute input per channel, if known from more inputs. The
    factors are a^s / w^(1-s), with a and w the greatest absolute input and weight per channel (SmoothQuant, eq. 4);
    the strength s is searched for here, not fixed.
    """
    peaks = (inputs.abs().amax(0) if peaks is None else peaks).clamp(min=1e-5)
    columns = weight.abs().amax(0).clamp_(min=1e-5)
    exact = functional.linear(inputs, weight)

    def factors(strength: float) -> Tensor:
        found = peaks**strength / columns ** (1 - strength) if strength else torch.ones_like(peaks)
        return found / found.log().mean().exp()

    def error(factors: Tensor) -> float:
        smoothed = layer(encode(weight * factors, "int8"), weight.shape[1])(inputs / factors)
        return float((smoothed - exact).square().mean())

    return min((factors(strength) for strength in _STRENGTHS), key=error)


@torch.no_grad()
def smooth(linear: nn.Linear, factors: Tensor, scale_inputs: Callable[[Tensor], None]) -> None:
    """Fold factors into a layer and, through `scale_inputs`, into what computes its inputs: free at run time."""
    linear.weight.mul_(factors)
    scale_inputs(1 / factors)

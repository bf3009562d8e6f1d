"""Quantized linear layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.engines.xtts.support.errors import relative_error
from wyoming_k2so.engines.xtts.kernels import quant


@pytest.mark.parametrize(("mode", "most"), [("none", 0.0), ("bf16", 0.01), ("fp16", 0.002), ("int8", 0.02)])
@pytest.mark.parametrize("rows", [1, 8])
def test_layer_is_close_to_the_linear_layer_that_it_replaces(mode: str, most: float, rows: int) -> None:
    torch.manual_seed(0)
    linear, x = nn.Linear(96, 40), torch.randn(rows, 96)
    with torch.no_grad():
        linear.weight[3] *= 50  # with one scale for all outputs, the others would be lost
        exact = linear(x)
        small = quant.layer({**quant.encode(linear.weight, mode), "bias": linear.bias}, linear.in_features)
        others = [row for row in range(40) if row != 3]
        assert small(x).dtype == torch.float32
        assert relative_error(small(x)[:, others], exact[:, others]) <= most


def test_layer_without_bias_and_with_a_row_of_zeros() -> None:
    linear = nn.Linear(8, 4, bias=False)
    with torch.no_grad():
        linear.weight[1] = 0
        small = quant.layer(quant.encode(linear.weight, "int8"), linear.in_features)
    assert abs(float(small(torch.randn(1, 8))[0, 1])) < 1e-30


def test_an_int8_row_gets_the_same_bits_among_others_as_alone() -> None:
    torch.manual_seed(0)
    layer = quant.layer(quant.encode(torch.randn(130, 256), "int8"))
    x = torch.randn(9, 256)
    assert torch.equal(layer(x), torch.cat([layer(row[None]) for row in x]))

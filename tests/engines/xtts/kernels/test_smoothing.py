"""Smoothing makes int8 layers more exact, and never less."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.engines.xtts.support.errors import relative_error
from wyoming_k2so.engines.xtts.kernels import quant
from wyoming_k2so.engines.xtts.kernels.smoothing import find_factors


def int8(weight: Tensor, x: Tensor) -> Tensor:
    found: Tensor = quant.layer(quant.encode(weight, "int8"))(x)
    return found


def outliers(rows: int, channels: int, seed: int, factor: float) -> Tensor:
    """Inputs with a few channels that are far greater than the rest, as in large language models."""
    x = torch.randn(rows, channels, generator=torch.Generator().manual_seed(seed))
    x[:, [3, 40, 77]] *= factor
    return x


@pytest.mark.parametrize("factor", [20, 60, 100])
def test_smoothing_halves_the_error_of_outlier_channels(factor: float) -> None:
    torch.manual_seed(0)
    weight = torch.randn(64, 128)
    factors = find_factors(weight, outliers(100, 128, 1, factor))
    x = outliers(50, 128, 2, factor)
    exact = x @ weight.t()
    assert not torch.equal(factors, torch.ones(128))
    assert relative_error(int8(weight * factors, x / factors), exact) <= relative_error(int8(weight, x), exact) / 2


def test_smoothing_is_never_worse_than_plain_int8() -> None:
    torch.manual_seed(0)
    weight, x = torch.randn(32, 64), torch.randn(64, 64)
    factors = find_factors(weight, x)
    exact = x @ weight.t()
    assert relative_error(int8(weight * factors, x / factors), exact) <= (
        relative_error(int8(weight, x), exact) * 1.0001
    )

"""Linear layers packed for oneDNN; convolutions are tested with the vocoder."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import nn

from wyoming_k2so.engines.xtts.kernels import onednn, quant


@pytest.mark.parametrize(("mode", "most"), [("none", 1e-5), ("bf16", 0.02)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [1, 3, 40])
def test_packed_layer_equals_the_layer(mode: str, most: float, bias: bool, rows: int) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(96, 40, bias=bias)
    tensors = quant.encode(linear.weight.detach(), mode) | ({"bias": linear.bias.detach()} if bias else {})
    model = nn.Sequential(quant.layer(tensors))
    x = torch.randn(rows, 96)
    with torch.inference_mode():
        exact = model(x)
        onednn.pack(model)
        found = model(x)
    assert not list(quant.linears(model))
    assert found.dtype == torch.float32
    assert float((found - exact).abs().max()) <= most
    assert quant.weight_bytes(model) == 96 * 40 * (2 if mode == "bf16" else 4)


def test_each_layer_is_freed_before_the_next_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(*(nn.Linear(8, 8) for _ in range(4)))
    weights = [weakref.ref(layer.weight) for layer in model]
    alive: list[int] = []

    class Watched(onednn.PackedLinear):
        def __init__(self, linear: nn.Linear) -> None:
            super().__init__(linear)
            alive.append(sum(weight() is not None for weight in weights))

    monkeypatch.setattr(onednn, "PackedLinear", Watched)
    onednn.pack(model)
    assert alive == [4, 3, 2, 1]

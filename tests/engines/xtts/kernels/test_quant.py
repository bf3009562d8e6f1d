"""Quantized layers, smoothing, and which precision runs where."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.kernels import quant
from wyoming_k2so.engines.xtts.model.gpt import Gpt, load_block
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.weights import convert
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def passage(checkpoint: Checkpoint, seed: int = 0, count: int = 12) -> convert.Passage:
    generator = torch.Generator().manual_seed(seed)
    prompt, _ = next(iter(checkpoint.speakers().values()))
    start = torch.tensor([checkpoint.architecture.gpt_start_audio_token])
    codes = torch.cat([start, torch.randint(0, 1000, (count - 1,), generator=generator)])
    return convert.Passage(prompt, torch.randint(0, 1000, (20,), generator=generator), codes)


def converted(checkpoint: Checkpoint, tokenizer: TextTokenizer, mode: str) -> tuple[Gpt, dict[str, Tensor]]:
    samples = [passage(checkpoint, seed) for seed in range(1, 5)] if mode == "int8-calibrated" else []
    arch = checkpoint.architecture
    state = convert.convert(
        checkpoint.weights(), arch, tokenizer.size, mode, probe=passage(checkpoint), samples=samples
    )
    probe = {name: state.pop(name) for name in list(state) if name.startswith(convert.PROBE)}
    return convert.build(list(state), state.pop, arch, tokenizer.size), probe


def error(found: Tensor, exact: Tensor) -> float:
    """Relative to the size of what is exact."""
    return float((found - exact).norm() / exact.norm())


@pytest.mark.parametrize(("mode", "most"), [("none", 0.0), ("bf16", 0.01), ("fp16", 0.002), ("int8", 0.02)])
@pytest.mark.parametrize("rows", [1, 8])
def test_layer_is_near_the_linear_that_it_replaces(mode: str, most: float, rows: int) -> None:
    torch.manual_seed(0)
    linear, x = nn.Linear(96, 40), torch.randn(rows, 96)
    with torch.no_grad():
        linear.weight[3] *= 50  # one scale for all outputs would lose the others
        exact = linear(x)
        small = quant.layer({**quant.encode(linear.weight, mode), "bias": linear.bias}, linear.in_features)
        others = [row for row in range(40) if row != 3]
        assert small(x).dtype == torch.float32
        assert error(small(x)[:, others], exact[:, others]) <= most


def test_layer_without_bias_and_with_a_row_of_zeros() -> None:
    linear = nn.Linear(8, 4, bias=False)
    with torch.no_grad():
        linear.weight[1] = 0
    small = quant.swap(nn.Sequential(linear), "int8")
    assert abs(float(small(torch.randn(1, 8))[0, 1])) < 1e-30


def test_swap_leaves_no_linear_in_float() -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.LayerNorm(16), nn.Sequential(nn.Linear(16, 4)))
    x = torch.randn(3, 16)
    exact = model(x).detach()
    quant.swap(model, "int8")
    assert not list(quant.linears(model))
    assert error(model(x).detach(), exact) < 0.05


def test_int8_rows_give_the_same_bits_together_as_alone() -> None:
    torch.manual_seed(0)
    layer = quant.layer(quant.encode(torch.randn(130, 256), "int8"))
    x = torch.randn(9, 256)
    assert torch.equal(layer(x), torch.cat([layer(row[None]) for row in x]))


@pytest.mark.parametrize("mode", ["int8", "int8-calibrated"])
def test_only_norms_biases_and_embeddings_stay_in_float(
    checkpoint: Checkpoint, tokenizer: TextTokenizer, mode: str
) -> None:
    arch = checkpoint.architecture
    samples = [passage(checkpoint, seed) for seed in range(1, 5)] if mode == "int8-calibrated" else []
    state = convert.convert(
        checkpoint.weights(), arch, tokenizer.size, mode, probe=passage(checkpoint), samples=samples
    )
    small = {name: tensor for name, tensor in state.items() if tensor.dtype == torch.uint8}
    assert len(small) == 4 * arch.gpt_layers + 1
    assert sum(tensor.numel() for tensor in small.values()) == (
        12 * arch.gpt_layers * arch.gpt_n_model_channels**2 + arch.gpt_num_audio_tokens * arch.gpt_n_model_channels
    )
    allowed = {"ln_1", "ln_2", "ln_f", "final_norm", "text_embedding", "text_position", "code_embedding"}
    left = {
        name: tensor.nbytes
        for name, tensor in state.items()
        if name not in small and not name.startswith(convert.PROBE) and not name.endswith((".bias", ".scale"))
    }
    assert {name.split(".")[-2] for name in left} == allowed | {"code_position"}, left


@pytest.mark.parametrize(("mode", "least"), [("none", 0.999999), ("bf16", 0.999), ("int8", 0.995)])
def test_converted_model_agrees_with_its_probe(
    checkpoint: Checkpoint, tokenizer: TextTokenizer, mode: str, least: float
) -> None:
    gpt, probe = converted(checkpoint, tokenizer, mode)
    latents = convert.teacher_forced(gpt, passage(checkpoint))
    assert float(torch.cosine_similarity(latents, probe["probe.latents"]).min()) >= least


def test_probe_is_what_the_float_model_computes(gpt: Gpt, checkpoint: Checkpoint, tokenizer: TextTokenizer) -> None:
    _, probe = converted(checkpoint, tokenizer, "int8")
    exact = convert.teacher_forced(gpt, passage(checkpoint))
    assert float((probe["probe.latents"] - exact).abs().max()) < 1e-4


# ---- smoothing --------------------------------------------------------------------------------------------------


def outliers(rows: int, channels: int, seed: int, factor: float) -> Tensor:
    """Inputs of which a few channels are far greater than the rest, as in large language models."""
    x = torch.randn(rows, channels, generator=torch.Generator().manual_seed(seed))
    x[:, [3, 40, 77]] *= factor
    return x


@pytest.mark.parametrize("factor", [20, 60, 100])
def test_smoothing_halves_the_error_on_outlier_channels(factor: float) -> None:
    torch.manual_seed(0)
    weight = torch.randn(64, 128)
    smoothing = quant.find_smoothing(weight, outliers(100, 128, 1, factor))
    fresh = outliers(50, 128, 2, factor)
    exact = fresh @ weight.t()
    plain = quant.layer(quant.encode(weight, "int8"))(fresh)
    smoothed = quant.layer(quant.encode(weight * smoothing.factors, "int8"))(fresh / smoothing.factors)
    assert smoothing.strength > 0
    assert error(smoothed, exact) <= error(plain, exact) / 2


def test_smoothing_never_chooses_worse_than_plain() -> None:
    torch.manual_seed(0)
    weight, x = torch.randn(32, 64), torch.randn(64, 64)
    smoothing = quant.find_smoothing(weight, x)
    exact = x @ weight.t()
    smoothed = quant.layer(quant.encode(weight * smoothing.factors, "int8"))(x / smoothing.factors)
    assert error(smoothed, exact) <= error(quant.layer(quant.encode(weight, "int8"))(x), exact) * 1.0001


def test_calibration_folds_into_norms_and_values_and_halves_the_error(
    checkpoint: Checkpoint, tokenizer: TextTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPT whose norms let a few channels through loudly, all the way from checkpoint to latents."""
    original = load_block

    def loud(*args: Any) -> Any:
        block = original(*args)
        with torch.no_grad():
            for norm, linear in ((block.ln_1, block.qkv), (block.ln_2, block.up)):
                norm.weight[[3, 40]] *= 60
                norm.bias[[3, 40]] *= 60
                linear.weight[:, [3, 40]] /= 30
        return block

    monkeypatch.setattr(convert, "load_block", loud)
    errors = {}
    for mode in ("none", "int8", "int8-calibrated"):
        gpt, probe = converted(checkpoint, tokenizer, mode)
        found = convert.teacher_forced(gpt, passage(checkpoint))
        errors[mode] = error(found, probe["probe.latents"])
    assert errors["none"] < 1e-5
    assert errors["int8-calibrated"] <= errors["int8"] / 2


def test_smoothing_alone_changes_nothing(checkpoint: Checkpoint, tokenizer: TextTokenizer) -> None:
    """Before anything is rounded: what is taken from the inputs is given back by the weights."""
    arch = checkpoint.architecture
    state = convert.convert(
        checkpoint.weights(),
        arch,
        tokenizer.size,
        "none",
        probe=passage(checkpoint),
        samples=[passage(checkpoint, 1)],
    )
    reference = state["probe.latents"]
    gpt = convert.build(list(state), state.pop, arch, tokenizer.size)
    assert float((convert.teacher_forced(gpt, passage(checkpoint)) - reference).abs().max()) < 1e-4


# ---- what runs where --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bf16", [True, False])
def test_auto_takes_what_the_processor_has(bf16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quant, "has_bf16", lambda: bf16)
    assert quant.resolve("auto", CPU) == "int8"
    assert quant.resolve_vocoder("auto", CPU) == (torch.bfloat16 if bf16 else torch.float32)
    assert quant.resolve("auto", CUDA) == "fp16"
    assert quant.resolve_vocoder("auto", CUDA) == torch.float16


@pytest.mark.parametrize(
    ("mode", "device", "bf16", "says"),
    [
        ("fp16", CPU, True, "use bf16 or int8"),
        ("bf16", CPU, False, "use int8, or none"),
        ("int8", CUDA, True, "use fp16"),
        ("int8-calibrated", CUDA, True, "use fp16"),
    ],
)
def test_a_mode_that_runs_badly_is_refused(
    mode: str, device: torch.device, bf16: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quant, "has_bf16", lambda: bf16)
    with pytest.raises(EngineError, match=says):
        quant.resolve(mode, device)
    assert mode not in {item.name for item in quant.modes(device) if item.runs}


@pytest.mark.parametrize(
    ("wanted", "bf16", "says"), [("fp16", True, "bf16"), ("fp16", False, "fp32"), ("bf16", False, "fp32")]
)
def test_a_vocoder_that_runs_badly_is_refused(
    wanted: str, bf16: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quant, "has_bf16", lambda: bf16)
    with pytest.raises(EngineError, match=f"use {says}"):
        quant.resolve_vocoder(wanted, CPU)
    assert wanted not in {item.name for item in quant.vocoder_modes(CPU) if item.runs}
    assert quant.resolve_vocoder("fp32", CPU) == torch.float32


@pytest.mark.parametrize("device", [CPU, CUDA])
def test_every_mode_is_described(device: torch.device) -> None:
    assert [mode.name for mode in quant.modes(device)] == list(quant.MODES)
    assert [mode.name for mode in quant.vocoder_modes(device)] == ["fp32", "bf16", "fp16"]
    assert all(mode.note.endswith(".") for mode in (*quant.modes(device), *quant.vocoder_modes(device)))


def test_safer_ends_at_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quant, "has_bf16", lambda: True)
    assert [quant.safer(mode, CPU) for mode in ("int8", "int8-calibrated", "bf16", "none")] == [
        "bf16",
        "bf16",
        "none",
        None,
    ]
    monkeypatch.setattr(quant, "has_bf16", lambda: False)
    assert quant.safer("int8", CPU) == "none"

"""Converted weights: what is rounded, how close the result is, and what calibration gains."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.engines.xtts.support.errors import relative_error
from tests.engines.xtts.support.passages import passage
from wyoming_k2so.engines.xtts.model.gpt import Gpt
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.model.torch_gpt import load_block
from wyoming_k2so.engines.xtts.weights import convert
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint


def converted(checkpoint: Checkpoint, tokenizer: TextTokenizer, mode: str) -> tuple[Gpt, dict[str, Tensor]]:
    samples = [passage(checkpoint, seed) for seed in range(1, 5)] if mode == "int8-calibrated" else []
    arch = checkpoint.architecture
    state = convert.convert(
        checkpoint.weights(), arch, tokenizer.size, mode, probe=passage(checkpoint), samples=samples
    )
    probe = {name: state.pop(name) for name in list(state) if name.startswith(convert.PROBE)}
    return convert.build(list(state), state.pop, arch, tokenizer.size), probe


@pytest.mark.parametrize("mode", ["int8", "int8-calibrated"])
def test_only_norms_biases_and_embeddings_stay_in_float32(
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


def test_the_probe_is_computed_in_full_precision(gpt: Gpt, checkpoint: Checkpoint, tokenizer: TextTokenizer) -> None:
    _, probe = converted(checkpoint, tokenizer, "int8")
    exact = convert.teacher_forced(gpt, passage(checkpoint))
    assert float((probe["probe.latents"] - exact).abs().max()) < 1e-4


def test_calibration_halves_the_error_of_loud_channels(
    checkpoint: Checkpoint, tokenizer: TextTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPT whose norms amplify a few channels, all the way from checkpoint to latents."""
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
        errors[mode] = relative_error(found, probe["probe.latents"])
    assert errors["none"] < 1e-5
    assert errors["int8-calibrated"] <= errors["int8"] / 2


def test_smoothing_without_rounding_changes_nothing(checkpoint: Checkpoint, tokenizer: TextTokenizer) -> None:
    """What the inputs are divided by, the weights are multiplied by."""
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

"""Which precisions run on which device, and what the user is told about the others."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.kernels import precision
from wyoming_k2so.engines.xtts.settings import XttsSettings

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("bf16", [True, False])
def test_auto_follows_the_processor(bf16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda: bf16)
    assert precision.resolve("auto", CPU) == "int8"
    assert precision.resolve_vocoder("auto", CPU) == (torch.bfloat16 if bf16 else torch.float32)
    assert precision.resolve("auto", CUDA) == "fp16"
    assert precision.resolve_vocoder("auto", CUDA) == torch.float16


@pytest.mark.parametrize(
    ("mode", "device", "bf16", "says"),
    [
        ("fp16", CPU, True, "use bf16 or int8"),
        ("bf16", CPU, False, "use int8, or none"),
        ("int8", CUDA, True, "use fp16"),
        ("int8-calibrated", CUDA, True, "use fp16"),
    ],
)
def test_a_precision_that_runs_badly_is_rejected(
    mode: str, device: torch.device, bf16: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda: bf16)
    with pytest.raises(EngineError, match=says):
        precision.resolve(mode, device)
    assert mode not in {item.name for item in precision.modes(device) if item.supported}


@pytest.mark.parametrize(
    ("wanted", "bf16", "says"), [("fp16", True, "bf16"), ("fp16", False, "fp32"), ("bf16", False, "fp32")]
)
def test_a_vocoder_precision_that_runs_badly_is_rejected(
    wanted: str, bf16: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda: bf16)
    with pytest.raises(EngineError, match=f"use {says}"):
        precision.resolve_vocoder(wanted, CPU)
    assert wanted not in {item.name for item in precision.vocoder_modes(CPU) if item.supported}
    assert precision.resolve_vocoder("fp32", CPU) == torch.float32


@pytest.mark.parametrize("device", [CPU, CUDA])
def test_every_precision_is_described(device: torch.device) -> None:
    choices = {field.name: field.metadata["option"].choices for field in fields(XttsSettings)}
    gpt, vocoder = precision.modes(device), precision.vocoder_modes(device)
    assert ("auto", *(mode.name for mode in gpt)) == choices["quantization"]
    assert ("auto", *(mode.name for mode in vocoder)) == choices["vocoder_precision"]
    for mode in (*gpt, *vocoder):
        assert mode.note[0].isupper() == mode.note.endswith(".") == mode.supported, "a sentence, or a reason"


def test_safer_ends_at_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda: True)
    assert [precision.safer(mode, CPU) for mode in ("int8", "int8-calibrated", "bf16", "none")] == [
        "bf16",
        "bf16",
        "none",
        None,
    ]
    monkeypatch.setattr(precision, "has_bf16", lambda: False)
    assert precision.safer("int8", CPU) == "none"

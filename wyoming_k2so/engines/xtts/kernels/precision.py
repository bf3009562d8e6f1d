"""Which precisions a device runs well, which one `auto` means, and which one is safer. Knows nothing of layers."""

from __future__ import annotations

import platform
from dataclasses import dataclass

import torch

from wyoming_k2so.engine import EngineError

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_X86 = platform.machine() in ("x86_64", "AMD64")
_EMULATED = "processors compute fp16 hundreds of times slower than fp32"


@dataclass(frozen=True)
class Mode:
    """One precision on one device."""

    name: str
    supported: bool
    """Whether the device runs it well."""

    note: str
    """What it costs and gains, in sentences; of one that is not supported, the reason and what to use instead."""


def dtype(mode: str) -> torch.dtype:
    """The floating-point type of a precision; float32 for all but bf16 and fp16."""
    return _DTYPES.get(mode, torch.float32)


def modes(device: torch.device) -> list[Mode]:
    """Every precision of the GPT."""
    if device.type == "cuda":
        int8_note = "int8 layers are made for processors; use fp16 on a GPU"
        return [
            Mode("none", True, "Full precision; slower and twice the memory of fp16."),
            Mode("bf16", True, "Half the memory; a little less exact than fp16."),
            Mode("fp16", True, "Half the memory and the fastest on a GPU."),
            Mode("int8", False, int8_note),
            Mode("int8-calibrated", False, int8_note),
        ]
    return [
        Mode("none", True, "Full precision, the reference; the slowest, 1.6 GB of weights."),
        Mode("bf16", True, "Half the memory, nearly as fast as int8, no audible loss.")
        if has_bf16()
        else Mode("bf16", False, "this processor has no bf16 arithmetic; use int8, or none for full precision"),
        Mode("fp16", False, f"{_EMULATED}; use bf16 or int8"),
        Mode("int8", True, "A quarter of the memory and the fastest on a processor; a small loss."),
        Mode("int8-calibrated", True, "As fast and small as int8 and more exact; takes minutes to convert, once."),
    ]


def vocoder_modes(device: torch.device) -> list[Mode]:
    """Every precision of the vocoder, which is chosen separately."""
    if device.type == "cuda":
        return [
            Mode("fp32", True, "Full precision; slower than fp16."),
            Mode("bf16", True, "As fast as fp16 and a little less exact."),
            Mode("fp16", True, "The fastest on a GPU; no audible loss."),
        ]
    bf16 = has_bf16()
    return [
        Mode("fp32", True, "Full precision, the reference."),
        Mode("bf16", True, "Twice as fast as fp32; no audible loss.")
        if bf16
        else Mode("bf16", False, "this processor has no bf16 arithmetic; use fp32"),
        Mode("fp16", False, f"{_EMULATED}; use {'bf16' if bf16 else 'fp32'}"),
    ]


def has_bf16() -> bool:
    """Whether this processor has bf16 arithmetic of its own."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():  # on x86 also true of processors that only emulate it
        return False
    return not _X86 or bool(torch.cpu._is_avx512_bf16_supported())


def resolve(wanted: str, device: torch.device) -> str:
    """The precision that `--quantization` means. Raises EngineError if the device does not run it well."""
    if wanted == "auto":
        return "fp16" if device.type == "cuda" else "int8"
    _require("--quantization", wanted, modes(device))
    return wanted


def resolve_vocoder(wanted: str, device: torch.device) -> torch.dtype:
    """The type that `--vocoder-precision` means. Raises EngineError if the device does not run it well."""
    if wanted == "auto":
        if device.type == "cuda":
            return torch.float16
        return torch.bfloat16 if has_bf16() else torch.float32
    _require("--vocoder-precision", wanted, vocoder_modes(device))
    return dtype(wanted)


def safer(mode: str, device: torch.device) -> str | None:
    """The precision to try when `mode` fails; None after full precision."""
    if mode == "none":
        return None
    bf16 = next(item for item in modes(device) if item.name == "bf16")
    return "bf16" if mode != "bf16" and bf16.supported else "none"


def _require(flag: str, wanted: str, known: list[Mode]) -> None:
    mode = next(mode for mode in known if mode.name == wanted)
    if not mode.supported:
        raise EngineError(f"{flag} {wanted}: {mode.note}")

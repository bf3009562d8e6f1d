"""The settings of the XTTS engine. Imports no torch: the command line reads them before it knows who speaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wyoming_k2so.settings.config import option


@dataclass(frozen=True)
class XttsSettings:
    """XTTS. The defaults of the sampling numbers are the checkpoint's own."""

    xtts_checkpoint: str = option(
        "coqui/XTTS-v2", "folder of an XTTS-v2 checkpoint, or its name on the Hugging Face hub", metavar="FOLDER|NAME"
    )
    accept_xtts_license: bool = option(
        False,
        "accept the Coqui Public Model License (non-commercial), so that the model may be downloaded",
        agreed="COQUI_TOS_AGREED=1",  # Coqui's own variable
    )
    voices_dir: Path | None = option(
        None, "folder of clips to clone voices from (default: voices-xtts in the data folder)", metavar="DIR"
    )
    device: str = option("auto", "device that runs XTTS; auto: CUDA if there is any", choices=("auto", "cpu", "cuda"))
    threads: int | None = option(None, "CPU threads for XTTS (default: one per core)", low=1, high=256)
    quantization: str = option(
        "auto",
        "numeric precision of XTTS's language model; auto: the fastest that keeps the quality (int8, or fp16 on CUDA)",
        choices=("auto", "none", "bf16", "fp16", "int8", "int8-calibrated"),
        live=True,
        loads=True,
        modes="modes",
    )
    vocoder_precision: str = option(
        "auto",
        "numeric precision of XTTS's vocoder; auto: 16 bits if the device computes with them",
        choices=("auto", "fp32", "bf16", "fp16"),
        live=True,
        loads=True,
        modes="vocoder_modes",
    )
    calibrate: Path | None = option(
        None,
        "calibration text for int8-calibrated, one sentence per line (default: a built-in one in 17 languages)",
        metavar="FILE",
    )
    temperature: float | None = option(None, "sampling temperature; higher varies more", low=0.01, high=2.0, live=True)
    top_k: int | None = option(
        None, "sample from the k most likely audio tokens; 0: from all", low=0, high=8194, live=True
    )
    top_p: float | None = option(
        None,
        "nucleus sampling: sample from the smallest set of tokens with at least this total probability",
        low=0.01,
        high=1.0,
        live=True,
    )
    repetition_penalty: float | None = option(
        None, "penalty for repeated audio tokens; 1: none", low=1.0, high=50.0, live=True
    )
    greedy: bool = option(False, "always take the most likely audio token; for tests only")
    vocoder_windows: tuple[int, ...] = option(
        (7, 5, 7, 10, 14, 20, 28),
        "new tokens (46 ms each) in each vocoder window; the last number repeats",
        low=1,
    )
    plain_punctuation: bool = option(True, "reduce punctuation to what XTTS reads well")
    token_budget: bool = option(True, "end a segment that runs far longer than its text can need")
    stop_loops: bool = option(True, "end a segment that repeats itself")
    trim_tail: bool = option(True, "drop silence, and sounds after a late pause, from the end of a segment")

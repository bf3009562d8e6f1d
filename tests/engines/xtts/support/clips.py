"""Clips of sounds that pass for speech, and a store of voices without the costly encoders."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from wyoming_k2so.engine import Samples
from wyoming_k2so.engines.xtts.voices.encoder import Conditioning
from wyoming_k2so.engines.xtts.voices.store import VoiceStore
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint


def speech(seconds: float, rate: int = 22050, seed: int = 0) -> Samples:
    """Something with pitch, pauses and noise."""
    time = np.arange(int(seconds * rate)) / rate
    rng = np.random.default_rng(seed)
    tone = sum(np.sin(2 * np.pi * (110 + 20 * seed) * k * time) / k for k in range(1, 9))
    envelope = np.clip(np.sin(2 * np.pi * 1.3 * time), 0, 1)
    sound: Samples = (0.1 * tone * envelope + 0.005 * rng.standard_normal(len(time))).astype(np.float32)
    return sound


def clipped() -> Samples:
    return np.clip(speech(2) * 30, -0.98, 0.98)


def encoded(sound: Samples, rate: int = 22050, format: str = "WAV") -> bytes:
    """The bytes of an audio file."""
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=format)
    return file.getvalue()


class CountingEncoder:
    """A voice encoder that counts its calls; the latents of the n-th voice are all n."""

    recipe = "counting"

    def __init__(self) -> None:
        self.calls = 0

    def clone(self, clips: tuple[Path, ...]) -> Conditioning:
        self.calls += 1
        return Conditioning(torch.full((32, 4), float(self.calls)), torch.zeros(512, 1))


def new_store(checkpoint: Checkpoint, encoder: Any, clips: Path, tmp_path: Path) -> VoiceStore:
    return VoiceStore(
        checkpoint.speakers(),
        clips,
        cache=tmp_path / "cache",
        encoder=encoder,
        fingerprint=checkpoint.fingerprint(),
        languages=checkpoint.languages,
    )

"""Checks what an audio file says, whatever its format."""

from __future__ import annotations

import subprocess

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray
from tqdm import tqdm

from tests.support.ears import hear, word_errors

RATE = 16000

# Whisper's progress bar would start a thread even when hidden, and Home Assistant's test kit fails on leftover threads.
tqdm.monitor_interval = 0


def decode(data: bytes) -> NDArray[np.int16]:
    """The samples (n,) of an audio file, mono at RATE. Raises CalledProcessError if it is not audio."""
    command = [get_ffmpeg_exe(), "-v", "error", "-i", "pipe:0", "-f", "s16le", "-ac", "1", "-ar", str(RATE), "pipe:1"]
    return np.frombuffer(subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout, np.int16)


def assert_says(data: bytes, text: str) -> None:
    """Assert that Whisper hears `text` in an audio file; one word, or one in twenty, may be wrong."""
    assert_samples_say(decode(data), RATE, text)


def assert_samples_say(samples: NDArray[np.int16], rate: int, text: str) -> None:
    """The same for samples (n,)."""
    heard = hear(samples, rate)
    assert word_errors(text, heard) <= max(1, len(text.split()) / 20), f"heard: {heard}"

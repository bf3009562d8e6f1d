"""What is in an audio file, whatever its format."""

from __future__ import annotations

import subprocess

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray
from tqdm import tqdm

from tests.support.ears import hear, word_errors

RATE = 16000

# Whisper's progress bar, shown or not, would start a thread, and Home Assistant's test kit wants none left behind.
tqdm.monitor_interval = 0


def decode(data: bytes) -> NDArray[np.int16]:
    """The samples of a whole file, mono at RATE. Raises CalledProcessError when it is no audio."""
    command = [get_ffmpeg_exe(), "-v", "error", "-i", "pipe:0", "-f", "s16le", "-ac", "1", "-ar", str(RATE), "pipe:1"]
    return np.frombuffer(subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout, np.int16)


def assert_says(data: bytes, text: str) -> None:
    """Fail unless a listener would write down `text` from a file, give or take one word, or one in twenty."""
    assert_samples_say(decode(data), RATE, text)


def assert_samples_say(samples: NDArray[np.int16], rate: int, text: str) -> None:
    """The same for samples (n,)."""
    heard = hear(samples, rate)
    assert word_errors(text, heard) <= max(1, len(text.split()) / 20), f"heard: {heard}"

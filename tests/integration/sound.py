"""What is in an audio file, whatever its format."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray

RATE = 16000


@dataclass(frozen=True)
class Sound:
    """Decoded audio: 16 kHz, mono, full scale at -1 and 1."""

    samples: NDArray[np.float32]

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / RATE

    @property
    def loudness(self) -> float:
        """Root mean square."""
        return float(np.sqrt(np.mean(self.samples**2)))


def decode(data: bytes) -> Sound:
    """Decode a whole file. Raises CalledProcessError when it is no audio."""
    command = [get_ffmpeg_exe(), "-v", "error", "-i", "pipe:0", "-f", "f32le", "-ac", "1", "-ar", str(RATE), "pipe:1"]
    result = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True)
    return Sound(np.frombuffer(result.stdout, np.float32))

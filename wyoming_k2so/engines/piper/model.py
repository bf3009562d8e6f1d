"""One loaded Piper voice: text in, audio out.

A voice whose graph can be split yields a sentence window by window; any other yields whole sentences.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, RunOptions
from piper import PiperConfig, PiperVoice, SynthesisConfig

from wyoming_k2so.engine import Samples

from .graph_split import Parts, split
from .receptive_field import UnsplittableError
from .windowed_decoding import Frames, RunSettings, decode, session, stages

_LOGGER = logging.getLogger(__name__)

# Piper normalizes each sentence to full scale once it is complete. A stream cannot know its peak in advance, so each
# voice gets a constant gain, measured on these texts.
_GAIN_TEXTS = (
    "Good morning! It will be sunny today.",
    "The washing machine has finished, and the front door is locked.",
    "Are you sure? Then I will turn off all the lights now.",
)
_PEAK = 0.95
"""Median peak of these texts after the gain. Rare louder samples are clipped."""

_VERIFY_PHONEMES = 60
_VERIFY_TOLERANCE = 1e-3
"""Relative to full scale."""

MAX_PHONEMES = 500
"""Limit for one run of the encoder, whose memory grows with the square of their number. A sentence of 400 letters has
fewer, but an English voice reads 400 Chinese characters as 3,300 phonemes, which took 2.4 GB and 9 s."""


class Model(Protocol):
    """A voice that can speak. Thread-safe."""

    config: PiperConfig

    def say(self, text: str, settings: SynthesisConfig, run: RunOptions | None = None) -> Generator[Samples]:
        """Yield the audio of a text. Raises soon after `run.terminate` is set, if the model supports that."""


def load(path: Path, cache: Path) -> Model:
    """Load a voice, caching the parts of its graph in `cache`. Raises onnxruntime's errors if the file is damaged."""
    try:
        return StreamingModel(path, split(path, cache, lambda parts: verify(path, parts)))
    except (UnsplittableError, OSError) as error:
        _LOGGER.warning("voice %s cannot stream within a sentence: %s", path.stem, error)
        return WholeModel(path)


class WholeModel:
    """Yields whole sentences, as Piper itself does."""

    def __init__(self, path: Path) -> None:
        self._voice = PiperVoice.load(path)
        self.config = self._voice.config

    def say(self, text: str, settings: SynthesisConfig, _run: RunOptions | None = None) -> Generator[Samples]:
        """Yield the audio of each sentence."""
        for sentence in self._voice.synthesize(text, settings):
            yield sentence.audio_float_array


class StreamingModel:
    """Yields windows: the encoder runs once per sentence, flow and decoder once per window."""

    def __init__(self, path: Path, parts: Parts) -> None:
        self.config = PiperConfig.from_dict(json.loads(Path(f"{path}.json").read_text("utf-8")))
        self._voice = _Encoder(session=session(parts.encoder), config=self.config)
        self._flow, self._decoder = stages(parts)
        self._gain = 1.0
        self._gain = _PEAK / self._peak(parts.encoder.with_suffix(".peak"))

    def say(self, text: str, settings: SynthesisConfig, run: RunOptions | None = None) -> Generator[Samples]:
        """Yield the audio window by window."""
        for phonemes in chain.from_iterable(map(split_phonemes, self._voice.phonemize(text))):
            frames, speaker = self._voice.encode(self._voice.phonemes_to_ids(phonemes), settings, run)
            for window in decode(frames, self._flow, self._decoder, RunSettings(speaker, run)):
                yield window * np.float32(self._gain)

    def _peak(self, file: Path) -> float:
        try:
            known = float(file.read_text("utf-8"))
            if 0.01 < known < 10:
                return known
        except (OSError, ValueError):
            pass
        settings = SynthesisConfig()
        peaks = [max((float(np.abs(window).max()) for window in self.say(t, settings)), default=1) for t in _GAIN_TEXTS]
        peak = max(median(peaks), 0.01)
        try:
            file.write_text(str(peak), "utf-8")
        except OSError as error:
            _LOGGER.debug("could not cache the gain of a voice: %s", error)
        return peak


class _Encoder(PiperVoice):
    """Piper's handling of text and settings, with only the encoder as its model."""

    def encode(self, ids: list[int], settings: SynthesisConfig, run: RunOptions | None = None) -> tuple[Frames, int]:
        """Compute the frames (1, C, T) of a sentence. Returns them with the speaker's number."""
        config = self.config
        scales = (
            config.noise_scale if settings.noise_scale is None else settings.noise_scale,
            config.length_scale if settings.length_scale is None else settings.length_scale,
            config.noise_w_scale if settings.noise_w_scale is None else settings.noise_w_scale,
        )
        speaker = config.default_speaker_id if settings.speaker_id is None else settings.speaker_id
        frames: Frames = self.session.run(None, inputs(self.session, ids, scales, speaker), run)[0]
        return frames, speaker


def split_phonemes(phonemes: list[str]) -> Iterator[list[str]]:
    """Split a sentence into parts of at most MAX_PHONEMES, between words where possible."""
    while len(phonemes) > MAX_PHONEMES:
        spaces = [place for place, phoneme in enumerate(phonemes[:MAX_PHONEMES]) if phoneme == " "]
        end = spaces[-1] + 1 if spaces else MAX_PHONEMES
        yield phonemes[:end]
        phonemes = phonemes[end:]
    if phonemes:
        yield phonemes


def inputs(
    model: InferenceSession, ids: Sequence[int], scales: Sequence[float], speaker: int
) -> dict[str, NDArray[Any]]:
    """The inputs of a voice or its encoder. `scales`: noise, length, noise of length. Unused ones are left out."""
    given: dict[str, NDArray[Any]] = {
        "input": np.array([ids], np.int64),
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": np.array(scales, np.float32),
        "sid": np.array([speaker], np.int64),
    }
    return {value.name: given[value.name] for value in model.get_inputs()}


def verify(path: Path, parts: Parts) -> None:
    """Compare a voice with its parts on the same phonemes, without noise. Raises UnsplittableError if they differ."""
    whole, encoder = session(path), session(parts.encoder)
    ids, scales = range(_VERIFY_PHONEMES), (0.0, 1.0, 0.0)
    try:
        expected = whole.run(None, inputs(whole, ids, scales, 0))[0].reshape(-1)
        frames = encoder.run(None, inputs(encoder, ids, scales, 0))[0]
        joined = np.concatenate(list(decode(frames, *stages(parts), RunSettings())))
    except Exception as error:  # onnxruntime raises its own family
        raise UnsplittableError(f"the parts of its graph do not run: {error}") from error
    if len(joined) != len(expected) or not np.allclose(joined, expected, rtol=0, atol=_VERIFY_TOLERANCE):
        raise UnsplittableError("the parts of its graph do not sound like the whole")

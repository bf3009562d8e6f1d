"""One Piper voice, loaded: text in, sound out. With its graph in parts the sound of a sentence comes in windows; a
voice whose graph cannot be cut gives whole sentences.
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
from .windowed_decoding import Call, Frames, session, sound, stages

_LOGGER = logging.getLogger(__name__)

# Piper scales each sentence to full scale after it is complete. A stream cannot know the loudest moment to come, so a
# voice gets one gain, measured on these.
_PROBES = (
    "Good morning! It will be sunny today.",
    "The washing machine has finished, and the front door is locked.",
    "Are you sure? Then I will turn off all the lights now.",
)
_PEAK = 0.95
"""Peak of the middle one of the probes after the gain; a rare louder moment is clipped."""


_PROVED_PHONEMES = 60
_PROVED_DIFFERENCE = 1e-3
"""Of full scale."""


MOST_PHONEMES = 500
"""Said in one breath. The encoder's memory grows with their square: a sentence of 400 letters has fewer, but an English
voice reads 400 Chinese characters in 3,300 phonemes, for which it took 2.4 GB and 9 s."""


class Model(Protocol):
    """A voice that can speak. Safe to use from any thread."""

    config: PiperConfig

    def say(self, text: str, settings: SynthesisConfig, run: RunOptions | None = None) -> Generator[Samples]:
        """Yield the sound of a text. It raises soon when `run.terminate` is set, if the model can."""


def load(path: Path, cache: Path) -> Model:
    """Load a voice; the parts of its graph are kept in `cache`. Raises what onnxruntime makes of a damaged file."""
    try:
        return StreamingModel(path, split(path, cache, lambda parts: prove(path, parts)))
    except (UnsplittableError, OSError) as error:
        _LOGGER.warning("Voice %s speaks whole sentences only: %s", path.stem, error)
        return WholeModel(path)


class WholeModel:
    """Piper's own way: a sentence at a time."""

    def __init__(self, path: Path) -> None:
        self._voice = PiperVoice.load(path)
        self.config = self._voice.config

    def say(self, text: str, settings: SynthesisConfig, _run: RunOptions | None = None) -> Generator[Samples]:
        """Yield whole sentences."""
        for sentence in self._voice.synthesize(text, settings):
            yield sentence.audio_float_array


class StreamingModel:
    """The encoder runs once per sentence, flow and decoder window by window."""

    def __init__(self, path: Path, parts: Parts) -> None:
        self.config = PiperConfig.from_dict(json.loads(Path(f"{path}.json").read_text("utf-8")))
        self._voice = _Encoder(session=session(parts.encoder), config=self.config)
        self._flow, self._decoder = stages(parts)
        self._gain = 1.0
        self._gain = _PEAK / self._peak(parts.encoder.with_suffix(".peak"))

    def say(self, text: str, settings: SynthesisConfig, run: RunOptions | None = None) -> Generator[Samples]:
        """Yield windows."""
        for phonemes in chain.from_iterable(map(breaths, self._voice.phonemize(text))):
            frames, speaker = self._voice.encode(self._voice.phonemes_to_ids(phonemes), settings, run)
            for window in sound(frames, self._flow, self._decoder, Call(speaker, run)):
                yield window * np.float32(self._gain)

    def _peak(self, file: Path) -> float:
        try:
            known = float(file.read_text("utf-8"))
            if 0.01 < known < 10:
                return known
        except (OSError, ValueError):
            pass
        settings = SynthesisConfig()
        peaks = [max((float(np.abs(window).max()) for window in self.say(t, settings)), default=1) for t in _PROBES]
        peak = max(median(peaks), 0.01)
        try:
            file.write_text(str(peak), "utf-8")
        except OSError as error:
            _LOGGER.debug("The loudness of a voice could not be kept: %s", error)
        return peak


class _Encoder(PiperVoice):
    """Piper's own handling of text and settings around the encoder's part of the graph."""

    def encode(self, ids: list[int], settings: SynthesisConfig, run: RunOptions | None = None) -> tuple[Frames, int]:
        """Frames of a sentence, and the speaker."""
        config = self.config
        scales = (
            config.noise_scale if settings.noise_scale is None else settings.noise_scale,
            config.length_scale if settings.length_scale is None else settings.length_scale,
            config.noise_w_scale if settings.noise_w_scale is None else settings.noise_w_scale,
        )
        speaker = config.default_speaker_id if settings.speaker_id is None else settings.speaker_id
        frames: Frames = self.session.run(None, inputs(self.session, ids, scales, speaker), run)[0]
        return frames, speaker


def breaths(phonemes: list[str]) -> Iterator[list[str]]:
    """A sentence in parts of at most MOST_PHONEMES, cut between words where there are words."""
    while len(phonemes) > MOST_PHONEMES:
        spaces = [place for place, phoneme in enumerate(phonemes[:MOST_PHONEMES]) if phoneme == " "]
        end = spaces[-1] + 1 if spaces else MOST_PHONEMES
        yield phonemes[:end]
        phonemes = phonemes[end:]
    if phonemes:
        yield phonemes


def inputs(
    model: InferenceSession, ids: Sequence[int], scales: Sequence[float], speaker: int
) -> dict[str, NDArray[Any]]:
    """What a voice or its encoder takes: phonemes, (noise, length, noise of length), a speaker if it has several."""
    given: dict[str, NDArray[Any]] = {
        "input": np.array([ids], np.int64),
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": np.array(scales, np.float32),
        "sid": np.array([speaker], np.int64),
    }
    return {value.name: given[value.name] for value in model.get_inputs()}


def prove(path: Path, parts: Parts) -> None:
    """Let a voice and its parts say the same without noise. Raises UnsplittableError when they do not sound alike."""
    whole, encoder = session(path), session(parts.encoder)
    ids, scales = range(_PROVED_PHONEMES), (0.0, 1.0, 0.0)
    try:
        expected = whole.run(None, inputs(whole, ids, scales, 0))[0].reshape(-1)
        frames = encoder.run(None, inputs(encoder, ids, scales, 0))[0]
        joined = np.concatenate(list(sound(frames, *stages(parts), Call())))
    except Exception as error:  # onnxruntime raises its own family
        raise UnsplittableError(f"its parts do not run: {error}") from error
    if len(joined) != len(expected) or not np.allclose(joined, expected, rtol=0, atol=_PROVED_DIFFERENCE):
        raise UnsplittableError("its parts do not sound as the whole does")

"""One Piper voice, loaded: text in, sound out. With its graph in halves the sound of a sentence comes in windows;
a voice whose graph cannot be cut gives whole sentences.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime import RunOptions
from piper import PiperConfig, PiperVoice, SynthesisConfig

from ...engine import Samples
from .split import Halves, UnsplittableError, split
from .windows import windows

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


class Model(Protocol):
    """A voice that can speak. Safe to use from any thread."""

    config: PiperConfig

    def say(self, text: str, settings: SynthesisConfig, run: RunOptions | None = None) -> Generator[Samples]:
        """Yield the sound of a text. It raises soon when `run.terminate` is set, if the model can."""


def load(path: Path, cache: Path) -> Model:
    """Load a voice; the halves of its graph are kept in `cache`. Raises what onnxruntime makes of a damaged file."""
    try:
        return StreamingModel(path, split(path, cache))
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
    """The encoder runs once per sentence, the decoder window by window."""

    def __init__(self, path: Path, halves: Halves) -> None:
        self._halves = halves
        # A thread that spins between calls takes its core from the other half, the server and its client.
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # A plan for each length of text costs a third of the memory that many at once take, and saves no time.
        options.enable_mem_pattern = False
        encoder, self._decoder = (
            onnxruntime.InferenceSession(str(half), options, providers=["CPUExecutionProvider"])
            for half in (halves.encoder, halves.decoder)
        )
        self.config = PiperConfig.from_dict(json.loads(Path(f"{path}.json").read_text("utf-8")))
        self._voice = _Encoder(session=encoder, config=self.config)
        self._gain = 1.0
        self._gain = _PEAK / self._peak(halves.encoder.with_suffix(".peak"))

    def say(self, text: str, settings: SynthesisConfig, run: RunOptions | None = None) -> Generator[Samples]:
        """Yield windows."""
        for phonemes in self._voice.phonemize(text):
            if not phonemes:
                continue
            frames, *same = self._voice.encode(self._voice.phonemes_to_ids(phonemes), settings, run)
            for sound in windows(frames, self._decode(same, run), hop=self._halves.hop, reach=self._halves.reach):
                yield sound * np.float32(self._gain)

    def _decode(self, same: list[NDArray[np.float32]], run: RunOptions | None) -> Any:
        names = self._halves.inputs

        def decode(frames: NDArray[np.float32]) -> Samples:
            inputs = dict(zip(names, [frames, *same], strict=True))
            sound: Samples = self._decoder.run(None, inputs, run)[0].reshape(-1)
            return sound

        return decode

    def _peak(self, file: Path) -> float:
        try:
            known = float(file.read_text("utf-8"))
            if 0.01 < known < 10:
                return known
        except (OSError, ValueError):
            pass
        settings = SynthesisConfig()
        peaks = [max((float(np.abs(sound).max()) for sound in self.say(text, settings)), default=1) for text in _PROBES]
        peak = max(median(peaks), 0.01)
        try:
            file.write_text(str(peak), "utf-8")
        except OSError as error:
            _LOGGER.debug("The loudness of a voice could not be kept: %s", error)
        return peak


class _Encoder(PiperVoice):
    """Piper's own handling of text and settings around the encoder's half of the graph."""

    def encode(
        self, ids: list[int], settings: SynthesisConfig, run: RunOptions | None = None
    ) -> list[NDArray[np.float32]]:
        """Frames (1, C, T), and what the decoder takes besides them."""
        config = self.config
        scales = (
            config.noise_scale if settings.noise_scale is None else settings.noise_scale,
            config.length_scale if settings.length_scale is None else settings.length_scale,
            config.noise_w_scale if settings.noise_w_scale is None else settings.noise_w_scale,
        )
        inputs: dict[str, NDArray[Any]] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(scales, np.float32),
        }
        if config.num_speakers > 1:
            speaker = config.default_speaker_id if settings.speaker_id is None else settings.speaker_id
            inputs["sid"] = np.array([speaker], np.int64)
        found: list[NDArray[np.float32]] = self.session.run(None, inputs, run)
        return found

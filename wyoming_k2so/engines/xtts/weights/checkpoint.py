"""A checkpoint folder in Coqui's format: its configuration, tensors and speakers, and clear errors when it is broken.

Nothing here knows what the tensors are for. They stay in the memory-mapped file until they are copied.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.model.architecture import Architecture

from .memory import drop_pages
from .out_of_memory import explain_out_of_memory
from .source import require_files

SPEAKERS = "speakers_xtts.pth"

_CONFIG_MODULES = ("TTS.tts.configs.xtts_config", "TTS.tts.models.xtts")
_CONFIG_CLASSES = ("XttsConfig", "XttsArgs", "XttsAudioConfig")


@dataclass(frozen=True)
class Defaults:
    """Settings that the checkpoint recommends; names are those of config.json."""

    temperature: float = 0.75
    top_k: int = 50
    top_p: float = 0.85
    repetition_penalty: float = 10.0
    gpt_cond_len: int = 12
    gpt_cond_chunk_len: int = 4
    max_ref_len: int = 10
    sound_norm_refs: bool = False


class Weights:
    """The tensors of one checkpoint by name: a WeightReader."""

    def __init__(self, tensors: dict[str, Tensor], source: Path, *, mapped: bool = False) -> None:
        """`mapped`: the tensors lie in a private mapping of the file and have never been written to."""
        self._tensors, self._source, self._mapped = tensors, source, mapped

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def names(self, prefix: str) -> Iterator[str]:
        """Names that start with `prefix`."""
        return (name for name in self._tensors if name.startswith(prefix))

    def copy(self, name: str, shape: tuple[int, ...] | None = None, *, transpose: bool = False) -> Tensor:
        """A contiguous float32 copy in memory; `shape` is what the file must hold, before transposing.

        Raises:
            EngineError: the tensor is missing or has another shape.
        """
        tensor = self._tensors.get(name)
        if tensor is None:
            raise EngineError(
                f"{self._source} has no weight '{name}'; use a complete XTTS-v2 checkpoint, or download it again"
            )
        if shape is not None and tuple(tensor.shape) != shape:
            raise EngineError(
                f"weight '{name}' in {self._source} has shape {tuple(tensor.shape)}, but config.json requires {shape};"
                " use files from the same checkpoint"
            )
        source = tensor.t() if transpose else tensor
        copy = torch.empty(source.shape, dtype=torch.float32)
        copy.copy_(source)
        if self._mapped:
            drop_pages(tensor)
        return copy

    def state_dict(self, prefix: str) -> dict[str, Tensor]:
        """Copies of all tensors whose names start with `prefix`, without the prefix."""
        return {name.removeprefix(prefix): self.copy(name) for name in self.names(prefix)}


class Checkpoint:
    """A complete checkpoint folder. Raises EngineError if files are missing, damaged or not XTTS-v2's."""

    def __init__(self, folder: Path) -> None:
        require_files(folder)
        self.folder = folder
        self._config = _read_config(folder / "config.json")
        self.architecture = _pick(Architecture, self._config["model_args"], folder)
        self.defaults = _pick(Defaults, self._config, folder)
        if not self.architecture.gpt_use_perceiver_resampler:
            raise EngineError(f"{folder} holds an XTTS v1 model; use an XTTS-v2 checkpoint")

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that the model was trained on, as config.json spells them."""
        return tuple(self._config.get("languages") or ("en",))

    @property
    def vocab(self) -> Path:
        """The tokenizer's vocabulary."""
        return self.folder / "vocab.json"

    def fingerprint(self) -> str:
        """A hash of the weights, computed from the checksums in the file's directory; reads no weights."""
        try:
            with zipfile.ZipFile(self.folder / "model.pth") as archive:
                rows = sorted(
                    (item.filename.split("/", 1)[-1], item.CRC, item.file_size) for item in archive.infolist()
                )
        except (OSError, zipfile.BadZipFile) as error:
            raise _unreadable(self.folder / "model.pth") from error
        return hashlib.sha256(repr(rows).encode()).hexdigest()[:32]

    def weights(self) -> Weights:
        """Map the weights into memory. Removes the trainer's `xtts.` prefix from their names."""
        path = self.folder / "model.pth"
        loaded = load_tensors(path, mapped=True)
        state = loaded.get("model", loaded)
        if not isinstance(state, dict) or not any(isinstance(value, Tensor) for value in state.values()):
            raise EngineError(f"{path} holds no weights; use an XTTS-v2 checkpoint")
        tensors = {name.removeprefix("xtts."): value for name, value in state.items() if isinstance(value, Tensor)}
        return Weights(tensors, path, mapped=True)

    def speakers(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Built-in speakers: name -> conditioning latents (32, C) and speaker embedding (D, 1)."""
        path = self.folder / SPEAKERS
        if not path.is_file():
            return {}
        try:
            return {
                str(name): (
                    torch.as_tensor(entry["gpt_cond_latent"], dtype=torch.float32)[0],
                    torch.as_tensor(entry["speaker_embedding"], dtype=torch.float32)[0],
                )
                for name, entry in load_tensors(path).items()
            }
        except (KeyError, IndexError, TypeError) as error:
            raise EngineError(f"{path} is not a list of XTTS speakers; download it again") from error


def load_tensors(path: Path, *, mapped: bool = False) -> dict[str, Any]:
    """Unpickle a dict of tensors without running code from the file. Raises EngineError if it cannot be read."""
    stand_ins: list[Any] = [
        (type(name, (_Inert,), {}), f"{module}.{name}") for module in _CONFIG_MODULES for name in _CONFIG_CLASSES
    ]
    stand_ins.append((_Inert, "TTS.config.shared_configs.BaseDatasetConfig"))
    try:
        with explain_out_of_memory(), torch.serialization.safe_globals(stand_ins):
            loaded = torch.load(path, map_location="cpu", mmap=mapped, weights_only=True)
    except pickle.UnpicklingError as error:
        raise EngineError(f"{path} holds more than weights and is not safe to load; use the official file") from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError) as error:
        raise _unreadable(path) from error
    if not isinstance(loaded, dict):
        raise EngineError(f"{path} does not hold a dictionary of tensors; download it again")
    return loaded


class _Inert:
    """Stands in for Coqui's configuration classes in old files; config.json holds the same values."""


def _unreadable(path: Path) -> EngineError:
    return EngineError(f"{path} is truncated or damaged; download it again")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} is not readable JSON; download it again") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_args"), dict):
        raise EngineError(f"{path} is not the configuration of an XTTS model; use the checkpoint's own config.json")
    return config


def _pick(kind: Any, values: dict[str, Any], folder: Path) -> Any:
    """Fill a dataclass from the fields that `values` has. Raises EngineError if one has the wrong type."""
    chosen = {}
    for item in fields(kind):
        value = values.get(item.name)
        if value is None:
            continue
        expected: Any = type(item.default)
        if not isinstance(value, int | float) or (expected is int and value != int(value)):
            raise EngineError(f"'{item.name}' in {folder / 'config.json'} is {value!r}; use the checkpoint's own file")
        chosen[item.name] = expected(value)
    return kind(**chosen)

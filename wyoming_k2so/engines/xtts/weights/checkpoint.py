"""A checkpoint folder in Coqui's format: what it holds, how its tensors are read, what is said when it is broken.

Nothing here knows what the tensors are for. Tensors stay in the memory-mapped file until someone copies them.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import mmap
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from wyoming_k2so.engine import EngineError

from .out_of_memory import explain_out_of_memory
from .source import require_files

SPEAKERS = "speakers_xtts.pth"

_CONFIG_MODULES = ("TTS.tts.configs.xtts_config", "TTS.tts.models.xtts")
_CONFIG_CLASSES = ("XttsConfig", "XttsArgs", "XttsAudioConfig")


@dataclass(frozen=True)
class Architecture:
    """Sizes of the network; names and defaults are those of `model_args` in config.json."""

    gpt_layers: int = 30
    gpt_n_model_channels: int = 1024
    gpt_n_heads: int = 16
    gpt_max_audio_tokens: int = 605
    gpt_max_text_tokens: int = 402
    gpt_num_audio_tokens: int = 8194
    gpt_start_audio_token: int = 8192
    gpt_stop_audio_token: int = 8193
    gpt_code_stride_len: int = 1024
    gpt_use_perceiver_resampler: bool = False
    input_sample_rate: int = 22050
    output_sample_rate: int = 24000
    output_hop_length: int = 256
    d_vector_dim: int = 512
    cond_d_vector_in_each_upsampling_layer: bool = True

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.gpt_n_model_channels // self.gpt_n_heads

    def weight_bytes(self, text_tokens: int, size: int = 4) -> int:
        """Memory that the GPT, with `size` bytes per weight of its layers, and the vocoder take."""
        channels = self.gpt_n_model_channels
        embeddings = text_tokens + self.gpt_max_text_tokens + self.gpt_max_audio_tokens + 2 * self.gpt_num_audio_tokens
        return size * 12 * self.gpt_layers * channels**2 + 4 * (embeddings * channels + 18_000_000)

    @property
    def max_new_tokens(self) -> int:
        """The most audio tokens that one segment may take (Coqui's GPT.max_gen_mel_tokens)."""
        return self.gpt_max_audio_tokens - 3


@dataclass(frozen=True)
class Defaults:
    """What the checkpoint's makers recommend; names are those of config.json."""

    temperature: float = 0.75
    top_k: int = 50
    top_p: float = 0.85
    repetition_penalty: float = 10.0
    gpt_cond_len: int = 12
    gpt_cond_chunk_len: int = 4
    max_ref_len: int = 10
    sound_norm_refs: bool = False


class Weights:
    """The tensors of one checkpoint by name."""

    def __init__(self, tensors: dict[str, Tensor], source: Path, *, mapped: bool = False) -> None:
        """`mapped`: the tensors lie in a private mapping of the file and were never written to."""
        self._tensors, self._source, self._mapped = tensors, source, mapped

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def names(self, prefix: str) -> Iterator[str]:
        """Names that begin with `prefix`."""
        return (name for name in self._tensors if name.startswith(prefix))

    def copy(self, name: str, shape: tuple[int, ...] | None = None, *, transpose: bool = False) -> Tensor:
        """A contiguous float32 copy in memory; `shape` is what the file must hold, before transposing.

        Raises:
            EngineError: the tensor is missing or of another shape.
        """
        tensor = self._tensors.get(name)
        if tensor is None:
            raise EngineError(
                f"{self._source} has no weight '{name}'; use a complete XTTS-v2 checkpoint, or download it again."
            )
        if shape is not None and tuple(tensor.shape) != shape:
            raise EngineError(
                f"The weight '{name}' in {self._source} has shape {tuple(tensor.shape)} where config.json asks for "
                f"{shape}; use files that belong to one checkpoint."
            )
        source = tensor.t() if transpose else tensor
        copy = torch.empty(source.shape, dtype=torch.float32)
        copy.copy_(source)
        if self._mapped:
            forget_pages(tensor)
        return copy

    def state_dict(self, prefix: str) -> dict[str, Tensor]:
        """Copies of all tensors under `prefix`, with the prefix taken off."""
        return {name.removeprefix(prefix): self.copy(name) for name in self.names(prefix)}


class Checkpoint:
    """A folder that was found complete; raises EngineError with what to do when it is not."""

    def __init__(self, folder: Path) -> None:
        require_files(folder)
        self.folder = folder
        self._config = _read_config(folder / "config.json")
        self.architecture = _pick(Architecture, self._config["model_args"], folder)
        self.defaults = _pick(Defaults, self._config, folder)
        if not self.architecture.gpt_use_perceiver_resampler:
            raise EngineError(f"{folder} holds an XTTS v1 model; use an XTTS v2 checkpoint.")

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that the model was trained on, as config.json spells them."""
        return tuple(self._config.get("languages") or ("en",))

    @property
    def vocab(self) -> Path:
        """The tokenizer's vocabulary."""
        return self.folder / "vocab.json"

    def fingerprint(self) -> str:
        """A hash of the weights' content, from the checksums that the file itself lists; reads no weights."""
        try:
            with zipfile.ZipFile(self.folder / "model.pth") as archive:
                rows = sorted(
                    (item.filename.split("/", 1)[-1], item.CRC, item.file_size) for item in archive.infolist()
                )
        except (OSError, zipfile.BadZipFile) as error:
            raise _unreadable(self.folder / "model.pth") from error
        return hashlib.sha256(repr(rows).encode()).hexdigest()[:32]

    def weights(self) -> Weights:
        """Map the weights. Names lose the trainer's `xtts.` prefix."""
        path = self.folder / "model.pth"
        loaded = load_tensors(path, mapped=True)
        state = loaded.get("model", loaded)
        if not isinstance(state, dict) or not any(isinstance(value, Tensor) for value in state.values()):
            raise EngineError(f"{path} holds no weights; use a checkpoint of XTTS-v2.")
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
            raise EngineError(f"{path} is not a list of XTTS speakers; download it again.") from error


def load_tensors(path: Path, *, mapped: bool = False) -> dict[str, Any]:
    """Unpickle a dict of tensors, running no code from the file."""
    stand_ins: list[Any] = [
        (type(name, (_Inert,), {}), f"{module}.{name}") for module in _CONFIG_MODULES for name in _CONFIG_CLASSES
    ]
    stand_ins.append((_Inert, "TTS.config.shared_configs.BaseDatasetConfig"))
    try:
        with explain_out_of_memory(), torch.serialization.safe_globals(stand_ins):
            loaded = torch.load(path, map_location="cpu", mmap=mapped, weights_only=True)
    except pickle.UnpicklingError as error:
        raise EngineError(f"{path} holds more than weights and is not safe to load; use the official file.") from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError) as error:
        raise _unreadable(path) from error
    if not isinstance(loaded, dict):
        raise EngineError(f"{path} holds no table of tensors; download it again.")
    return loaded


class _Inert:
    """Takes the place of Coqui's configuration classes in old files: config.json says the same in plain text."""


def _unreadable(path: Path) -> EngineError:
    return EngineError(f"{path} is cut short or damaged; download it again.")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} is not readable JSON; download it again.") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_args"), dict):
        raise EngineError(f"{path} is not the configuration of an XTTS model; use the checkpoint's own config.json.")
    return config


def _pick(kind: Any, values: dict[str, Any], folder: Path) -> Any:
    """Fill a dataclass from those of its fields that `values` has, checking types."""
    chosen = {}
    for item in fields(kind):
        value = values.get(item.name)
        if value is None:
            continue
        expected: Any = type(item.default)
        if not isinstance(value, int | float) or (expected is int and value != int(value)):
            raise EngineError(f"'{item.name}' in {folder / 'config.json'} is {value!r}; use the checkpoint's own file.")
        chosen[item.name] = expected(value)
    return kind(**chosen)


@contextmanager
def unfilled() -> Iterator[None]:
    """Make modules without memory, to be filled from a checkpoint."""
    with torch.device("meta"), _NoInitialization():
        yield


class _NoInitialization(TorchFunctionMode):
    """Skips torch's own filling, which for tensors without memory imports torch's compiler: more than a second."""

    def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_):
            return kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def forget_pages(tensor: Tensor) -> None:
    """Give a mapped tensor's pages back, so that a copy does not count twice; they are read again when needed."""
    if not hasattr(mmap, "MADV_DONTNEED"):
        return
    start = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (tensor.data_ptr() + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if end > start:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)

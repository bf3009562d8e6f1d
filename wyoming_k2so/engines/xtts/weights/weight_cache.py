"""Converted weights on disk: one safetensors file per checkpoint, precision and format version.

A file is written beside its place and then moved there. One that is unreadable or has changed since it was written
raises Damaged; the caller converts the weights again. Knows nothing of the model.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from wyoming_k2so.engines.xtts.kernels import heap

from .memory import drop_pages

_LOGGER = logging.getLogger(__name__)

FORMAT = 2
"""Increase it when stored tensors change their meaning: older files are then replaced."""


class Damaged(Exception):
    """A cached file is not what was written."""


class CachedWeights:
    """An open file of tensors."""

    def __init__(self, path: Path) -> None:
        self._trimmer = heap.Trimmer()
        try:
            file: Any = safe_open(path, "pt")
            self._file, meta = file, file.metadata() or {}
            self._sums: dict[str, int] = json.loads(meta["checksums"])
            if meta["format"] != str(FORMAT) or set(self._sums) != set(file.keys()):
                raise Damaged("it has another format")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise Damaged(str(error)) from error

    @property
    def names(self) -> Sequence[str]:
        """Names of the tensors."""
        return list(self._sums)

    def take(self, name: str) -> Tensor:
        """A copy of a tensor. Raises Damaged if it has changed since it was written."""
        mapped: Tensor = self._file.get_tensor(name)
        copy = mapped.clone()
        self._trimmer.freed(copy.nbytes)  # the caller has used up what it took before
        drop_pages(mapped)
        self._verify(name, copy)
        return copy

    def view(self, name: str) -> Tensor:
        """A read-only tensor in the mapped file. Raises Damaged as `take` does."""
        mapped: Tensor = self._file.get_tensor(name)
        self._verify(name, mapped)
        drop_pages(mapped)
        return mapped

    def drop_pages(self) -> None:
        """Give the pages that were read back to the system; they are read again when needed."""
        for name in self.names:
            drop_pages(self._file.get_tensor(name))

    def _verify(self, name: str, tensor: Tensor) -> None:
        if _checksum(tensor) != self._sums[name]:
            raise Damaged(f"{name} has changed")


class WeightCache:
    """The folder of converted weights, as far as they belong to one checkpoint."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder, self._fingerprint = folder, fingerprint

    def path(self, key: str) -> Path:
        """The file of a precision, whether it exists or not."""
        return self._folder / f"{self._fingerprint}-{key}-v{FORMAT}.safetensors"

    def open(self, key: str) -> CachedWeights | None:
        """The cached weights of a precision; None if there are none. Raises Damaged."""
        path = self.path(key)
        return CachedWeights(path) if path.exists() else None

    def save(self, key: str, tensors: Mapping[str, Tensor]) -> CachedWeights | None:
        """Write and reopen; None, and a warning in the log, if they cannot be written."""
        path = self.path(key)
        meta = {
            "format": str(FORMAT),
            "checksums": json.dumps({name: _checksum(tensor) for name, tensor in tensors.items()}),
        }
        temporary: Path | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
            os.close(handle)
            temporary = Path(name)
            save_file(dict(tensors), temporary, meta)
            temporary.replace(path)
            self._drop_older(key, path)
            return CachedWeights(path)
        except (OSError, SafetensorError, Damaged) as error:
            _LOGGER.warning("cannot cache the converted weights, so the next start will convert them again: %s", error)
            return None
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)

    def _drop_older(self, key: str, path: Path) -> None:
        for other in self._folder.glob(f"{self._fingerprint}-{key}-v*.safetensors"):
            if other != path:
                with contextlib.suppress(OSError):
                    other.unlink()


def _checksum(tensor: Tensor) -> int:
    return zlib.crc32(tensor.contiguous().view(-1).view(torch.uint8).numpy().data)

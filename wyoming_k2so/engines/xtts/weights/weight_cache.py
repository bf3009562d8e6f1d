"""Converted weights on disk: one safetensors file per checkpoint, mode and format version. Knows nothing of the model.

A file is written beside its place and moved there; what cannot be read, or is not what was written, is reported and
made again by the caller.
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

from .checkpoint import forget_pages
from .memory import Freed

_LOGGER = logging.getLogger(__name__)

FORMAT = 2
"""Raise it when stored tensors change their meaning: older files are then made again."""


class Damaged(Exception):
    """A stored file is not what was written."""


class Stored:
    """An open file of tensors."""

    def __init__(self, path: Path) -> None:
        self._freed = Freed()
        try:
            file: Any = safe_open(path, "pt")
            self._file, meta = file, file.metadata() or {}
            self._sums: dict[str, int] = json.loads(meta["checksums"])
            if meta["format"] != str(FORMAT) or set(self._sums) != set(file.keys()):
                raise Damaged("it is of another format")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise Damaged(str(error)) from error

    @property
    def names(self) -> Sequence[str]:
        """Names of the tensors."""
        return list(self._sums)

    def take(self, name: str) -> Tensor:
        """A copy of a tensor. Raises Damaged when it is not the one that was written."""
        mapped: Tensor = self._file.get_tensor(name)
        copy = mapped.clone()
        self._freed.add(copy.nbytes)  # what was taken before has been used
        forget_pages(mapped)
        self._verify(name, copy)
        return copy

    def view(self, name: str) -> Tensor:
        """A tensor where it lies in the file, not to be written to. Raises Damaged as `take` does."""
        mapped: Tensor = self._file.get_tensor(name)
        self._verify(name, mapped)
        forget_pages(mapped)
        return mapped

    def forget(self) -> None:
        """Give the pages back that were read; they are read again when needed."""
        for name in self.names:
            forget_pages(self._file.get_tensor(name))

    def _verify(self, name: str, tensor: Tensor) -> None:
        if _checksum(tensor) != self._sums[name]:
            raise Damaged(f"{name} has changed")


class Store:
    """The folder of converted weights of one checkpoint."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder, self._fingerprint = folder, fingerprint

    def path(self, key: str) -> Path:
        """Where the weights of a mode lie or would lie."""
        return self._folder / f"{self._fingerprint}-{key}-v{FORMAT}.safetensors"

    def open(self, key: str) -> Stored | None:
        """The stored weights of a mode; None when there are none. Raises Damaged."""
        path = self.path(key)
        return Stored(path) if path.exists() else None

    def save(self, key: str, tensors: Mapping[str, Tensor]) -> Stored | None:
        """Write and reopen; None, and a line in the log, when they cannot be written."""
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
            return Stored(path)
        except (OSError, SafetensorError, Damaged) as error:
            _LOGGER.warning("Converted weights cannot be kept, so the next start is slower: %s", error)
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

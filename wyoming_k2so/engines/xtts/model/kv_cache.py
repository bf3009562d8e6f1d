"""The memory of attention: keys and values of all layers. L: layers, H: heads, T: positions, D: channels per head."""

from __future__ import annotations

import contextlib
import math
import mmap
from collections.abc import Hashable
from typing import Any

import torch
from torch import Tensor

from .architecture import Architecture


class KVCache:
    """Keys and values for a fixed number of rows, written in place, never grown or copied.

    (L, 2, rows, H, T, D): neighbouring rows lie together, so that a runtime can take them as one batch. The operating
    system zeroes the memory on first touch, so that only what has been used is resident.
    """

    def __init__(self, arch: Architecture, rows: int, positions: int, device: torch.device) -> None:
        self.rows = rows
        self.positions = positions
        shape = (arch.gpt_layers, 2, rows, arch.gpt_n_heads, positions, arch.head_dim)
        self.data = _untouched(shape).to(device)
        # Indexing a tensor costs microseconds, 60 times per token, so keep the views.
        self.slabs = [[self.data[layer, :, row] for row in range(rows)] for layer in range(arch.gpt_layers)]
        """(2, H, T, D) for each layer and row."""

        self.ends = [0] * rows
        """The position of each row's next token."""

        self.bindings: dict[Hashable, Any] = {}
        """What a runtime keeps for this memory."""

    def write_prefix(self, row: int, prefix: Tensor) -> None:
        """Copy keys and values (L, 2, H, P, D) to the start of a row."""
        self.data[:, :, row, :, : prefix.shape[3]] = prefix


def _untouched(shape: tuple[int, ...]) -> Tensor:
    """Zeros that take no memory until they are used, in small pages, so that a short row does not take a long one's."""
    memory = mmap.mmap(-1, 4 * math.prod(shape))
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        with contextlib.suppress(OSError):  # a system without huge pages
            memory.madvise(mmap.MADV_NOHUGEPAGE)
    return torch.frombuffer(memory, dtype=torch.float32).view(shape)

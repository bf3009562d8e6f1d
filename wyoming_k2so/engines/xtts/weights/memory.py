"""How much memory this process may still take, before a model is loaded into it; and giving it back afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from pathlib import Path

import torch

from wyoming_k2so.engine import EngineError

_OVERHEAD = 300_000_000
"""Bytes for the cache of keys and values, the vocoder's intermediate sound and the libraries."""

_MUCH = 64_000_000


def check_room(needed: int, available: int | None = None) -> None:
    """Raise EngineError when `needed` bytes of weights will not fit."""
    available = available_bytes() if available is None else available
    if available is not None and available < needed + _OVERHEAD:
        raise EngineError(
            f"XTTS needs {(needed + _OVERHEAD) / 1e9:.1f} GB of memory and {available / 1e9:.1f} GB is free; close"
            " other programs or use --engine piper."
        )


def free_memory() -> None:
    """Give memory back that was freed but is kept for later; where the C library can do so."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class Freed:
    """Counts what is freed, and gives it back each time that much has come together: the heap would keep it."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, count: int) -> None:
        """So many bytes are not needed any more."""
        self._bytes += count
        if self._bytes > _MUCH:
            free_memory()
            self._bytes = 0


def reclaim() -> None:
    """Give back the memory of a model that nobody refers to any more."""
    gc.collect()
    free_memory()
    torch.cuda.empty_cache()  # nothing without CUDA


def available_bytes() -> int | None:
    """Free memory of the machine or of the container's limit, whichever is less; None where neither is told."""
    limits = [limit for limit in (_machine(), _container()) if limit is not None]
    return min(limits, default=None)


def _machine(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text("ascii").splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        return None


def _container(group: Path = Path("/sys/fs/cgroup")) -> int | None:
    try:
        free = int((group / "memory.max").read_text()) - int((group / "memory.current").read_text())
    except (OSError, ValueError):  # no limit reads "max"
        return None
    with contextlib.suppress(OSError, ValueError, KeyError):
        pages = dict(line.split(" ", 1) for line in (group / "memory.stat").read_text().splitlines())
        free += int(pages["inactive_file"])  # pages of files, which are given back when memory is wanted
    return free

"""How much memory this process may still take, before a model is loaded into it; and giving it back afterwards."""

from __future__ import annotations

import gc
from pathlib import Path

import torch

from ...engine import EngineError
from .store import free_memory

_OVERHEAD = 300_000_000
"""Bytes for the cache of keys and values, the vocoder's intermediate sound and the libraries."""


def check_room(needed: int, available: int | None = None) -> None:
    """Raise EngineError when `needed` bytes of weights will not fit."""
    available = available_bytes() if available is None else available
    if available is not None and available < needed + _OVERHEAD:
        raise EngineError(
            f"XTTS needs {(needed + _OVERHEAD) / 1e9:.1f} GB of memory and {available / 1e9:.1f} GB is free; close"
            " other programs or use --engine piper."
        )


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
        pages = dict(line.split(" ", 1) for line in (group / "memory.stat").read_text().splitlines())
        return free + int(pages["inactive_file"])  # pages of files are given back when memory is wanted
    except (OSError, ValueError, KeyError):  # no limit reads "max"
        return None

"""How much memory this process may still take, and giving memory back to the system."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import mmap
from pathlib import Path

import torch
from torch import Tensor

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.kernels import heap

_OVERHEAD = 300_000_000
"""Bytes for the KV cache, the vocoder's intermediate signals and the libraries."""


def check_memory(needed: int, available: int | None = None) -> None:
    """Raise EngineError if `needed` bytes of weights will not fit."""
    available = available_bytes() if available is None else available
    if available is not None and available < needed + _OVERHEAD:
        raise EngineError(
            f"XTTS needs {(needed + _OVERHEAD) / 1e9:.1f} GB of memory, but only {available / 1e9:.1f} GB is free;"
            " close other programs or use --engine piper"
        )


def reclaim() -> None:
    """Give back the memory of a model that is no longer referenced."""
    gc.collect()
    heap.trim()
    torch.cuda.empty_cache()  # no-op without CUDA


def drop_pages(tensor: Tensor) -> None:
    """Give the pages of a mapped tensor back, so that a copy does not count twice; they are read again when needed."""
    if not hasattr(mmap, "MADV_DONTNEED"):
        return
    start = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (tensor.data_ptr() + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if end > start:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)


def available_bytes() -> int | None:
    """Free memory of the machine or of the container, whichever is less; None if neither is known."""
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
    except (OSError, ValueError):  # without a limit, it reads "max"
        return None
    with contextlib.suppress(OSError, ValueError, KeyError):
        pages = dict(line.split(" ", 1) for line in (group / "memory.stat").read_text().splitlines())
        free += int(pages["inactive_file"])  # pages of files, which the kernel gives back when memory is needed
    return free

"""The machine, and the memory that this process takes of it. Memory is in MB of 1000 kB as /proc counts them."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Processor, cores, system and Python version."""
    cpu = _lines("/proc/cpuinfo").get("model name") or platform.processor() or platform.machine()
    return {"cpu": cpu, "cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}


def memory() -> dict[str, float]:
    """Memory in use as fields of a row."""
    return {"resident_mb": round(resident_mb(), 1), "peak_mb": round(peak_mb(), 1)}


def resident_mb() -> float:
    """Memory in use now; 0 if the system has no /proc."""
    return _status("VmRSS")


def peak_mb() -> float:
    """Most memory in use so far; 0 if the system does not report it."""
    if peak := _status("VmHWM"):
        return peak
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return 0.0
    # In bytes on macOS, in kB elsewhere.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _status(name: str) -> float:
    return int(_lines("/proc/self/status").get(name, "0").split()[0]) / 1e3


def _lines(file: str) -> dict[str, str]:
    """The `name: value` lines of a file, of equal names the last; empty if there is no such file."""
    try:
        lines = Path(file).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

"""Memory that runs out: each library finds out in its own way, and the user is told in one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from wyoming_k2so.engine import EngineError

# torch: "DefaultCPUAllocator: can't allocate memory", "unable to mmap ... Cannot allocate memory (12)"; ONNX Runtime:
# "Failed to allocate memory for requested buffer", "std::bad_alloc"; oneDNN, whose code for a layer finds no place:
# "could not create a primitive".
_SIGNS = re.compile(
    r"(can't|cannot|fail\w* to) allocate memory|not enough memory|bad.?alloc|could not create a (primitive$|memory)",
    re.IGNORECASE,
)


@contextmanager
def explain_out_of_memory() -> Iterator[None]:
    """Raise EngineError in the place of whatever says that memory ran out."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or _SIGNS.search(str(error)):
            raise EngineError(
                "Memory ran out while loading XTTS; close other programs or use --engine piper."
            ) from error
        raise

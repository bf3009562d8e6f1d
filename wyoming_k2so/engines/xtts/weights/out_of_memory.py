"""One error for running out of memory, which every library reports differently."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from wyoming_k2so.engine import EngineError

# torch: "DefaultCPUAllocator: can't allocate memory", "unable to mmap ... Cannot allocate memory (12)"; ONNX Runtime:
# "Failed to allocate memory for requested buffer", "std::bad_alloc"; oneDNN, when its code for a layer does not fit:
# "could not create a primitive".
_SIGNS = re.compile(
    r"(can't|cannot|fail\w* to) allocate memory|not enough memory|bad.?alloc|could not create a (primitive$|memory)",
    re.IGNORECASE,
)


@contextmanager
def explain_out_of_memory() -> Iterator[None]:
    """Raise EngineError in place of any error that means out of memory."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or _SIGNS.search(str(error)):
            raise EngineError(
                "ran out of memory while loading XTTS; close other programs or use --engine piper"
            ) from error
        raise

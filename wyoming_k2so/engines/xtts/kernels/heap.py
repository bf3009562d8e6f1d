"""Giving freed memory back to the system; the C library's heap would keep it."""

from __future__ import annotations

import contextlib
import ctypes

_ENOUGH = 64_000_000


def trim() -> None:
    """Give freed memory back, where the C library can (malloc_trim)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class Trimmer:
    """Counts freed bytes and trims the heap each time there are enough of them."""

    def __init__(self) -> None:
        self._bytes = 0

    def freed(self, count: int) -> None:
        """Count memory that is no longer needed."""
        self._bytes += count
        if self._bytes > _ENOUGH:
            trim()
            self._bytes = 0

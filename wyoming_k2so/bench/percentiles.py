"""How long replies took: typical and slow ones."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from .report import Row, ms

MIN_REPLIES = 20
"""With fewer, the 95th percentile says no more than the worst."""


def times(
    name: str, seconds: Sequence[float], typical: Callable[[Sequence[float]], float] = statistics.median
) -> dict[str, float]:
    """Fields of a row: NAME_s (`typical` of all), NAME_worst_s and, from MIN_REPLIES up, NAME_p95_s."""
    found = {f"{name}_s": typical(seconds), f"{name}_worst_s": max(seconds)}
    if len(seconds) >= MIN_REPLIES:
        found[f"{name}_p95_s"] = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    return {field: round(value, 4) for field, value in found.items()}


def slow(row: Row, name: str) -> str:
    """The 95th percentile or the worst, and of how many replies: a row with `replies` and the fields of `times`."""
    p95 = row.get(f"{name}_p95_s")
    if p95 is not None:
        return f"{ms(p95)} (p95 of {row['replies']})"
    return f"{ms(row[f'{name}_worst_s'])} (worst of {row['replies']})"

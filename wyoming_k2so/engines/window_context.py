"""Trims the context of a window inside a convolutional network. Knows no network and no library.

A window of frames gives the same output as in the whole sequence if it comes with context: as many neighbouring frames
on each side as the layers' receptive field covers. Each layer uses up some of it, so what later layers do not need is
trimmed on the way. This saves most before a layer that upsamples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def trims(left: int, count: int, right: int, points: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the slice (start, end) to keep at each trim point.

    Args:
        left: frames of context before the window.
        count: frames of the window.
        right: frames of context after it.
        points: for each trim point, the values per frame there and the values of context that later layers need on
            each side. At the ends of the sequence there may be less context than that; then all of it is kept.
    """
    rate = 1
    for rate_here, needed in points:
        left, right = left * rate_here // rate, right * rate_here // rate
        start, rate = left - min(left, needed), rate_here
        left, right = left - start, min(right, needed)
        yield start, start + left + count * rate + right

"""The sound of a sentence, window by window, equal to one decode of all its frames. Knows nothing of phonemes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from ...engine import Samples

FIRST_WINDOW = 24
"""Frames in the first window: at 22.05 kHz and 256 samples each, 0.28 s, a little more than a chunk of 4096."""

GROWTH = 2
"""Later windows are larger: the neighbours that each decodes in vain weigh less. Sound is made far faster than it is
heard, so that the next window is there before the last has ended."""

LARGEST_WINDOW = 384


def windows(
    frames: NDArray[np.float32], decode: Callable[[NDArray[np.float32]], Samples], *, hop: int, reach: int
) -> Generator[Samples]:
    """Decode frames (1, C, T) in windows; yields T * hop samples in all.

    `decode` makes n * hop samples of frames (1, C, n); `reach` neighbours on each side make a window exact.
    """
    total = frames.shape[2]
    for start, end in schedule(total):
        left, right = max(0, start - reach), min(total, end + reach)
        sound = decode(frames[:, :, left:right])
        yield sound[(start - left) * hop : (end - left) * hop]


def schedule(total: int) -> Sequence[tuple[int, int]]:
    """Borders of the windows over `total` frames; what would be a small last window joins the one before."""
    borders, start, size = [], 0, FIRST_WINDOW
    while start < total:
        end = start + size
        if total - end < FIRST_WINDOW:
            end = total
        borders.append((start, end))
        start, size = end, min(size * GROWTH, LARGEST_WINDOW)
    return borders

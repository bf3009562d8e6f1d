"""The sound of a sentence, window by window, equal to one decode of all its frames. Knows nothing of phonemes.

Arrays of frames are (1, C, T): C channels, T frames.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ...engine import Samples
from ..windows import trims
from .split import Part

Frames = NDArray[np.float32]

FIRST_WINDOW = 24
"""Frames in the first window: at 22.05 kHz and 256 samples each, 0.28 s, a little more than a chunk of 4096."""

GROWTH = 2
"""Later windows are larger: what each costs besides its sound weighs less. Sound is made far faster than it is heard,
so that the next window is there before the last has ended."""

LARGEST_WINDOW = 192
"""Beyond that a window's signals do not stay in the processor's caches: 600 frames at once take a fifth longer."""

MOST_THREADS = 4
"""More hardly make so small a network faster, and replies in other rooms want some too."""


def session(model: Path) -> onnxruntime.InferenceSession:
    """A model, ready to run on the processor."""
    options = onnxruntime.SessionOptions()
    # A thread that spins between calls takes its core from the other parts, the server and its client.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Left to itself, onnxruntime binds each of its threads to a core. A reply's own thread that happens to begin on the
    # same core shares it for some 10 ms.
    options.intra_op_num_threads = min(os.cpu_count() or 1, MOST_THREADS)
    # A plan for each length of text costs a third of the memory that many at once take, and saves no time.
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class Call:
    """What parts of a voice are told besides frames."""

    speaker: int = 0
    run: onnxruntime.RunOptions | None = None
    """Stops them soon when its `terminate` is set."""


class Stage:
    """A part of a voice, loaded. Safe to use from any thread."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._session = session(part.model)

    def __call__(self, frames: Frames, left: int, right: int, call: Call) -> Frames:
        """What comes of frames without their neighbours: (1, C, hop * (T - left - right)), or with one more axis."""
        ends = [*chain.from_iterable(trims(left, frames.shape[2] - left - right, right, self.part.points))]
        feed: dict[str, Any] = {"frames": frames, "trims": np.array(ends, np.int64)}
        if self.part.speaker:
            feed["sid"] = np.array([call.speaker], np.int64)
        found: Frames = self._session.run(None, feed, call.run)[0]
        return found


def sound(frames: Frames, flow: Stage, decoder: Stage, call: Call) -> Generator[Samples]:
    """The sound of all frames of a sentence: T * hop samples in all."""
    total = frames.shape[2]
    # The flow's first window is what the decoder's first one looks at. Later ones reach ahead of the decoder's.
    latents = windows([frames], schedule(total, sizes(FIRST_WINDOW + decoder.part.reach, 2 * GROWTH)), flow, call)
    for window in windows(latents, schedule(total, sizes(FIRST_WINDOW, GROWTH)), decoder, call):
        yield window.reshape(-1)


def windows(
    pieces: Iterable[Frames], borders: Sequence[tuple[int, int]], stage: Stage, call: Call
) -> Generator[Frames]:
    """Send frames, which come in pieces, through a stage in windows with these borders."""
    source, reach, total = iter(pieces), stage.part.reach, borders[-1][1]
    frames = next(source)
    for start, end in borders:
        left, right = max(0, start - reach), min(total, end + reach)
        while frames.shape[2] < right:
            frames = np.concatenate([frames, next(source)], axis=2)
        yield stage(frames[:, :, left:right], start - left, right - end, call)


def sizes(first: int, growth: int) -> Iterator[int]:
    """Frames in each window."""
    size = first
    while True:
        yield min(size, LARGEST_WINDOW)
        size *= growth


def schedule(total: int, sizes: Iterable[int]) -> Sequence[tuple[int, int]]:
    """Borders of the windows over `total` frames; what would be a small last window joins the one before."""
    borders, start = [], 0
    for size in sizes:
        end = total if total - start - size < FIRST_WINDOW else start + size
        borders.append((start, end))
        if end == total:
            break
        start = end
    return borders

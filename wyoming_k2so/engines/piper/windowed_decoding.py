"""The sound of a sentence, window by window, equal to one decode of all its frames. Knows nothing of phonemes.

Arrays of frames are (1, C, T): C channels, T frames.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from itertools import chain, islice
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from wyoming_k2so.engine import Samples
from wyoming_k2so.engines.window_context import trims

from .deadline_pool import Workers
from .graph_split import Part, Parts

Frames = NDArray[np.float32]

FIRST_WINDOW = 12
"""Frames in each of the first two windows, which two cores compute at once. Together they have 0.28 s at 22.05 kHz and
256 samples a frame, a little more than a chunk of 4096."""

LARGEST_WINDOW = 96
"""Later windows are larger: what each costs besides its sound, as much as 5 frames, weighs less. Beyond this it hardly
weighs, and the last ones would leave cores idle."""

LARGEST_FLOW_WINDOW = 256
"""The flow's windows have more neighbours, so they grow faster and further."""

CORES = min(os.cpu_count() or 1, 4)
"""More hardly make so small a network faster, and the rest of the house wants some too."""

FRAME_S = 256 / 22050
"""About how long a frame lasts: near enough to tell which window is heard first."""

_WORKERS = Workers(CORES)


def session(model: Path, threads: int = CORES) -> onnxruntime.InferenceSession:
    """A model, ready to run on the processor; each run uses so many threads."""
    options = onnxruntime.SessionOptions()
    # A thread that spins between calls takes its core from the other parts, the server and its client.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Left to itself, onnxruntime binds each of its threads to a core. A reply's own thread that happens to begin on the
    # same core shares it for some 10 ms.
    options.intra_op_num_threads = threads
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

    def __init__(self, part: Part, threads: int) -> None:
        self.part = part
        self._session = session(part.model, threads)

    def __call__(self, frames: Frames, left: int, right: int, call: Call) -> Frames:
        """What comes of frames without their neighbours: (1, C, hop * (T - left - right)), or with one more axis."""
        ends = [*chain.from_iterable(trims(left, frames.shape[2] - left - right, right, self.part.points))]
        feed: dict[str, Any] = {"frames": frames, "trims": np.array(ends, np.int64)}
        if self.part.speaker:
            feed["sid"] = np.array([call.speaker], np.int64)
        found: Frames = self._session.run(None, feed, call.run)[0]
        return found

    def window(self, frames: Frames, start: int, end: int, total: int, call: Call) -> Frames:
        """What comes of the frames from start to end. `frames` may lack the last of `total`, but for the neighbours."""
        left, right = max(0, start - self.part.reach), min(total, end + self.part.reach)
        return self(frames[:, :, left:right], start - left, right - end, call)


def stages(parts: Parts) -> tuple[Stage, Stage]:
    """Flow and decoder. All cores compute one window of the flow, but each its own of the decoder."""
    return Stage(parts.flow, CORES), Stage(parts.decoder, 1)


def sound(frames: Frames, flow: Stage, decoder: Stage, call: Call) -> Generator[Samples]:
    """The sound of all frames of a sentence: T * hop samples in all. Some windows are computed ahead, on all cores."""
    total, began = frames.shape[2], time.monotonic()
    # The flow's first window is what the decoder's first two look at.
    ahead = 2 * FIRST_WINDOW + decoder.part.reach
    flows = iter(schedule(total, sizes(ahead, 4, LARGEST_FLOW_WINDOW), least=2 * flow.part.reach))
    borders = schedule(
        total, chain([FIRST_WINDOW], sizes(FIRST_WINDOW, 2, LARGEST_WINDOW)), least=2 * FIRST_WINDOW, cores=CORES
    )
    latents = np.zeros((1, 0, 0), np.float32)
    coming, pending = deque[Future[Frames]](), deque[Future[Frames]]()

    def begin(stage: Stage, source: Frames, borders: tuple[int, int], due: int) -> Future[Frames]:
        return _WORKERS.submit(began + due * FRAME_S, lambda: stage.window(source, *borders, total, call))

    try:
        coming.extend(begin(flow, frames, window, 0) for window in islice(flows, 2))
        for start, end in borders:
            while latents.shape[2] < min(total, end + decoder.part.reach):
                while pending and coming[0] not in wait((pending[0], coming[0]), return_when=FIRST_COMPLETED).done:
                    yield pending.popleft().result().reshape(-1)
                latents = _joined(latents, coming.popleft().result())
                if not coming:  # the flow stays a window ahead, or the decoder would wait for it on every core
                    coming.extend(begin(flow, frames, window, start) for window in islice(flows, 1))
            pending.append(begin(decoder, latents, (start, end), start))
            if len(pending) > CORES:
                yield pending.popleft().result().reshape(-1)
        while pending:
            yield pending.popleft().result().reshape(-1)
    finally:
        # The process may end after this, which must find no thread inside the model.
        wait([future for future in (*coming, *pending) if not future.cancel()])


def _joined(first: Frames, second: Frames) -> Frames:
    return np.concatenate([first, second], axis=2) if first.size else second


def sizes(first: int, growth: int, largest: int) -> Iterator[int]:
    """Frames in each window."""
    size = first
    while True:
        yield min(size, largest)
        size *= growth


def schedule(total: int, sizes: Iterable[int], *, least: int, cores: int = 1) -> Sequence[tuple[int, int]]:
    """Borders of the windows over `total` frames; a last window of fewer than `least` joins the one before.

    Towards the end windows become smaller, so that all of `cores` have one.
    """
    borders, start = [], 0
    for most in sizes:
        size = min(most, max(least, ceil((total - start) / cores)))
        end = total if total - start - size < least else start + size
        borders.append((start, end))
        if end == total:
            break
        start = end
    return borders

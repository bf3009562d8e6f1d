"""Decodes a sentence window by window, with the same result as decoding all its frames at once. Knows no phonemes.

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

from .deadline_pool import DeadlinePool
from .graph_split import Part, Parts

Frames = NDArray[np.float32]

FIRST_WINDOW = 12
"""Frames in each of the first two windows, which two cores compute in parallel. Together they last 0.28 s at 22.05 kHz
and 256 samples a frame: a little more than a chunk of 4096 samples."""

LARGEST_WINDOW = 96
"""Later windows grow, because each has a fixed cost, equal to about 5 frames. Beyond this size the cost hardly matters,
and the last windows would leave cores idle."""

LARGEST_FLOW_WINDOW = 256
"""The flow's windows need more context, so they grow faster and larger."""

CORES = min(os.cpu_count() or 1, 4)
"""More cores hardly speed up such a small network, and other programs need some too."""

FRAME_S = 256 / 22050
"""Approximate duration of a frame: good enough to order the windows of several replies."""

_POOL = DeadlinePool(CORES)


def session(model: Path, threads: int = CORES) -> onnxruntime.InferenceSession:
    """Load an ONNX model for the CPU; each run uses `threads` threads."""
    options = onnxruntime.SessionOptions()
    # A thread that spins between calls takes its core from the other parts, the server and its client.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # With its default of 0, onnxruntime pins each of its threads to a core. A reply's own thread that starts on the
    # same core then competes with it for about 10 ms.
    options.intra_op_num_threads = threads
    # A memory plan for each text length takes a third of the memory of many concurrent runs, and saves no time.
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class RunSettings:
    """What the parts of a voice need besides frames."""

    speaker: int = 0
    options: onnxruntime.RunOptions | None = None
    """Set its `terminate` to stop the run soon."""


class Stage:
    """A loaded part of a voice. Thread-safe."""

    def __init__(self, part: Part, threads: int) -> None:
        self.part = part
        self._session = session(part.model, threads)

    def __call__(self, frames: Frames, left: int, right: int, settings: RunSettings) -> Frames:
        """Compute the output for all frames except the context, `left` and `right` frames at the ends.

        Returns (1, C, hop * (T - left - right)), or the same with one more axis.
        """
        ends = [*chain.from_iterable(trims(left, frames.shape[2] - left - right, right, self.part.points))]
        feed: dict[str, Any] = {"frames": frames, "trims": np.array(ends, np.int64)}
        if self.part.speaker:
            feed["sid"] = np.array([settings.speaker], np.int64)
        found: Frames = self._session.run(None, feed, settings.options)[0]
        return found

    def window(self, frames: Frames, start: int, end: int, total: int, settings: RunSettings) -> Frames:
        """Compute the output for frames [start, end) of `total`. `frames` needs to reach only to the context's end."""
        left, right = max(0, start - self.part.reach), min(total, end + self.part.reach)
        return self(frames[:, :, left:right], start - left, right - end, settings)


def stages(parts: Parts) -> tuple[Stage, Stage]:
    """Load flow and decoder. A window of the flow is computed on all cores, one of the decoder on a single core."""
    return Stage(parts.flow, CORES), Stage(parts.decoder, 1)


def decode(frames: Frames, flow: Stage, decoder: Stage, settings: RunSettings) -> Generator[Samples]:
    """Yield the audio of a sentence window by window, T * hop samples in all. Some windows are computed ahead."""
    total, began = frames.shape[2], time.monotonic()
    # The flow's first window covers the decoder's first two and their context.
    ahead = 2 * FIRST_WINDOW + decoder.part.reach
    flow_windows = iter(schedule(total, sizes(ahead, 4, LARGEST_FLOW_WINDOW), least=2 * flow.part.reach))
    windows = schedule(
        total, chain([FIRST_WINDOW], sizes(FIRST_WINDOW, 2, LARGEST_WINDOW)), least=2 * FIRST_WINDOW, cores=CORES
    )
    latents = np.zeros((1, 0, 0), np.float32)
    coming, pending = deque[Future[Frames]](), deque[Future[Frames]]()

    def submit(stage: Stage, source: Frames, window: tuple[int, int], heard_at: int) -> Future[Frames]:
        return _POOL.submit(began + heard_at * FRAME_S, lambda: stage.window(source, *window, total, settings))

    try:
        coming.extend(submit(flow, frames, window, 0) for window in islice(flow_windows, 2))
        for start, end in windows:
            while latents.shape[2] < min(total, end + decoder.part.reach):
                while pending and coming[0] not in wait((pending[0], coming[0]), return_when=FIRST_COMPLETED).done:
                    yield pending.popleft().result().reshape(-1)
                latents = _joined(latents, coming.popleft().result())
                if not coming:  # keep the flow one window ahead, or the decoder would wait for it on every core
                    coming.extend(submit(flow, frames, window, start) for window in islice(flow_windows, 1))
            pending.append(submit(decoder, latents, (start, end), start))
            if len(pending) > CORES:
                yield pending.popleft().result().reshape(-1)
        while pending:
            yield pending.popleft().result().reshape(-1)
    finally:
        # If the process exits after this, no thread may be inside the model.
        wait([future for future in (*coming, *pending) if not future.cancel()])


def _joined(first: Frames, second: Frames) -> Frames:
    return np.concatenate([first, second], axis=2) if first.size else second


def sizes(first: int, growth: int, largest: int) -> Iterator[int]:
    """Yield window sizes in frames, growing by a factor up to a limit."""
    size = first
    while True:
        yield min(size, largest)
        size *= growth


def schedule(total: int, sizes: Iterable[int], *, least: int, cores: int = 1) -> Sequence[tuple[int, int]]:
    """Split `total` frames into windows [start, end). A last window smaller than `least` joins the one before.

    Windows shrink towards the end, so that all `cores` have work.
    """
    windows, start = [], 0
    for most in sizes:
        size = min(most, max(least, ceil((total - start) / cores)))
        end = total if total - start - size < least else start + size
        windows.append((start, end))
        if end == total:
            break
        start = end
    return windows

"""Latents in as they come, sound out in windows, equal to one decode of the whole utterance.

Two linear interpolations lie between latents and vocoder frames (and one more for speed). Their sample positions are
absolute, so they run here as streams that keep count, with the arithmetic of torch.nn.functional.interpolate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from .checkpoint import Architecture
from .vocoder import CONTEXT, LOOKAHEAD, Timbre, Vocoder


class Stretch:
    """Linear interpolation along time (align_corners off) of a signal (C, T) that comes in pieces."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._inverse = torch.tensor(1 / factor, dtype=torch.float32)
        self._tail: Tensor | None = None
        self._start = 0  # absolute index of the tail's first column
        self._next = 0  # absolute index of the next output

    def feed(self, x: Tensor) -> Tensor:
        """Take columns (C, n); give all outputs whose neighbours are known."""
        self._tail = x if self._tail is None else torch.cat([self._tail, x], 1)
        return self._emit(last=False)

    def finish(self) -> Tensor:
        """Give the outputs whose right neighbour lies beyond the end."""
        return self._emit(last=True)

    def _emit(self, *, last: bool) -> Tensor:
        if self._tail is None:
            raise ValueError("nothing was fed")
        total = self._start + self._tail.shape[1]
        index = torch.arange(self._next, int(total * self._factor), dtype=torch.float32)
        # In float32 like torch's kernel: at long lengths its rounding is part of the result.
        position = (self._inverse * (index + 0.5) - 0.5).clamp_(min=0)
        left = position.to(torch.int64)
        if not last:
            known = int((left < total - 1).sum())
            position, left = position[:known], left[:known]
        right = (left + 1).clamp_(max=total - 1)
        weight = (position - left).to(self._tail.device)
        columns = self._tail.index_select(1, (left - self._start).to(self._tail.device))
        neighbours = self._tail.index_select(1, (right - self._start).to(self._tail.device))
        self._next += len(left)
        # The next output's left neighbour is the oldest column that is needed again.
        following = float(self._inverse * (torch.tensor(float(self._next)) + 0.5) - 0.5)
        drop = max(min(int(following) - self._start, self._tail.shape[1] - 1), 0)
        self._tail = self._tail[:, drop:]
        self._start += drop
        return columns * (1 - weight) + neighbours * weight


class VocoderStream:
    """The sound of one segment, window by window."""

    def __init__(
        self, vocoder: Vocoder, timbre: Timbre, arch: Architecture, *, windows: Sequence[int], speed: float = 1.0
    ) -> None:
        """`windows`: new latents before each window is decoded; the last number stands for all later ones."""
        self._vocoder, self._timbre = vocoder, timbre
        self._windows: Iterator[int] = iter(windows)
        self._window = next(self._windows)
        self._fresh: list[Tensor] = []
        factors = [1 / max(speed, 0.05), arch.gpt_code_stride_len / arch.output_hop_length]
        factors.append(arch.output_sample_rate / arch.input_sample_rate)
        self._stretches = [Stretch(factor) for factor in factors if factor != 1]
        self._frames: Tensor | None = None  # (C, T), from the context on
        self._context = 0  # frames at the front that are spoken already

    def feed(self, latents: Tensor) -> Tensor | None:
        """Take latents (n, C); give samples (m,) when a window is full."""
        self._fresh.append(latents)
        if sum(len(piece) for piece in self._fresh) < self._window:
            return None
        self._window = next(self._windows, self._window)
        self._push(torch.cat(self._fresh).t(), last=False)
        self._fresh = []
        return self._decode(LOOKAHEAD)

    def finish(self) -> Tensor | None:
        """Give the rest of the sound, to the last sample."""
        if self._fresh:
            self._push(torch.cat(self._fresh).t(), last=False)
            self._fresh = []
        if self._frames is None:
            return None
        self._push(self._frames[:, :0], last=True)
        return self._decode(0)

    @torch.inference_mode()
    def _push(self, x: Tensor, *, last: bool) -> None:
        """Send columns (C, n) through the interpolations and keep the frames that come out."""
        for stretch in self._stretches:
            if last:
                ahead = stretch.feed(x) if x.shape[1] else x
                x = torch.cat([ahead, stretch.finish()], 1)
            else:
                x = stretch.feed(x)
        self._frames = x if self._frames is None else torch.cat([self._frames, x], 1)

    def _decode(self, right: int) -> Tensor | None:
        """Decode the frames that have `right` frames after them, keeping context for the next window."""
        if self._frames is None or (count := self._frames.shape[1] - self._context - right) <= 0:
            return None
        samples = self._vocoder(self._frames, self._timbre, self._context, right)
        spoken = self._context + count
        drop = max(spoken - CONTEXT, 0)
        self._frames = self._frames[:, drop:]
        self._context = spoken - drop
        return samples


"""Latents in as they come, sound out in windows, equal to decoding the whole segment at once.

Between latents and vocoder frames there are two linear interpolations, and one more for speed. Their positions are
absolute, so they are computed here as streams that keep count, with the arithmetic of
torch.nn.functional.interpolate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from wyoming_k2so.engines.xtts.model.architecture import Architecture
from wyoming_k2so.engines.xtts.model.vocoder import CONTEXT, LOOKAHEAD, Timbre, Vocoder


class Interpolation:
    """Linear interpolation along time (align_corners off) of a signal (C, T) that comes in pieces.

    Equal to torch's over the whole signal. The exception is a signal so short that torch would copy it: it is
    interpolated here if a part had to be returned before its end was known.
    """

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._inverse = torch.tensor(1 / factor, dtype=torch.float32)
        self._tail: Tensor | None = None
        self._start = 0  # absolute index of the first column of the tail
        self._next = 0  # absolute index of the next output

    def feed(self, x: Tensor, *, last: bool = False) -> Tensor:
        """Take columns (C, n) and return all outputs whose neighbours are known. The first n is 0 only if `last`."""
        self._tail = x if self._tail is None else torch.cat([self._tail, x], 1)
        total = self._start + self._tail.shape[1]
        if last and self._next == 0 and int(total * self._factor) == total:
            return self._tail  # torch copies if it need not add a sample
        index = torch.arange(self._next, int(total * self._factor), dtype=torch.float32)
        # In float32 as in torch's kernel, whose rounding is part of the result at long lengths.
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
        # The left neighbour of the next output is the oldest column that is needed again.
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
        """`windows`: how many new latents each window takes; the last number repeats."""
        self._vocoder, self._timbre = vocoder, timbre
        self._windows: Iterator[int] = iter(windows)
        self._window = next(self._windows)
        self._fresh: list[Tensor] = []
        self._none = torch.zeros(0, 0)  # no latents (C, 0)
        factors = [1 / max(speed, 0.05), arch.gpt_code_stride_len / arch.output_hop_length]
        factors.append(arch.output_sample_rate / arch.input_sample_rate)
        self._interpolations = [Interpolation(factor) for factor in factors if factor != 1]
        self._frames: Tensor | None = None  # (C, T), context first
        self._context = 0  # frames at the front that have been decoded already

    def due(self, count: int) -> bool:
        """Whether `count` more latents fill a window."""
        return sum(len(piece) for piece in self._fresh) + count >= self._window

    def feed(self, latents: Tensor) -> Tensor | None:
        """Take latents (n, C); return samples (m,) if a window is full."""
        self._fresh.append(latents)
        if sum(len(piece) for piece in self._fresh) < self._window:
            return None
        self._window = next(self._windows, self._window)
        self._push(last=False)
        return self._decode(LOOKAHEAD)

    def finish(self) -> Tensor | None:
        """Return the rest of the sound, to the last sample."""
        if self._fresh or self._frames is not None:
            self._push(last=True)
        return self._decode(0)

    @torch.inference_mode()
    def _push(self, *, last: bool) -> None:
        """Send the fresh latents through the interpolations and keep the frames that come out."""
        x = torch.cat(self._fresh).t() if self._fresh else self._none
        self._none = x[:, :0]
        self._fresh = []
        for interpolation in self._interpolations:
            x = interpolation.feed(x, last=last)
        self._frames = x if self._frames is None else torch.cat([self._frames, x], 1)

    def _decode(self, right: int) -> Tensor | None:
        """Decode the frames that have `right` frames after them, keeping context for the next window."""
        if self._frames is None or (count := self._frames.shape[1] - self._context - right) <= 0:
            return None
        samples: Tensor = self._vocoder(self._frames, self._timbre, self._context, right)
        decoded = self._context + count
        drop = max(decoded - CONTEXT, 0)
        self._frames = self._frames[:, drop:]
        self._context = decoded - drop
        return samples

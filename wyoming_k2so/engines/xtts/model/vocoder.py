"""XTTS's HiFi-GAN with Coqui's weights: frames of latents in, sound out. Knows nothing of codes or streams.

A window of frames gives the same samples as decoding the whole segment, because it comes with as many neighbouring
frames as the convolutions can see; the neighbours are dropped once no later layer looks at them.
C: channels, T: frames or samples.

Signals are (1, C, 1, T) in channels-last memory, and layers are two-dimensional with a height of one, so that oneDNN
reads and writes them without reordering: a third faster than Conv1d on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.window_context import trims
from wyoming_k2so.engines.xtts.kernels.onednn import Conv, pack

from .architecture import Architecture
from .weight_reader import WeightReader, init_empty_weights

_SLOPE = 0.1
_KERNELS = (3, 7, 11)
_DILATIONS = (1, 3, 5)
_UPSAMPLE = ((8, 16), (8, 16), (2, 4), (2, 4))
"""(factor, kernel) of each stage; XTTS's HifiDecoder does not let a checkpoint change these sizes."""

_CHANNELS = 512
_PREFIX = "hifigan_decoder.waveform_decoder."

HOP = 256
"""Samples per frame."""


@dataclass(frozen=True)
class Timbre:
    """A speaker embedding as the vocoder uses it: biases (1, C, 1, 1) after the first layer and in each stage."""

    pre: Tensor
    stages: tuple[Tensor | None, ...]


def _conv(channels_in: int, channels_out: int, kernel: int, dilation: int = 1, *, bias: bool = True) -> Conv:
    """A convolution along time that keeps the length."""
    padding = (0, dilation * (kernel // 2))
    return Conv(channels_in, channels_out, (1, kernel), dilation=(1, dilation), padding=padding, bias=bias)


class _ResBlock(nn.Module):
    """Three pairs of convolutions with a skip around each pair."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_conv(channels, channels, kernel, dilation) for dilation in _DILATIONS)
        self.convs2 = nn.ModuleList(_conv(channels, channels, kernel) for _ in _DILATIONS)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in cast("Iterable[tuple[Conv, Conv]]", zip(self.convs1, self.convs2, strict=True)):
            x = second.plus(first.activated(functional.leaky_relu(x, _SLOPE), _SLOPE), x)
        return x


class Vocoder(nn.Module):
    """HiFi-GAN generator with its weight norm folded into the weights."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.conv_pre = _conv(arch.gpt_n_model_channels, _CHANNELS, 7)
        self.cond_layer = _conv(arch.d_vector_dim, _CHANNELS, 1)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        self.conds = nn.ModuleList()
        for stage, (factor, kernel) in enumerate(_UPSAMPLE):
            channels = _CHANNELS >> (stage + 1)
            self.ups.append(
                nn.ConvTranspose2d(
                    2 * channels, channels, (1, kernel), (1, factor), padding=(0, (kernel - factor) // 2)
                )
            )
            self.resblocks.extend(_ResBlock(channels, size) for size in _KERNELS)
            if arch.cond_d_vector_in_each_upsampling_layer:
                self.conds.append(_conv(arch.d_vector_dim, channels, 1))
        self.conv_post = _conv(channels, 1, 7, bias=False)

        self.dtype = torch.float32
        """The type of all convolutions but the last; 16 bits would leave it a signal of 8 or 11 bits."""

    def prepare(self, dtype: torch.dtype, device: torch.device) -> Vocoder:
        """Convert to `dtype` on `device`, in place. Call it once, before anything is computed."""
        post, self.dtype = self.conv_post, dtype
        del self.conv_post
        self.to(device, dtype)
        self.conv_post = post.to(device)
        if device.type == "cpu":
            pack(self)
        return self

    @torch.inference_mode()
    def timbre(self, embedding: Tensor) -> Timbre:
        """Project a speaker embedding (D, 1), once per voice."""
        embedding = embedding[None, :, None].to(self.dtype)
        stages = [cond(embedding) for cond in self.conds] or [None] * len(_UPSAMPLE)
        return Timbre(self.cond_layer(embedding), tuple(stages))

    @torch.inference_mode()
    def forward(self, frames: Tensor, timbre: Timbre, left: int = 0, right: int = 0) -> Tensor:
        """Frames (C, left + T + right) -> samples (T * HOP,).

        `left` and `right` count frames of context: CONTEXT and LOOKAHEAD of them, or as many as there are at the ends
        of a segment.
        """
        x = frames[None, :, None].to(self.dtype, memory_format=torch.channels_last)
        x = self.conv_pre(x).add_(timbre.pre)
        cuts = trims(left, frames.shape[1] - left - right, right, _POINTS)
        for stage, _ in enumerate(_UPSAMPLE):
            x = self.ups[stage](functional.leaky_relu_(x, _SLOPE))
            bias = timbre.stages[stage]
            if bias is not None:
                x = x.add_(bias)
            blocks = self.resblocks[3 * stage : 3 * stage + 3]
            x = (blocks[0](x).add_(blocks[1](x)).add_(blocks[2](x))).div_(len(_KERNELS))
            start, end = next(cuts)
            x = x[..., start:end]
        x = self.conv_post(functional.leaky_relu(x).float())  # torch's default slope here, as in HiFi-GAN
        start, end = next(cuts)
        return torch.tanh(x)[0, 0, 0, start:end]


def _needed_frames() -> tuple[int, ...]:
    """Neighbouring frames that can still be seen before the first stage and after each stage."""
    rate, reach = HOP, 3.0 / HOP  # the last convolution, in frames
    needed = [reach]
    for factor, kernel in reversed(_UPSAMPLE):
        blocks = max(size // 2 * (sum(_DILATIONS) + len(_DILATIONS)) for size in _KERNELS)
        reach += blocks / rate
        rate //= factor
        reach += (kernel // factor // 2) / rate
        needed.append(reach)
    needed[-1] += 3  # the first convolution
    return tuple(int(-(-reach // 1)) for reach in reversed(needed))


CONTEXT, *_NEEDED = _needed_frames()
"""Frames to the left that make a window exact for any weights, and how many are still seen after each stage."""

_RATES = tuple(accumulate((factor for factor, _ in _UPSAMPLE), mul))
_POINTS = (*((rate, rate * frames) for rate, frames in zip(_RATES, _NEEDED, strict=True)), (HOP, 0))
"""Where windows are trimmed: after each stage and at the end."""

LOOKAHEAD = 12
"""Frames to the right. 14 would be exact, but waiting for the last two would delay the first sound by a token. They
change samples by 1e-6 of their size even where residual branches outweigh the trunk (without the last four: up to
2e-3)."""


def load_vocoder(weights: WeightReader, arch: Architecture) -> Vocoder:
    """Build the vocoder, copying one tensor at a time and folding the weight norm: w = g * v / |v|.

    Raises:
        EngineError: a weight is missing or has the wrong shape, or the vocoder has another design.
    """
    if (
        arch.input_sample_rate <= 0
        or arch.gpt_code_stride_len % arch.output_hop_length
        or arch.output_hop_length != HOP
    ):
        raise EngineError("the checkpoint's vocoder has a different sample rate or hop; use an XTTS-v2 checkpoint")
    with init_empty_weights():
        vocoder = Vocoder(arch)
    for name, parameter in list(vocoder.named_parameters()):
        owner, _, leaf = name.rpartition(".")
        shape = tuple(size for dim, size in enumerate(parameter.shape) if dim != 2)  # without the height
        value = _folded(weights, _PREFIX + owner, shape) if leaf == "weight" else None
        if value is None:
            value = weights.copy(_PREFIX + name, shape)
        if leaf == "weight":
            value = value.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        setattr(vocoder.get_submodule(owner), leaf, nn.Parameter(value, requires_grad=False))
    return vocoder.eval()


def _folded(weights: WeightReader, layer: str, shape: tuple[int, ...]) -> Tensor | None:
    """The weight of a layer stored as gain and direction, by torch's new or old names; None if stored as it is."""
    for gain, direction in (
        ("parametrizations.weight.original0", "parametrizations.weight.original1"),
        ("weight_g", "weight_v"),
    ):
        if f"{layer}.{gain}" in weights:
            v = weights.copy(f"{layer}.{direction}", shape)
            g = weights.copy(f"{layer}.{gain}", (shape[0], 1, 1))
            return torch._weight_norm(v, g, 0)  # the kernel that Coqui's parametrization calls
    return None

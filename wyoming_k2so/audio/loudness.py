"""Measures how loud a voice is, and brings it to a target loudness while it speaks.

Loudness is that of ITU-R BS.1770-5: the mean square of the K-weighted sound over blocks of 400 ms, without blocks that
are silent or far below the rest. A voice has a constant loudness, so its gain settles after a few seconds of speech and
does not pump.
"""

from __future__ import annotations

import threading
from functools import cache

import numpy as np
from numpy.typing import NDArray

from wyoming_k2so.engine import Samples

Powers = NDArray[np.float64]
"""Mean squares of K-weighted sound, shape (n,)."""

TENTHS_PER_BLOCK = 4
"""A block starts every 100 ms."""

MAX_GAIN_DB = 20.0

KNEE = 0.7
"""Above this part of full scale, peaks are limited smoothly instead of clipped."""

_OFFSET = -0.691  # a sine of 997 Hz at full scale has -3.01 LUFS
_SILENCE = -70.0  # LUFS; the absolute gate: quieter blocks do not count
_GATE = 0.1  # the relative gate: nor do blocks below this part of the mean power
_STEP = 0.1  # LU
_LEVELS = np.arange(_SILENCE, 10.0, _STEP) + _STEP / 2


class Meter:
    """The loudness of everything a voice has said so far. Safe to use from any thread."""

    def __init__(self) -> None:
        self._counts = np.zeros(len(_LEVELS), np.int64)
        self._lock = threading.Lock()

    def add(self, blocks: Powers) -> None:
        """Count blocks of 400 ms."""
        levels = _lufs(blocks[blocks > 0])
        places = ((levels[levels >= _SILENCE] - _SILENCE) / _STEP).astype(np.int64).clip(max=len(_LEVELS) - 1)
        with self._lock:
            np.add.at(self._counts, places, 1)

    @property
    def loudness(self) -> float | None:
        """In LUFS; None before any sound."""
        with self._lock:
            counts = self._counts.copy()
        return gated(10 ** ((_LEVELS - _OFFSET) / 10), counts)


class Leveller:
    """Brings one sound that arrives in pieces to the target loudness.

    A voice's very first piece is measured before it is sent. A change of gain is spread over a piece.
    """

    def __init__(self, meter: Meter, target: float, rate: int) -> None:
        """`target` in LUFS; `rate` in samples per second."""
        self._meter, self._target, self._rate = meter, target, rate
        self._rest: Samples = np.zeros(0, np.float32)
        self._tenths: Powers = np.zeros(0)
        self._gain: float | None = None

    def push(self, samples: Samples) -> Samples:
        """Return the same (n,) samples at the target loudness."""
        self._measure(samples)
        before, self._gain = self._gain, self._wanted()
        if self._gain is None:
            return samples
        steps = np.linspace(before or self._gain, self._gain, len(samples), dtype=np.float32)
        return limit(samples * steps)

    def _wanted(self) -> float | None:
        loudness = self._meter.loudness
        if loudness is None:
            loudness = gated(self._tenths, np.ones(len(self._tenths), np.int64))
        if loudness is None:
            return None
        return float(10 ** (np.clip(self._target - loudness, -MAX_GAIN_DB, MAX_GAIN_DB) / 20))

    def _measure(self, samples: Samples) -> None:
        size = self._rate // 10
        sound = np.concatenate([self._rest, samples])
        count = len(sound) // size
        self._rest = sound[count * size :]
        self._tenths = np.concatenate([self._tenths, powers(sound[: count * size].reshape(count, size), self._rate)])
        if len(self._tenths) >= TENTHS_PER_BLOCK:
            blocks = np.convolve(self._tenths, np.full(TENTHS_PER_BLOCK, 1 / TENTHS_PER_BLOCK), "valid")
            self._meter.add(blocks)
            self._tenths = self._tenths[-(TENTHS_PER_BLOCK - 1) :]


def gated(blocks: Powers, counts: NDArray[np.int64]) -> float | None:
    """Loudness in LUFS of blocks that occur `counts` times; None when all of them are silent."""
    counts = np.where(blocks > 10 ** ((_SILENCE - _OFFSET) / 10), counts, 0)
    if not counts.any():
        return None
    loud = np.where(blocks >= _GATE * np.average(blocks, weights=counts), counts, 0)
    return float(_lufs(np.average(blocks, weights=loud, keepdims=True))[0])


def powers(sound: Samples, rate: int) -> Powers:
    """Mean squares of sounds (n, samples) after K-weighting."""
    size = sound.shape[1]
    spectrum = np.abs(np.fft.rfft(sound, axis=1)) ** 2
    spectrum[:, 1 : (size + 1) // 2] *= 2  # a real sound's negative frequencies
    result: Powers = spectrum @ _weights(size, rate) / size**2
    return result


def limit(samples: Samples) -> Samples:
    """Limit peaks smoothly: unchanged up to KNEE, never beyond full scale."""
    size = np.abs(samples)
    over = size > KNEE
    if over.any():
        samples = samples.copy()
        bent = KNEE + (1 - KNEE) * np.tanh((size[over] - KNEE) / (1 - KNEE))
        samples[over] = np.copysign(bent, samples[over])
    return samples


@cache
def _weights(size: int, rate: int) -> NDArray[np.float64]:
    """Power gain of the K-weighting at the frequencies of an FFT of `size` samples (BS.1770-5, tables 1 and 2)."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size, 1 / rate) / 48_000)
    shelf = np.polyval((1.19839281085285, -2.69169618940638, 1.53512485958697), z) / np.polyval(
        (0.73248077421585, -1.69065929318241, 1.0), z
    )
    high_pass = np.polyval((1.0, -2.0, 1.0), z) / np.polyval((0.99007225036621, -1.99004745483398, 1.0), z)
    gain: NDArray[np.float64] = np.abs(shelf * high_pass) ** 2
    return gain


def _lufs(power: Powers) -> Powers:
    level: Powers = _OFFSET + 10 * np.log10(power)
    return level

"""From an engine's float samples to the bytes of a stream: resampling, PCM, chunks of equal size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from wyoming_k2so.engine import AudioFormat, Samples


@dataclass(frozen=True)
class Chunk:
    """A piece of a stream, ready to be sent."""

    audio: bytes
    format: AudioFormat
    timestamp_ms: int
    """When its first sample is heard, from the start of the stream."""

    after_stall: bool = False
    """The text for it arrived late, so a gap before it is not the engine's fault."""

    @property
    def seconds(self) -> float:
        """Its playing time."""
        return self.format.seconds(len(self.audio))


class Resampler:
    """Changes the sample rate of one sound that arrives in pieces, as if it were resampled as a whole.

    soxr looks ahead, so the last samples come from `flush`.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32") if rate_in != rate_out else None

    def push(self, samples: Samples) -> Samples:
        """Resample (n,) samples; may return few or none yet."""
        return samples if self._stream is None else self._resample(samples, last=False)

    def flush(self) -> Samples:
        """End the sound and return the rest of it."""
        empty = np.zeros(0, np.float32)
        return empty if self._stream is None else self._resample(empty, last=True)

    def _resample(self, samples: Samples, *, last: bool) -> Samples:
        assert self._stream is not None
        out: Samples = self._stream.resample_chunk(np.ascontiguousarray(samples), last=last)
        return out


def encode(samples: Samples, format: AudioFormat) -> bytes:
    """Encode (n,) samples as PCM, the same in every channel; clip at full scale."""
    full_scale = 2 ** (8 * format.width - 1) - 1
    exact = samples if format.width == 2 else samples.astype(np.float64)
    pcm = np.rint(np.clip(exact, -1.0, 1.0) * full_scale).astype("<i2" if format.width == 2 else "<i4")
    data = pcm.view(np.uint8).reshape(-1, pcm.itemsize)[:, : format.width]
    return np.tile(data, format.channels).tobytes()


class Chunker:
    """Cuts a stream of samples into chunks of exactly `samples` samples; only the last may be shorter.

    `silence_before` and `silence_after` are seconds of silence to add around the sound, if there is any.
    """

    def __init__(
        self, format: AudioFormat, samples: int, *, silence_before: float = 0.0, silence_after: float = 0.0
    ) -> None:
        self.format = format
        self._size = samples * format.frame
        self._before = self._silence(silence_before)
        self._after = self._silence(silence_after)
        self._begun = False
        self._pending = bytearray()
        self._sent = 0

    @property
    def pending_s(self) -> float:
        """Seconds of sound that do not fill a chunk yet."""
        return self.format.seconds(len(self._pending))

    def push(self, samples: Samples) -> list[Chunk]:
        """Add (n,) samples and return the chunks they complete."""
        if len(samples) and not self._begun:
            self._begun = True
            self._pending += self._before
        self._pending += encode(samples, self.format)
        return self._full()

    def fill(self) -> list[Chunk]:
        """Fill the last chunk up with silence and return it, so that no sound waits for more."""
        if not self._pending:
            return []
        self._pending.extend(bytes(self._size - len(self._pending)))
        return [self._take(self._size)]

    def flush(self) -> list[Chunk]:
        """End the stream and return the rest of it; the last chunk may be shorter."""
        if self._begun:
            self._begun = False
            self._pending += self._after
        return [*self._full(), *([self._take(len(self._pending))] if self._pending else [])]

    def _silence(self, seconds: float) -> bytes:
        return bytes(round(seconds * self.format.rate) * self.format.frame)

    def _full(self) -> list[Chunk]:
        return [self._take(self._size) for _ in range(len(self._pending) // self._size)]

    def _take(self, size: int) -> Chunk:
        audio = bytes(self._pending[:size])
        del self._pending[:size]
        started = self.format.seconds(self._sent)
        self._sent += size
        return Chunk(audio, self.format, round(started * 1000))

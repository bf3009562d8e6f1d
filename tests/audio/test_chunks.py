"""Resampling and chunking: sound that arrives in pieces must equal the whole."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_k2so.audio.chunks import Chunk, Chunker, Resampler, encode
from wyoming_k2so.engine import AudioFormat, Samples

FORMAT = AudioFormat(16_000)
CUTS = st.lists(st.integers(0, 5_000), max_size=12)


def cut(sound: Samples, places: list[int]) -> list[Samples]:
    return np.split(sound, sorted(min(place, len(sound)) for place in places))


def noise(count: int) -> Samples:
    return np.random.default_rng(count).uniform(-0.9, 0.9, count).astype(np.float32)


def pcm(chunks: list[Chunk]) -> list[int]:
    return [int(sample) for sample in np.frombuffer(b"".join(chunk.audio for chunk in chunks), "<i2")]


@settings(deadline=None, max_examples=60)
@given(
    rates=st.sampled_from([(22_050, 16_000), (22_050, 24_000), (24_000, 22_050), (16_000, 48_000)]),
    length=st.integers(0, 5_000),
    places=CUTS,
)
def test_pieces_resample_like_the_whole(rates: tuple[int, int], length: int, places: list[int]) -> None:
    sound = noise(length)
    resampler = Resampler(*rates)
    pieces = [resampler.push(piece) for piece in cut(sound, places)]
    result = np.concatenate([*pieces, resampler.flush()])

    assert result.dtype == np.float32
    expected = soxr.resample(sound, *rates) if length else sound
    # soxr rounds the length of a whole and of a stream differently.
    assert abs(len(result) - len(expected)) <= 1
    common = min(len(result), len(expected))
    np.testing.assert_allclose(result[:common], expected[:common], atol=1e-5)


def test_a_strided_slice_can_be_resampled() -> None:
    resampler = Resampler(22_050, 16_000)
    assert len(resampler.push(noise(2_000)[::2])) + len(resampler.flush()) == pytest.approx(1_000 * 16 / 22.05, abs=1)


def test_an_equal_rate_changes_nothing() -> None:
    sound = noise(100)
    resampler = Resampler(16_000, 16_000)
    assert resampler.push(sound) is sound
    assert len(resampler.flush()) == 0


@given(size=st.sampled_from([2048, 4096, 8192]), length=st.integers(0, 20_000), places=CUTS)
def test_chunks_have_equal_size_and_only_the_last_is_shorter(size: int, length: int, places: list[int]) -> None:
    sound = noise(length)
    chunker = Chunker(FORMAT, size)
    chunks = [chunk for piece in cut(sound, places) for chunk in chunker.push(piece)]
    assert [len(chunk.audio) for chunk in chunks] == [size * 2] * (length // size)

    chunks += chunker.flush()
    assert pcm(chunks) == np.rint(sound * 32767).astype(int).tolist()
    assert [chunk.timestamp_ms for chunk in chunks] == [round(n * size / 16) for n in range(len(chunks))]
    assert sum(chunk.seconds for chunk in chunks) == pytest.approx(length / FORMAT.rate)
    assert chunker.flush() == []


def test_a_chunk_is_returned_with_the_sample_that_completes_it() -> None:
    chunker = Chunker(FORMAT, 2048)
    assert chunker.push(noise(2047)) == []
    assert len(chunker.push(noise(1))) == 1


def test_fill_pads_a_partial_chunk_with_silence() -> None:
    chunker = Chunker(FORMAT, 2048)
    assert chunker.fill() == []
    chunker.push(np.full(1_000, 0.5, np.float32))
    (chunk,) = chunker.fill()
    assert pcm([chunk]) == [16384] * 1_000 + [0] * 1_048
    assert chunker.fill() == []

    (after,) = chunker.push(noise(2048))
    assert after.timestamp_ms == 128, "silence counts too"


def test_timestamps_do_not_drift_when_a_chunk_is_not_a_whole_number_of_milliseconds() -> None:
    chunker = Chunker(AudioFormat(22_050), 4096)
    chunks = [chunk for _ in range(300) for chunk in chunker.push(noise(4096))]
    assert chunks[299].timestamp_ms == round(299 * 4096 / 22_050 * 1000)


def test_sound_beyond_full_scale_is_clipped() -> None:
    chunker = Chunker(FORMAT, 2048)
    chunker.push(np.array([1.0, -1.0, 1.5, -7.0, np.inf, -np.inf], np.float32))
    assert pcm(chunker.flush()) == [32767, -32767, 32767, -32767, 32767, -32767]


def test_samples_are_rounded_to_the_nearest_step() -> None:
    chunker = Chunker(FORMAT, 2048)
    chunker.push(np.array([0.0, 0.6, -0.6, 0.4, 99.51], np.float32) / np.float32(32767))
    assert pcm(chunker.flush()) == [0, 1, -1, 0, 100]


@pytest.mark.parametrize("width", [2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_width_holds_the_same_sound(width: int, channels: int) -> None:
    sound = np.array([0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 0.25], np.float32)
    frames = np.frombuffer(encode(sound, AudioFormat(16_000, width, channels)), np.uint8)
    full_scale = 2 ** (8 * width - 1)
    for channel in frames.reshape(len(sound), channels, width).swapaxes(0, 1):
        values = [int.from_bytes(sample.tobytes(), "little", signed=True) for sample in channel]
        np.testing.assert_allclose(values, np.clip(sound, -1, 1) * (full_scale - 1), atol=0.5)


def test_silence_is_added_around_the_sound() -> None:
    chunker = Chunker(FORMAT, 2048, silence_before=0.25, silence_after=0.125)
    assert chunker.push(noise(0)) == chunker.fill() == chunker.flush() == [], "there is no sound to add silence to"
    chunks = [*chunker.push(np.ones(100, np.float32)), *chunker.flush()]
    assert pcm(chunks) == [0] * 4_000 + [32767] * 100 + [0] * 2_000
    assert [len(chunk.audio) // 2 for chunk in chunks] == [2048, 2048, 2004]
    assert chunker.flush() == []


def test_playing_time_of_a_format() -> None:
    stereo = AudioFormat(48_000, width=2, channels=2)
    assert stereo.frame == 4
    assert stereo.seconds(48_000) == 0.25

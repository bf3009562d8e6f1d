"""Any schedule of windows gives the same sound as decoding at once by Coqui's HiFi-GAN, to the last sample."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from tests.engines.xtts.support.speaking import SPEAKER
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts
from wyoming_k2so.engines.xtts.model.vocoder import CONTEXT, HOP, LOOKAHEAD, Vocoder
from wyoming_k2so.engines.xtts.scheduling.vocoder_stream import Interpolation, VocoderStream
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint


def streamed(
    vocoder: Vocoder, checkpoint: Checkpoint, latents: Tensor, windows: tuple[int, ...], speed: float = 1.0
) -> list[Tensor]:
    """Feed latents (T, C) one by one."""
    timbre = vocoder.timbre(checkpoint.speakers()[SPEAKER][1])
    stream = VocoderStream(vocoder, timbre, checkpoint.architecture, windows=windows, speed=speed)
    pieces = [stream.feed(latent[None]) for latent in latents]
    pieces.append(stream.finish())
    return [piece for piece in pieces if piece is not None]


@torch.inference_mode()
def whole(reference: ReferenceXtts, latents: Tensor, speed: float = 1.0) -> Tensor:
    """Coqui's decode of latents (T, C) at once, as its inference does."""
    batch = latents[None]
    if speed != 1:
        batch = functional.interpolate(batch.transpose(1, 2), scale_factor=1 / speed, mode="linear").transpose(1, 2)
    samples: Tensor = reference.model.hifigan_decoder(batch, g=reference.speaker(SPEAKER)[1])
    return samples.squeeze()


def random_latents(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("windows", [(7, 5, 7, 10, 14, 20, 28), (2, 5, 3), (13,), (1000,)])
def test_every_schedule_equals_decoding_at_once(
    windows: tuple[int, ...], vocoder: Vocoder, checkpoint: Checkpoint, reference: ReferenceXtts
) -> None:
    latents = random_latents(26)
    expected = whole(reference, latents)
    got = torch.cat(streamed(vocoder, checkpoint, latents, windows))
    assert got.shape == expected.shape, "the end must not be lost"
    assert expected.std() > 0.05, "a whisper would prove nothing"
    assert (got - expected).abs().max() <= 1e-4


@pytest.mark.parametrize("speed", [0.5, 0.9, 1.7, 2.0])
def test_speed_works_in_a_stream(
    speed: float, vocoder: Vocoder, checkpoint: Checkpoint, reference: ReferenceXtts
) -> None:
    latents = random_latents(20, seed=1)
    expected = whole(reference, latents, speed)
    got = torch.cat(streamed(vocoder, checkpoint, latents, (6, 9), speed))
    assert got.shape == expected.shape
    assert (got - expected).abs().max() <= 1e-4


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_shortest_segments_equal_decoding_at_once(
    count: int, vocoder: Vocoder, checkpoint: Checkpoint, reference: ReferenceXtts
) -> None:
    latents = random_latents(count)
    expected = whole(reference, latents)
    got = torch.cat(streamed(vocoder, checkpoint, latents, (3,)))
    assert got.shape == expected.shape
    assert (got - expected).abs().max() <= 1e-4


def test_first_window_of_seven_tokens_fills_a_chunk(vocoder: Vocoder, checkpoint: Checkpoint) -> None:
    first, *_ = streamed(vocoder, checkpoint, random_latents(8), (7, 7))
    assert len(first) >= 4096


def test_windows_join_without_clicks(vocoder: Vocoder, checkpoint: Checkpoint) -> None:
    pieces = streamed(vocoder, checkpoint, random_latents(28), (7,))
    sound = torch.cat(pieces)
    steps = sound.diff().abs()
    borders = torch.tensor(list(itertools.accumulate(len(piece) for piece in pieces[:-1]))) - 1
    assert steps[borders].max() <= steps.max()
    assert steps[borders].mean() <= 2 * steps.mean()


def test_a_window_takes_only_its_frames_and_a_fixed_context(
    vocoder: Vocoder, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the cost of a segment is linear in its length."""
    sizes: list[int] = []

    def silent(frames: Tensor, _timbre: object, left: int, right: int) -> Tensor:
        sizes.append(frames.shape[1])
        return torch.zeros((frames.shape[1] - left - right) * HOP)

    monkeypatch.setattr(vocoder, "forward", silent)
    pieces = streamed(vocoder, checkpoint, random_latents(600), (10,))
    assert sum(map(len, pieces)) == int(int(600 * 4.0) * 24000 / 22050) * HOP
    assert max(sizes) <= CONTEXT + LOOKAHEAD + 10 * 4.36 + 1
    assert max(sizes[5:-1]) - min(sizes[5:-1]) <= 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    factor=st.one_of(st.just(4.0), st.just(24000 / 22050), st.floats(0.5, 2.0)),
    cuts=st.lists(st.integers(0, 9), min_size=1, max_size=12),
)
def test_interpolation_in_pieces_equals_that_of_torch(factor: float, cuts: list[int]) -> None:
    total = sum(cuts)
    signal = torch.rand(3, total, generator=torch.Generator().manual_seed(total)) * 2 - 1
    assume(int(total * factor) > 0)
    assume(int(total * factor) != total or len(cuts) == 1)  # torch copies what it need not lengthen
    expected = functional.interpolate(signal[None], scale_factor=[factor], mode="linear")[0]
    interpolation = Interpolation(factor)
    *pieces, end = torch.split(signal, cuts, 1)
    got = torch.cat([*(interpolation.feed(piece) for piece in pieces), interpolation.feed(end, last=True)], 1)
    assert got.shape == expected.shape
    assert (got - expected).abs().max() <= 1e-5

"""Any schedule of windows gives the sound of one whole decode by Coqui's HiFi-GAN, to the last sample."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from tests.engines.xtts.conftest import SPEAKER
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts
from wyoming_k2so.engines.xtts.model.vocoder import CONTEXT, HOP, LOOKAHEAD, Vocoder, load_vocoder
from wyoming_k2so.engines.xtts.scheduling.vocoder_stream import Stretch, VocoderStream
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint, Weights


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
def whole(stock: ReferenceXtts, latents: Tensor, speed: float = 1.0) -> Tensor:
    """Coqui's decode of latents (T, C) at once, as its inference does."""
    batch = latents[None]
    if speed != 1:
        batch = functional.interpolate(batch.transpose(1, 2), scale_factor=1 / speed, mode="linear").transpose(1, 2)
    samples: Tensor = stock.model.hifigan_decoder(batch, g=stock.speaker(SPEAKER)[1])
    return samples.squeeze()


def random_latents(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("windows", [(7, 5, 7, 10, 14, 20, 28), (2, 5, 3), (13,), (1000,)])
def test_every_schedule_gives_the_whole_decode(
    windows: tuple[int, ...], vocoder: Vocoder, checkpoint: Checkpoint, stock: ReferenceXtts
) -> None:
    latents = random_latents(26)
    expected = whole(stock, latents)
    got = torch.cat(streamed(vocoder, checkpoint, latents, windows))
    assert got.shape == expected.shape, "no tail may be lost"
    assert expected.std() > 0.05, "a whisper would prove nothing"
    assert (got - expected).abs().max() <= 1e-4


@pytest.mark.parametrize("speed", [0.5, 0.9, 1.7, 2.0])
def test_speed_works_in_a_stream(speed: float, vocoder: Vocoder, checkpoint: Checkpoint, stock: ReferenceXtts) -> None:
    latents = random_latents(20, seed=1)
    expected = whole(stock, latents, speed)
    got = torch.cat(streamed(vocoder, checkpoint, latents, (6, 9), speed))
    assert got.shape == expected.shape
    assert (got - expected).abs().max() <= 1e-4


@pytest.mark.parametrize("count", [1, 2, 7])
def test_shortest_utterances(count: int, vocoder: Vocoder, checkpoint: Checkpoint, stock: ReferenceXtts) -> None:
    latents = random_latents(count)
    expected = whole(stock, latents)
    got = torch.cat(streamed(vocoder, checkpoint, latents, (3,)))
    assert got.shape == expected.shape
    assert (got - expected).abs().max() <= 1e-4


def test_first_window_of_seven_tokens_fills_a_chunk(vocoder: Vocoder, checkpoint: Checkpoint) -> None:
    first, *_ = streamed(vocoder, checkpoint, random_latents(8), (7, 7))
    assert len(first) >= 4096


def test_borders_do_not_click(vocoder: Vocoder, checkpoint: Checkpoint) -> None:
    pieces = streamed(vocoder, checkpoint, random_latents(28), (7,))
    sound = torch.cat(pieces)
    steps = sound.diff().abs()
    borders = torch.tensor(list(itertools.accumulate(len(piece) for piece in pieces[:-1]))) - 1
    assert steps[borders].max() <= steps.max()
    assert steps[borders].mean() <= 2 * steps.mean()


def test_window_decodes_no_more_than_its_context(
    vocoder: Vocoder, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linear cost: however long the utterance, a window's input is its own frames and a fixed context."""
    sizes: list[int] = []

    def silent(frames: Tensor, _timbre: object, left: int, right: int) -> Tensor:
        sizes.append(frames.shape[1])
        return torch.zeros((frames.shape[1] - left - right) * HOP)

    monkeypatch.setattr(vocoder, "forward", silent)
    pieces = streamed(vocoder, checkpoint, random_latents(600), (10,))
    assert sum(map(len, pieces)) == int(int(600 * 4.0) * 24000 / 22050) * HOP
    assert max(sizes) <= CONTEXT + LOOKAHEAD + 10 * 4.36 + 1
    assert max(sizes[5:-1]) - min(sizes[5:-1]) <= 1


def test_context_is_what_the_layers_can_see(vocoder: Vocoder, checkpoint: Checkpoint) -> None:
    timbre = vocoder.timbre(checkpoint.speakers()[SPEAKER][1])
    frames = torch.randn(64, 60, generator=torch.Generator().manual_seed(3))
    expected = vocoder(frames, timbre)[25 * HOP : 30 * HOP]
    exact = vocoder(frames[:, 25 - CONTEXT : 30 + CONTEXT], timbre, CONTEXT, CONTEXT)
    assert (exact - expected).abs().max() <= 1e-6
    for left, right in ((6, CONTEXT), (CONTEXT, 6)):
        window = vocoder(frames[:, 25 - left : 30 + right], timbre, left, right)
        assert (window - expected).abs().max() > 1e-4, "less context must show, or this test sees nothing"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    factor=st.one_of(st.just(4.0), st.just(24000 / 22050), st.floats(0.5, 2.0)),
    cuts=st.lists(st.integers(0, 9), min_size=1, max_size=12),
)
def test_stretch_in_pieces_is_interpolate(factor: float, cuts: list[int]) -> None:
    total = sum(cuts)
    signal = torch.rand(3, total, generator=torch.Generator().manual_seed(total)) * 2 - 1
    assume(int(total * factor) > 0)
    assume(int(total * factor) != total or len(cuts) == 1)  # torch copies what it need not lengthen
    expected = functional.interpolate(signal[None], scale_factor=[factor], mode="linear")[0]
    stretch = Stretch(factor)
    *pieces, end = torch.split(signal, cuts, 1)
    got = torch.cat([*(stretch.feed(piece) for piece in pieces), stretch.feed(end, last=True)], 1)
    assert got.shape == expected.shape
    assert (got - expected).abs().max() <= 1e-5


def test_weight_norm_in_the_old_spelling(checkpoint: Checkpoint, vocoder: Vocoder) -> None:
    weights = checkpoint.weights()
    old = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): weights.copy(name)
        for name in weights.names("hifigan_decoder.")
    }
    again = load_vocoder(Weights(old, checkpoint.folder), checkpoint.architecture)
    for ours, theirs in zip(again.parameters(), vocoder.parameters(), strict=True):
        assert torch.equal(ours, theirs)

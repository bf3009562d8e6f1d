"""The vocoder by itself; that it equals Coqui's is tested with the stream of windows."""

from __future__ import annotations

import torch

from tests.engines.xtts.support.speaking import SPEAKER
from wyoming_k2so.engines.xtts.model.vocoder import CONTEXT, HOP, Vocoder, load_vocoder
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint, Weights


def test_the_context_is_as_large_as_the_layers_can_see(vocoder: Vocoder, checkpoint: Checkpoint) -> None:
    timbre = vocoder.timbre(checkpoint.speakers()[SPEAKER][1])
    frames = torch.randn(64, 60, generator=torch.Generator().manual_seed(3))
    expected = vocoder(frames, timbre)[25 * HOP : 30 * HOP]
    exact = vocoder(frames[:, 25 - CONTEXT : 30 + CONTEXT], timbre, CONTEXT, CONTEXT)
    assert (exact - expected).abs().max() <= 1e-6
    for left, right in ((6, CONTEXT), (CONTEXT, 6)):
        window = vocoder(frames[:, 25 - left : 30 + right], timbre, left, right)
        assert (window - expected).abs().max() > 1e-4, "less context must make a difference"


def test_weight_norm_under_its_old_names(checkpoint: Checkpoint, vocoder: Vocoder) -> None:
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

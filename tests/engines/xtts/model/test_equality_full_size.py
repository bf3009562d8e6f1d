"""The same equality at XTTS-v2's real size: 466.9 M parameters, written once, loaded by both loaders."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import torch

from tests.engines.xtts.support.decoding import Decoder, reference_stream
from tests.engines.xtts.support.speaking import SPEAKER
from wyoming_k2so.engine import Request
from wyoming_k2so.engines.xtts.dev import synthetic
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.torch_gpt import TorchGpt
from wyoming_k2so.engines.xtts.scheduling.prefetch import Prompt
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint
from wyoming_k2so.settings.config import Config, EngineConfig

pytestmark = pytest.mark.slow

TEXT = "The light is on."
COUNT = 12


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write_checkpoint(tmp_path_factory.mktemp("full"), synthetic.FULL)


def resident_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


@pytest.fixture(scope="module")
def engine(full: Path, tmp_path_factory: pytest.TempPathFactory) -> XttsEngine:
    home = tmp_path_factory.mktemp("home")
    before = resident_mb()
    engine = XttsEngine.load(
        Config(
            engines=EngineConfig(engine="xtts", data_dir=home, cache_dir=home),
            engine_settings=(
                XttsSettings(xtts_checkpoint=str(full), device="cpu", quantization="none", vocoder_precision="fp32"),
            ),
        )
    )
    grown = resident_mb() - before
    assert grown < 2100, "the GPT and the vocoder weigh 1,690 MB; the mapped file must not stay in memory beside them"
    return engine


@pytest.fixture(scope="module")
def reference(full: Path) -> ReferenceXtts:
    return ReferenceXtts(full)


def test_size_is_the_real_one(reference: ReferenceXtts) -> None:
    count = sum(parameter.numel() for parameter in reference.model.parameters())
    assert count == pytest.approx(466.9e6, rel=0.002)


def test_codes_latents_and_sound_equal_coqui(engine: XttsEngine, reference: ReferenceXtts, full: Path) -> None:
    greedy, voice = Sampling(repetition_penalty=5.0, greedy=True), reference.speaker(SPEAKER)
    gpt = engine.model.gpt
    assert isinstance(gpt, TorchGpt)
    decoder = Decoder(gpt, Checkpoint(full), engine.model.tokenizer)
    codes, latents = decoder.run(TEXT, greedy, max_tokens=COUNT)
    spoken = reference.infer(TEXT, "en", voice, greedy, max_new_tokens=COUNT)
    assert codes.tolist() == spoken.codes.tolist()
    assert (latents - spoken.latents).abs().max() <= 1e-4
    stream_codes, stream_latents = reference_stream(reference, TEXT, repetition_penalty=5.0, max_tokens=COUNT)
    assert codes.tolist() == stream_codes.tolist()
    assert (latents - stream_latents).abs().max() <= 1e-4

    engine.sampling = greedy
    utterance = engine.open(Request(SPEAKER, "en", seed=0))
    prompt = Prompt(TEXT, tuple(decoder.tokenizer.encode(TEXT, "en")), COUNT)
    ours = torch.cat([torch.from_numpy(piece) for piece in utterance._generate(prompt)])
    assert ours.shape == spoken.samples.shape
    assert (ours - spoken.samples).abs().max() <= 1e-4

"""The same equalities at XTTS-v2's real size: 466.9 M parameters, written once, loaded by both loaders."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.engines.xtts.conftest import SPEAKER
from tests.engines.xtts.reference_stream import stream_codes
from tests.engines.xtts.scheduling.test_sequence import STOCK_GREEDY_STREAM, Decoder, finish
from wyoming_k2so.bench.resources import resident_mb
from wyoming_k2so.engine import Request
from wyoming_k2so.engines.xtts.dev import synthetic
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.model.gpt import TorchGpt
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.scheduling.prefetch import Part
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint
from wyoming_k2so.settings.config import Config, EngineConfig, XttsConfig

pytestmark = pytest.mark.slow

TEXT = "The light is on."
COUNT = 12


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write_checkpoint(tmp_path_factory.mktemp("full"), synthetic.FULL)


@pytest.fixture(scope="module")
def engine(full: Path, tmp_path_factory: pytest.TempPathFactory) -> XttsEngine:
    home = tmp_path_factory.mktemp("home")
    before = resident_mb()
    engine = XttsEngine.load(
        Config(
            engines=EngineConfig(engine="xtts", data_dir=home, cache_dir=home),
            xtts=XttsConfig(xtts_checkpoint=str(full), device="cpu", quantization="none", vocoder_precision="fp32"),
        )
    )
    grown = resident_mb() - before
    assert grown < 2100, "the GPT and the vocoder weigh 1,690 MB; the mapped file must not stay in memory beside them"
    return engine


@pytest.fixture(scope="module")
def stock(full: Path) -> ReferenceXtts:
    return ReferenceXtts(full)


def test_size_is_the_real_one(stock: ReferenceXtts) -> None:
    count = sum(parameter.numel() for parameter in stock.model.parameters())
    assert count == pytest.approx(466.9e6, rel=0.002)


def test_codes_latents_and_sound_equal_coqui(engine: XttsEngine, stock: ReferenceXtts, full: Path) -> None:
    greedy, voice = Sampling(repetition_penalty=5.0, greedy=True), stock.speaker(SPEAKER)
    gpt = engine.model.gpt
    assert isinstance(gpt, TorchGpt)
    decoder = Decoder(gpt, Checkpoint(full), engine.model.tokenizer)
    codes, latents = finish(decoder.begin(TEXT, greedy, limit=COUNT))
    spoken = stock.infer(TEXT, "en", voice, greedy, max_new_tokens=COUNT)
    assert codes.tolist() == spoken.codes.tolist()
    assert (latents - spoken.latents).abs().max() <= 1e-4
    sampling = Sampling(repetition_penalty=5.0, top_k=STOCK_GREEDY_STREAM.top_k)
    streamed, stream_latents = stream_codes(stock, TEXT, "en", voice, sampling, max_new_tokens=COUNT)
    assert codes.tolist() == streamed.tolist()
    assert (latents - stream_latents).abs().max() <= 1e-4

    engine.sampling = greedy
    said = engine.open(Request(SPEAKER, "en", seed=0))
    ours = torch.cat(
        [
            torch.from_numpy(piece)
            for piece in said._generate(Part(TEXT, tuple(decoder.tokenizer.encode(TEXT, "en")), COUNT))
        ]
    )
    assert ours.shape == spoken.samples.shape
    assert (ours - spoken.samples).abs().max() <= 1e-4

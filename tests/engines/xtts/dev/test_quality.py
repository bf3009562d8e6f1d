"""Each measure of quality on a case made worse on purpose, and the whole comparison."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from wyoming_k2so import cli
from wyoming_k2so.bench import quality
from wyoming_k2so.engine import EngineError, Request, Samples
from wyoming_k2so.engines.piper.engine import PiperEngine
from wyoming_k2so.engines.xtts.dev import quality as measures
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.kernels import quant
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.settings.config import Config

TEXTS = ["The front door is locked.", "All lights are off."]


def logits(seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(50, 100, generator=torch.Generator().manual_seed(seed))


def tone(frequency: float) -> torch.Tensor:
    return 0.3 * torch.sin(2 * torch.pi * frequency * torch.arange(24000) / 24000)


def test_agreement_counts_the_likeliest_codes() -> None:
    other = logits().clone()
    assert measures.token_agreement(logits(), other).loss == 0
    other[:10] = -other[:10]
    found = measures.token_agreement(logits(), other)
    assert found.value == pytest.approx(0.8)
    assert found.loss == pytest.approx(0.2)


def test_divergence_grows_with_noise() -> None:
    losses = [measures.divergence(logits(), logits() + noise * torch.randn(50, 100)).loss for noise in (0.0, 0.1, 1.0)]
    assert losses[0] == pytest.approx(0, abs=1e-9)
    assert losses[0] < losses[1] < 0.05 < losses[2]


def test_latent_cosine_falls_with_noise() -> None:
    x = torch.randn(20, 64)
    assert measures.latent_cosine(x, 2 * x).loss == pytest.approx(0, abs=1e-6)
    assert 0.2 < measures.latent_cosine(x, x + torch.randn(20, 64)).loss < 0.4


def test_spectral_distance_hears_noise_and_another_pitch() -> None:
    same = measures.spectral_distance(tone(300), tone(300))
    noisy = measures.spectral_distance(tone(300), tone(300) + 0.05 * torch.randn(24000))
    other = measures.spectral_distance(tone(300), tone(900))
    assert same.loss == 0
    assert noisy.loss > 0.05
    assert other.loss > 0.05


def test_similarity_tells_speakers_apart(engine: XttsEngine) -> None:
    rng = np.random.default_rng(0)
    voice = tone(120) + 0.02 * torch.from_numpy(rng.standard_normal(24000).astype(np.float32))
    hiss = 0.3 * torch.from_numpy(rng.standard_normal(24000).astype(np.float32))
    embedding = engine.encoder.embedding
    same = measures.similarity(embedding(voice, 24000), embedding(voice * 0.99, 24000))
    other = measures.similarity(embedding(voice, 24000), embedding(hiss, 24000))
    assert same.loss < 1e-3
    assert other.loss > same.loss * 10


@pytest.mark.parametrize(
    ("heard", "rate"),
    [("The door is locked!", 0), ("the door", 0.5), ("a door was shut", 0.75), ("well the door is locked", 0.25)],
)
def test_word_error_rate(heard: str, rate: float) -> None:
    assert quality.word_error_rate("The door is locked.", heard) == rate


def test_word_errors_are_counted_beyond_those_of_full_precision() -> None:
    loud, quiet = np.ones(4, np.float32), np.zeros(4, np.float32)

    def listen(samples: Samples, _rate: int) -> str:
        return "the door is shut" if samples[0] else "door"

    worse = quality.word_errors([("the door is locked", loud, quiet)], 24000, listen)
    assert (worse["value"], worse["loss"], worse["passed"]) == (0.75, 0.5, False)
    better = quality.word_errors([("the door is locked", quiet, loud)], 24000, listen)
    assert (better["loss"], better["passed"]) == (0, True)


def test_words_are_counted_by_whisper_in_the_embedded_voice() -> None:
    """The part that random weights cannot show: clear speech is understood, and the same under noise is not."""
    listen = quality.whisper()
    assert listen is not None
    voice = PiperEngine.load(Config())
    utterance = voice.open(Request(voice.voices()[0].name, "en-US"))
    clear = np.concatenate(list(utterance.say(quality.TEXTS[0])))
    noise = np.random.default_rng(0).standard_normal(len(clear)).astype(np.float32)
    buried = 0.05 * clear + 0.3 * noise
    row = quality.word_errors([(quality.TEXTS[0], clear, buried)], utterance.rate, listen)
    assert row["value"] > 0.5
    assert not row["passed"]
    assert quality.word_errors([(quality.TEXTS[0], clear, clear)], utterance.rate, listen)["value"] < 0.2


def test_a_loss_that_is_no_number_fails() -> None:
    assert not quality.row("x", 1.0, float("nan"))["passed"]
    assert quality.row("x", 1.0, 0.05)["passed"]
    assert not quality.row("x", 1.0, 0.0501)["passed"]


def int8(config: Config, tmp_path: Path) -> Config:
    return replace(
        config,
        engines=replace(config.engines, cache_dir=tmp_path),
        engine_settings=(replace(config.group(XttsSettings), quantization="int8"),),
    )


def test_int8_passes_and_a_broken_layer_fails_in_each_metric(
    engine: XttsEngine, config: Config, tmp_path: Path
) -> None:
    other = XttsEngine.load(int8(config, tmp_path))
    good = {
        metric.name: metric.loss for metric in measures.compare_models(engine, other, TEXTS, free_runs=False).metrics
    }
    assert good["latent cosine"] < 0.01
    assert good["KL divergence"] < 0.01
    assert good["mel distance (dB)"] < 0.05
    assert good["speaker similarity"] < 0.05
    embedding = other.model.gpt.code_embedding.weight
    with torch.no_grad():
        embedding.mul_(5 * torch.randn(embedding.shape))
    bad = {
        metric.name: metric.loss for metric in measures.compare_models(engine, other, TEXTS, free_runs=False).metrics
    }
    assert all(bad[name] > good[name] for name in good), (good, bad)
    assert bad["next-token agreement"] > 0.05
    assert bad["latent cosine"] > 0.05


def test_nothing_to_compare(config: Config) -> None:
    with pytest.raises(EngineError, match="choose a --quantization"):
        measures.compare(config, TEXTS)


def flags(config: Config, tmp_path: Path) -> list[str]:
    folder = config.group(XttsSettings).xtts_checkpoint
    return ["--engine", "xtts", "--device", "cpu", "--xtts-checkpoint", folder, "--cache-dir", str(tmp_path)]


def test_command_writes_table_pairs_and_plot(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "TEXTS", TEXTS)
    monkeypatch.setattr(quality, "whisper", lambda: lambda _samples, _rate: "the front door is locked")
    out = tmp_path / "out"
    assert cli.main(["quality", *flags(config, tmp_path), "--quantization", "int8", "-o", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    report = json.loads(lines[-1])
    assert report["mode"] == "int8"
    assert [row["metric"] for row in report["rows"]][-1] == "word error rate"
    assert len(report["rows"]) == 6
    assert report["passed"] == all(row["passed"] for row in report["rows"])
    first, rate = soundfile.read(out / "1-a-full.wav")
    second, _ = soundfile.read(out / "1-b-int8.wav")
    assert rate == 24000
    assert len(first) == len(second) > 0
    assert not np.array_equal(first, second)


def test_quantize_command(config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["quantize", *flags(config, tmp_path), "--quantization", "int8"]) == 0
    assert "ready in int8" in capsys.readouterr().out
    assert len(list((tmp_path / "xtts-quantized").iterdir())) == 1
    assert cli.main(["quantize", *flags(config, tmp_path), "--quantization", "fp16"]) == 1
    assert "use bf16 or int8" in capsys.readouterr().err


def test_int8_layers_are_really_used(config: Config, tmp_path: Path) -> None:
    other = XttsEngine.load(int8(config, tmp_path))
    assert not list(quant.linears(other.model.gpt))

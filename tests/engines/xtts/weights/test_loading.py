"""Which precision a model ends up in: the one asked for, or a safer one if it fails its self-test or a reply."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.engines.xtts.support.speaking import REQUEST, SPEAKER, int8_config
from wyoming_k2so.bench.local import TEXTS
from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.dev.synthetic import LANGUAGES
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.kernels import precision
from wyoming_k2so.engines.xtts.kernels.onednn import PackedLinear
from wyoming_k2so.engines.xtts.kernels.quant import Int8Linear
from wyoming_k2so.engines.xtts.model.gpt import Gpt
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.weights import loading, self_test
from wyoming_k2so.engines.xtts.weights.calibration import CalibrationTexts
from wyoming_k2so.engines.xtts.weights.self_test import Unfit
from wyoming_k2so.engines.xtts.weights.weight_cache import WeightCache
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.settings.config import Config
from wyoming_k2so.voices.catalog import Choice


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quantized")


@pytest.fixture(autouse=True)
def native_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the order of modes is the same on every machine."""
    monkeypatch.setattr(precision, "has_bf16", lambda: True)


@pytest.fixture
def engine(config: Config, cache: Path) -> XttsEngine:
    return XttsEngine.load(int8_config(config, cache))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Precisions whose models fail their self-test."""
    modes: set[str] = set()
    original = self_test.agreement

    def agreement(gpt: Gpt, probe: dict[str, torch.Tensor]) -> float:
        weight = gpt.code_head
        kind = {Int8Linear: "int8", PackedLinear: "bf16"}[type(weight)]
        return 0.1 if kind in modes else original(gpt, probe)

    monkeypatch.setattr(self_test, "agreement", agreement)
    return modes


def poison(engine: XttsEngine) -> None:
    """Let the GPT produce NaN from now on."""
    with torch.no_grad():
        engine.model.gpt.text_position.weight[0] = torch.nan


def test_auto_is_int8_with_a_bf16_vocoder(config: Config, cache: Path) -> None:
    engine = XttsEngine.load(int8_config(config, cache, quantization="auto"))
    assert (engine.mode, engine.note) == ("int8", "")
    assert engine.model.vocoder.dtype == torch.bfloat16
    sound = np.concatenate(list(engine.open(REQUEST).say("Yes, it is on.")))
    assert len(sound) > 4096
    assert np.isfinite(sound).all()


def test_vocoder_precision_is_chosen_separately(config: Config, cache: Path) -> None:
    engine = XttsEngine.load(int8_config(config, cache, quantization="none", vocoder_precision="bf16"))
    assert (engine.mode, engine.model.vocoder.dtype) == ("none", torch.bfloat16)
    engine = XttsEngine.load(int8_config(config, cache, vocoder_precision="fp32"))
    assert (engine.mode, engine.model.vocoder.dtype) == ("int8", torch.float32)


def test_bf16_vocoder_sounds_like_float32(engine: XttsEngine, config: Config, cache: Path) -> None:
    exact = XttsEngine.load(int8_config(config, cache, vocoder_precision="fp32"))
    sounds = [np.concatenate(list(e.open(REQUEST).say_exactly("Yes, it is on.", 20))) for e in (exact, engine)]
    assert np.sqrt(((sounds[0] - sounds[1]) ** 2).mean()) < 0.03 * np.sqrt((sounds[0] ** 2).mean())
    # 16 bits in the last layer would leave no more than 8 bits of sound.
    assert len(np.unique(sounds[1])) > len(sounds[1]) / 2


def test_a_precision_that_runs_badly_is_not_loaded(config: Config, cache: Path) -> None:
    with pytest.raises(EngineError, match="--quantization fp16.*use bf16 or int8"):
        XttsEngine.load(int8_config(config, cache, quantization="fp16"))


def test_converted_weights_are_reused(
    config: Config, cache: Path, engine: XttsEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(loading, "convert")
    again = XttsEngine.load(int8_config(config, cache))
    sounds = [list(e.open(REQUEST).say("Yes.")) for e in (engine, again)]
    assert np.array_equal(np.concatenate(sounds[0]), np.concatenate(sounds[1]))


@pytest.mark.parametrize("damage", ["cut", "changed", "other"])
def test_damaged_weights_are_converted_again(
    damage: str, config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    XttsEngine.load(int8_config(config, tmp_path))
    (file,) = (tmp_path / "xtts-quantized").iterdir()
    data = file.read_bytes()
    changed = bytearray(data)
    changed[-5000] ^= 64
    file.write_bytes({"cut": data[: len(data) // 2], "changed": bytes(changed), "other": b"{}"}[damage])
    with caplog.at_level(logging.WARNING):
        assert XttsEngine.load(int8_config(config, tmp_path)).mode == "int8"
    assert "converting them again" in caplog.text
    assert file.read_bytes()[-10000:] == data[-10000:]
    assert len(file.read_bytes()) == len(data)


def test_weights_of_another_size_are_converted_again(config: Config, tmp_path: Path) -> None:
    """The file is intact, but has another architecture."""
    XttsEngine.load(int8_config(config, tmp_path))
    (file,) = (tmp_path / "xtts-quantized").iterdir()
    tensors = load_file(file)
    tensors["code_head.weight"] = tensors["code_head.weight"][:-1].contiguous()
    WeightCache(file.parent, file.name.split("-")[0]).save("int8", tensors)
    assert XttsEngine.load(int8_config(config, tmp_path)).mode == "int8"
    assert load_file(file)["code_head.weight"].shape[0] == 1026


def test_weights_that_cannot_be_cached_are_used_all_the_same(
    config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "xtts-quantized").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert XttsEngine.load(int8_config(config, tmp_path)).mode == "int8"
    assert "cannot cache the converted weights" in caplog.text


def test_each_calibration_text_has_its_own_weights(config: Config, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("# mine\nGood night.\nde: Gute Nacht.\n\n", "utf-8")
    own = int8_config(config, tmp_path, quantization="int8-calibrated", calibrate=text)
    seen: dict[str, float] = {}
    engine = XttsEngine.load(own, seen.__setitem__)
    assert engine.mode == "int8-calibrated"
    assert seen == {"calibrating": 1.0, "converting": 1.0}
    text.write_text("Good morning.", "utf-8")
    XttsEngine.load(own)
    assert len(list((tmp_path / "xtts-quantized").glob("*calibrated*"))) == 2
    text.write_text("# nothing\n", "utf-8")
    with pytest.raises(EngineError, match="no sentence"):
        XttsEngine.load(own)


def test_bundled_texts_cover_the_languages(config: Config) -> None:
    texts = CalibrationTexts(None).sentences
    assert 80 <= len(texts) <= 120
    assert {language for language, _ in texts} == set(LANGUAGES)


def test_several_int8_rows_give_the_same_codes_as_alone(engine: XttsEngine) -> None:
    gpt, texts = engine.model.gpt, [torch.tensor([261, 5 + i, 9, 0]) for i in range(4)]
    prefix = engine._loaded.voices.get(SPEAKER).prefix

    def start(cache: KVCache, row: int, text: torch.Tensor) -> Sequence:
        greedy = Sampling(greedy=True)
        sequence = Sequence(gpt, cache, row, greedy, torch.Generator(), max_tokens=12, fixed_length=True)
        sequence.start(prefix, text)
        sequence.prefill()
        return sequence

    cache = KVCache(gpt.arch, 4, 64, gpt.device)
    together = [start(cache, row, text) for row, text in enumerate(texts)]
    for _ in range(11):
        decode_one_token(gpt, together)
    for item, text in zip(together, texts, strict=True):
        alone = start(KVCache(gpt.arch, 1, 64, gpt.device), 0, text)
        for _ in range(11):
            decode_one_token(gpt, [alone])
        assert torch.equal(item.codes, alone.codes)
        assert torch.equal(item.latents, alone.latents)


# ---- stepping down ----------------------------------------------------------------------------------------------


def test_a_failed_self_test_loads_the_next_safer_precision(
    config: Config, cache: Path, broken: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    broken.add("int8")
    with caplog.at_level(logging.WARNING):
        engine = XttsEngine.load(int8_config(config, cache))
    assert engine.mode == "bf16"
    assert engine.note == "int8 failed its self-test: its latents agree with full precision only to 0.100"
    assert "loading bf16" in caplog.text
    broken.add("bf16")
    engine = XttsEngine.load(int8_config(config, cache))
    assert engine.mode == "none"
    assert engine.note.startswith("bf16 failed")


def break_gpt(engine: XttsEngine) -> None:
    with torch.no_grad():
        engine.model.gpt.code_position.weight.mul_(-30)


class Times(nn.Module):
    """Replaces the vocoder's last layer."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1] * self.factor


def break_vocoder(engine: XttsEngine) -> None:
    engine.model.vocoder.conv_post = Times(0)  # type: ignore[assignment]


def vocoder_nan(engine: XttsEngine) -> None:
    engine.model.vocoder.conv_post = Times(torch.nan)  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (poison, "NaN"),
        (break_gpt, "agree with full precision only"),
        (break_vocoder, "only silence"),
        (vocoder_nan, "NaN"),
    ],
)
def test_self_test_finds_a_broken_model(damage: Callable[[XttsEngine], None], says: str, engine: XttsEngine) -> None:
    self_test.self_test(engine.model, engine.sampling)
    damage(engine)
    with pytest.raises(Unfit, match=says):
        self_test.self_test(engine.model, engine.sampling)


def test_self_test_finds_a_loop(engine: XttsEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def same_code(sequence: Sequence, latent: torch.Tensor, _logits: torch.Tensor) -> None:
        sequence.codes[sequence.count], sequence.latents[sequence.count] = 7, latent
        sequence.count += 1

    monkeypatch.setattr(Sequence, "append", same_code)
    with pytest.raises(Unfit, match="repeats itself"):
        self_test.self_test(engine.model, engine.sampling)


def test_a_segment_with_nan_is_repeated_in_a_safer_precision(
    engine: XttsEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """Through the pipeline: the reply is complete, without the fallback voice."""
    engine.open(REQUEST).close()  # computes the voice's prefix before the damage
    reply = Reply(Choice(engine, REQUEST))
    poison(engine)
    with caplog.at_level(logging.WARNING):
        reply.start()
        reply.feed(TEXTS["short"])
        reply.finish()
        assert sum(chunk.seconds for chunk in reply) > 1
    assert reply.figures.error is None
    assert (reply.figures.retries, reply.figures.fallbacks) == (1, 0)
    assert engine.mode == "bf16"
    assert engine.note == "int8 failed: the model produced NaN or infinity"
    assert "loading bf16" in caplog.text


def test_nan_in_the_first_use_of_a_voice_costs_no_reply(engine: XttsEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(latents: torch.Tensor) -> torch.Tensor:
        return gpt.prefill(latents * torch.inf, KVCache(gpt.arch, 1, 64, gpt.device), 0, 0)

    gpt = engine.model.gpt
    monkeypatch.setattr(gpt, "prefix", overflow)
    assert len(np.concatenate(list(engine.open(REQUEST).say("Yes, it is on.")))) > 4096
    assert engine.mode == "bf16"


def test_nan_from_the_vocoder_is_never_heard(engine: XttsEngine) -> None:
    vocoder_nan(engine)
    with pytest.raises(EngineError, match="the model produced NaN or infinity"):
        list(engine.open(REQUEST).say("Yes, it is on."))
    engine.open(REQUEST)
    assert engine.model.vocoder.dtype == torch.float32


def test_nan_in_full_precision_is_an_error(config: Config, cache: Path) -> None:
    engine = XttsEngine.load(int8_config(config, cache, quantization="none", vocoder_precision="fp32"))
    poison(engine)
    with pytest.raises(EngineError, match="the model produced NaN or infinity"):
        list(engine.open(REQUEST).say("Yes, it is on."))
    with pytest.raises(EngineError, match="even in full precision"):
        engine.open(REQUEST)


def test_a_voice_with_nan_does_not_discredit_the_model(engine: XttsEngine) -> None:
    conditioning = engine.conditioning(SPEAKER)
    kept = conditioning.latents.clone()
    try:
        conditioning.latents[0, 0] = torch.nan
        with pytest.raises(EngineError, match=f"voice '{SPEAKER}' contains NaN"):
            engine.open(REQUEST)
    finally:
        conditioning.latents.copy_(kept)
    engine.open(REQUEST)
    assert engine.mode == "int8"


def test_loading_does_not_import_the_compiler_of_torch(config: Config, cache: Path) -> None:
    """It takes longer than reading the weights."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom wyoming_k2so.settings.config import *\n"
        "from wyoming_k2so.engines.xtts.engine import XttsEngine, XttsSettings\n"
        "folders = EngineConfig(cache_dir=Path(sys.argv[2]), data_dir=Path(sys.argv[2]))\n"
        "settings = XttsSettings(xtts_checkpoint=sys.argv[1], quantization='int8')\n"
        "XttsEngine.load(Config(engines=folders).with_group(settings))\n"
        "print(*(name for name in ('torch._dynamo', 'transformers', 'sympy') if name in sys.modules))\n"
    )
    command = [sys.executable, "-c", code, config.group(XttsSettings).xtts_checkpoint, str(cache)]
    result = subprocess.run(command, cwd=Path(__file__).parents[4], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []

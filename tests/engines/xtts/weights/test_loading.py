"""Which precision a model ends up in: as asked, or safer when it fails its test or a reply."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.engines.xtts.conftest import SPEAKER
from wyoming_k2so.bench.local import TEXTS
from wyoming_k2so.engine import EngineError, Request
from wyoming_k2so.engines.xtts.dev.synthetic import LANGUAGES
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.kernels import quant
from wyoming_k2so.engines.xtts.kernels.onednn import PackedLinear
from wyoming_k2so.engines.xtts.model.gpt import Gpt, KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.weights import loading
from wyoming_k2so.engines.xtts.weights.calibration import CalibrationTexts
from wyoming_k2so.engines.xtts.weights.loading import Unfit
from wyoming_k2so.engines.xtts.weights.weight_cache import Store
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.settings.config import Config
from wyoming_k2so.voices.catalog import Choice

REQUEST = Request(SPEAKER, "en", seed=1)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quantized")


@pytest.fixture(autouse=True)
def native_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the order of modes is the same on every machine."""
    monkeypatch.setattr(quant, "has_bf16", lambda: True)


def asking(config: Config, cache: Path, **settings: Any) -> Config:
    xtts = replace(config.group(XttsSettings), **{"quantization": "int8", "vocoder_precision": "auto", **settings})
    return replace(config, engines=replace(config.engines, cache_dir=cache)).with_group(xtts)


@pytest.fixture
def engine(config: Config, cache: Path) -> XttsEngine:
    return XttsEngine.load(asking(config, cache))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Modes whose models fail their self-test."""
    modes: set[str] = set()
    original = loading.agreement

    def agreement(gpt: Gpt, probe: dict[str, torch.Tensor]) -> float:
        weight = gpt.code_head
        kind = {quant.Int8Linear: "int8", PackedLinear: "bf16"}[type(weight)]
        return 0.1 if kind in modes else original(gpt, probe)

    monkeypatch.setattr(loading, "agreement", agreement)
    return modes


def poison(engine: XttsEngine) -> None:
    """Let the GPT make a NaN from now on."""
    with torch.no_grad():
        engine.model.gpt.text_position.weight[0] = torch.nan


def test_auto_is_int8_with_a_bf16_vocoder(config: Config, cache: Path) -> None:
    engine = XttsEngine.load(asking(config, cache, quantization="auto"))
    assert (engine.mode, engine.note) == ("int8", "")
    assert engine.model.vocoder.dtype == torch.bfloat16
    sound = np.concatenate(list(engine.open(REQUEST).say("Yes, it is on.")))
    assert len(sound) > 4096
    assert np.isfinite(sound).all()


def test_vocoder_precision_is_chosen_apart(config: Config, cache: Path) -> None:
    engine = XttsEngine.load(asking(config, cache, quantization="none", vocoder_precision="bf16"))
    assert (engine.mode, engine.model.vocoder.dtype) == ("none", torch.bfloat16)
    engine = XttsEngine.load(asking(config, cache, vocoder_precision="fp32"))
    assert (engine.mode, engine.model.vocoder.dtype) == ("int8", torch.float32)


def test_bf16_vocoder_sounds_like_the_float_one(engine: XttsEngine, config: Config, cache: Path) -> None:
    exact = XttsEngine.load(asking(config, cache, vocoder_precision="fp32"))
    sounds = [np.concatenate(list(e.open(REQUEST).say_exactly("Yes, it is on.", 20))) for e in (exact, engine)]
    assert np.sqrt(((sounds[0] - sounds[1]) ** 2).mean()) < 0.03 * np.sqrt((sounds[0] ** 2).mean())
    # 16 bits in the last layer would leave no more than 8 bits of sound.
    assert len(np.unique(sounds[1])) > len(sounds[1]) / 2


def test_refused_mode_loads_nothing(config: Config, cache: Path) -> None:
    with pytest.raises(EngineError, match="--quantization fp16.*use bf16 or int8"):
        XttsEngine.load(asking(config, cache, quantization="fp16"))


def test_converted_weights_are_kept(
    config: Config, cache: Path, engine: XttsEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(loading, "convert")
    again = XttsEngine.load(asking(config, cache))
    sounds = [list(e.open(REQUEST).say("Yes.")) for e in (engine, again)]
    assert np.array_equal(np.concatenate(sounds[0]), np.concatenate(sounds[1]))


@pytest.mark.parametrize("damage", ["cut", "changed", "other"])
def test_damaged_weights_are_made_again(
    damage: str, config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    XttsEngine.load(asking(config, tmp_path))
    (file,) = (tmp_path / "xtts-quantized").iterdir()
    data = file.read_bytes()
    changed = bytearray(data)
    changed[-5000] ^= 64
    file.write_bytes({"cut": data[: len(data) // 2], "changed": bytes(changed), "other": b"{}"}[damage])
    with caplog.at_level(logging.WARNING):
        assert XttsEngine.load(asking(config, tmp_path)).mode == "int8"
    assert "made again" in caplog.text
    assert file.read_bytes()[-10000:] == data[-10000:]
    assert len(file.read_bytes()) == len(data)


def test_weights_of_another_size_are_made_again(config: Config, tmp_path: Path) -> None:
    """The file is whole, but not of this architecture."""
    XttsEngine.load(asking(config, tmp_path))
    (file,) = (tmp_path / "xtts-quantized").iterdir()
    tensors = load_file(file)
    tensors["code_head.weight"] = tensors["code_head.weight"][:-1].contiguous()
    Store(file.parent, file.name.split("-")[0]).save("int8", tensors)
    assert XttsEngine.load(asking(config, tmp_path)).mode == "int8"
    assert load_file(file)["code_head.weight"].shape[0] == 1026


def test_nothing_can_be_kept(config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "xtts-quantized").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert XttsEngine.load(asking(config, tmp_path)).mode == "int8"
    assert "cannot be kept" in caplog.text


def test_own_text_calibrates_apart(config: Config, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("# mine\nGood night.\nde: Gute Nacht.\n\n", "utf-8")
    own = asking(config, tmp_path, quantization="int8-calibrated", calibrate=text)
    seen: dict[str, float] = {}
    engine = XttsEngine.load(own, seen.__setitem__)
    assert engine.mode == "int8-calibrated"
    assert seen == {"listening": 1.0, "converting": 1.0}
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


def test_several_rows_at_int8_say_what_they_say_alone(engine: XttsEngine) -> None:
    gpt, texts = engine.model.gpt, [torch.tensor([261, 5 + i, 9, 0]) for i in range(4)]
    prefix = engine._prepare(SPEAKER, engine.model).prefix

    def start(cache: KVCache, row: int, text: torch.Tensor) -> Sequence:
        decoding = Sequence(gpt, cache, row, Sampling(greedy=True), torch.Generator(), limit=12, exact=True)
        decoding.prefill(prefix, text)
        return decoding

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


# ---- the way back -----------------------------------------------------------------------------------------------


def test_next_safer_mode_loads_when_the_test_fails(
    config: Config, cache: Path, broken: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    broken.add("int8")
    with caplog.at_level(logging.WARNING):
        engine = XttsEngine.load(asking(config, cache))
    assert engine.mode == "bf16"
    assert engine.note == "int8 failed its self-test: its latents agree with full precision only to 0.100"
    assert "loading bf16" in caplog.text
    broken.add("bf16")
    engine = XttsEngine.load(asking(config, cache))
    assert engine.mode == "none"
    assert engine.note.startswith("bf16 failed")


def break_gpt(engine: XttsEngine) -> None:
    with torch.no_grad():
        engine.model.gpt.code_position.weight.mul_(-30)


class Times(nn.Module):
    """Stands for the vocoder's last layer."""

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
        (poison, "no numbers"),
        (break_gpt, "agree with full precision only"),
        (break_vocoder, "silence"),
        (vocoder_nan, "no numbers"),
    ],
)
def test_self_test_finds(damage: Callable[[XttsEngine], None], says: str, engine: XttsEngine) -> None:
    loading.self_test(engine.model, engine.sampling)
    damage(engine)
    with pytest.raises(Unfit, match=says):
        loading.self_test(engine.model, engine.sampling)


def test_self_test_finds_a_loop(engine: XttsEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def same_code(decoding: Sequence, latent: torch.Tensor, _logits: torch.Tensor) -> None:
        decoding.codes[decoding.count], decoding.latents[decoding.count] = 7, latent
        decoding.count += 1

    monkeypatch.setattr(Sequence, "accept", same_code)
    with pytest.raises(Unfit, match="repeats itself"):
        loading.self_test(engine.model, engine.sampling)


def test_nan_in_a_reply_is_spoken_again_in_a_safer_mode(engine: XttsEngine, caplog: pytest.LogCaptureFixture) -> None:
    """Through the pipeline: the reply is whole, and no other voice speaks."""
    engine.open(REQUEST).close()  # the voice's prefix is made before the damage
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
    assert engine.note == "int8 failed: it computed values that are no numbers"
    assert "loading bf16" in caplog.text


def test_nan_in_a_voice_s_first_use_costs_no_reply(engine: XttsEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(latents: torch.Tensor) -> torch.Tensor:
        return gpt.prefill(latents * torch.inf, KVCache(gpt.arch, 1, 64, gpt.device), 0, 0)

    gpt = engine.model.gpt
    monkeypatch.setattr(gpt, "prefix", overflow)
    assert len(np.concatenate(list(engine.open(REQUEST).say("Yes, it is on.")))) > 4096
    assert engine.mode == "bf16"


def test_nan_from_the_vocoder_never_leaves(engine: XttsEngine) -> None:
    vocoder_nan(engine)
    with pytest.raises(EngineError, match="no numbers"):
        list(engine.open(REQUEST).say("Yes, it is on."))
    engine.open(REQUEST)
    assert engine.model.vocoder.dtype == torch.float32


def test_full_precision_that_fails_says_so(config: Config, cache: Path) -> None:
    engine = XttsEngine.load(asking(config, cache, quantization="none", vocoder_precision="fp32"))
    poison(engine)
    with pytest.raises(EngineError, match="no numbers"):
        list(engine.open(REQUEST).say("Yes, it is on."))
    with pytest.raises(EngineError, match="even in full precision"):
        engine.open(REQUEST)


def test_a_voice_of_nan_does_not_count_against_the_model(engine: XttsEngine) -> None:
    conditioning = engine.conditioning(SPEAKER)
    kept = conditioning.latents.clone()
    try:
        conditioning.latents[0, 0] = torch.nan
        with pytest.raises(EngineError, match=f"The voice '{SPEAKER}'"):
            engine.open(REQUEST)
    finally:
        conditioning.latents.copy_(kept)
    engine.open(REQUEST)
    assert engine.mode == "int8"


def test_loading_does_not_import_torch_s_compiler(config: Config, cache: Path) -> None:
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

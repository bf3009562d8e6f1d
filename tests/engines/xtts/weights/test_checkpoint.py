"""Checkpoints in the official format and its variants load; broken ones raise a clear error."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig
from TTS.tts.models import xtts

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.model.architecture import Architecture
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.model.torch_gpt import TorchGpt, load_gpt
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.weights import memory
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint, load_tensors
from wyoming_k2so.settings.config import Config


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A checkpoint folder that may be broken."""
    target = tmp_path / "checkpoint"
    shutil.copytree(folder, target)
    return target


def edit(path: Path, **changes: object) -> None:
    config = json.loads(path.read_text())
    config["model_args"].update(changes)
    path.write_text(json.dumps(config))


def rewrite(folder: Path, change: Callable[[Any], Any]) -> None:
    """Replace model.pth by what `change` makes of its state dict."""
    state = torch.load(folder / "model.pth", weights_only=True)["model"]
    torch.save(change(state), folder / "model.pth")


def same(one: TorchGpt, other: TorchGpt) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_reads_configuration_and_speakers(checkpoint: Checkpoint) -> None:
    arch = checkpoint.architecture
    assert (arch.gpt_layers, arch.gpt_n_model_channels, arch.gpt_num_audio_tokens) == (2, 64, 1026)
    assert arch.max_new_tokens == 602
    assert checkpoint.defaults.repetition_penalty == 5.0
    assert len(checkpoint.languages) == 17
    latents, embedding = checkpoint.speakers()["Claribel Dervla"]
    assert latents.shape == (32, 64)
    assert embedding.shape == (512, 1)


def test_weights_equal_those_of_the_file(checkpoint: Checkpoint, gpt: TorchGpt) -> None:
    state = torch.load(checkpoint.folder / "model.pth", weights_only=True)["model"]
    assert torch.equal(gpt.get_parameter("blocks.1.down.weight"), state["gpt.gpt.h.1.mlp.c_proj.weight"].t())
    assert torch.equal(gpt.code_head.weight, state["gpt.mel_head.weight"])
    assert gpt.get_parameter("blocks.0.qkv.weight").is_contiguous()


def test_trainer_checkpoint_loads(copy: Path, gpt: TorchGpt, tokenizer: TextTokenizer) -> None:
    """A fine-tuning run's best_model.pth: prefixed names, an optimizer, encoders of its own, half precision."""

    def as_trainer(state: dict[str, torch.Tensor]) -> dict[str, object]:
        model = {f"xtts.{name}": value for name, value in state.items()}
        model["dvae.codebook.embed"] = torch.zeros(8)
        return {"config": {}, "model": model, "optimizer": {"state": {}}, "step": 7}

    rewrite(copy, as_trainer)
    checkpoint = Checkpoint(copy)
    assert same(load_gpt(checkpoint.weights(), checkpoint.architecture, tokenizer.size), gpt)


def test_bare_state_dict_loads(copy: Path, gpt: TorchGpt, tokenizer: TextTokenizer) -> None:
    rewrite(copy, lambda state: state)
    checkpoint = Checkpoint(copy)
    assert same(load_gpt(checkpoint.weights(), checkpoint.architecture, tokenizer.size), gpt)


@pytest.mark.parametrize("module", ["TTS.tts.configs.xtts_config", "TTS.tts.models.xtts"])
def test_original_file_with_configuration_objects_loads(
    module: str, copy: Path, gpt: TorchGpt, tokenizer: TextTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first official files hold pickled XttsConfig objects, partly under their old module."""
    for kind in (XttsArgs, XttsAudioConfig, XttsConfig):
        monkeypatch.setattr(kind, "__module__", module)
        monkeypatch.setattr(xtts, kind.__name__, kind)
    rewrite(copy, lambda state: {"config": XttsConfig(), "model": state})
    checkpoint = Checkpoint(copy)
    assert same(load_gpt(checkpoint.weights(), checkpoint.architecture, tokenizer.size), gpt)


def test_a_file_cannot_run_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "owned",)  # type: ignore[return-value]

    torch.save({"model": Evil()}, tmp_path / "model.pth", pickle_module=pickle)
    with pytest.raises(EngineError, match="not safe to load"):
        load_tensors(tmp_path / "model.pth")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", ["config.json", "model.pth", "vocab.json"])
def test_missing_file(name: str, copy: Path, config: Config) -> None:
    (copy / name).unlink()
    with pytest.raises(EngineError, match=f"has no {name}"):
        load(copy, config)


@pytest.mark.parametrize("name", ["model.pth", "speakers_xtts.pth"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_truncated_file(name: str, share: float, copy: Path, config: Config) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(EngineError, match=f"{re.escape(name)} is truncated or damaged; download it again"):
        load(copy, config)


@pytest.mark.parametrize("content", ["", "[]", '{"model": "vits"}', "\0"])
def test_damaged_config(content: str, copy: Path, config: Config) -> None:
    (copy / "config.json").write_text(content)
    with pytest.raises(EngineError, match=r"config\.json"):
        load(copy, config)


def test_config_of_another_type(copy: Path, config: Config) -> None:
    edit(copy / "config.json", gpt_layers="many")
    with pytest.raises(EngineError, match=r"'gpt_layers' in .* is 'many'"):
        load(copy, config)


def test_wrong_shape(copy: Path, config: Config) -> None:
    edit(copy / "config.json", gpt_n_model_channels=128)
    with pytest.raises(EngineError, match=r"has shape .*, but config\.json requires"):
        load(copy, config)


def test_missing_weight(copy: Path, config: Config) -> None:
    edit(copy / "config.json", gpt_layers=3)
    with pytest.raises(EngineError, match=r"has no weight 'gpt\.gpt\.h\.2\.ln_1\.weight'"):
        load(copy, config)


def test_version_one(copy: Path, config: Config) -> None:
    edit(copy / "config.json", gpt_use_perceiver_resampler=False)
    with pytest.raises(EngineError, match="XTTS v1"):
        load(copy, config)


def test_no_weights_in_the_file(copy: Path, config: Config) -> None:
    torch.save({"model": {"step": 1}}, copy / "model.pth")
    with pytest.raises(EngineError, match="holds no weights"):
        load(copy, config)


def test_no_voice(copy: Path, config: Config) -> None:
    (copy / "speakers_xtts.pth").unlink()
    with pytest.raises(EngineError, match="has no speakers"):
        load(copy, config)


def test_no_such_folder(tmp_path: Path, config: Config) -> None:
    with pytest.raises(EngineError, match="no checkpoint folder"):
        load(tmp_path / "nowhere" / "at" / "all", config)


def test_too_little_memory(folder: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 100_000_000)
    with pytest.raises(EngineError, match=r"XTTS needs .* GB of memory, but only 0\.1 GB is free"):
        load(folder, config)


def test_free_memory_of_machine_and_container(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   2000 kB\n")
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert memory._container(tmp_path) == 4000
    (tmp_path / "memory.stat").write_text("anon 400\ninactive_file 300\nactive_file 100\n")
    assert memory._machine(tmp_path / "meminfo") == 2_048_000
    assert memory._container(tmp_path) == 4300
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._container(tmp_path) is None
    assert memory._machine(tmp_path / "absent") is None


def test_full_size_needs_as_much_memory_as_its_weights() -> None:
    arch = Architecture(gpt_num_audio_tokens=1026)
    assert 1.5e9 < arch.weight_bytes(6681) < 1.7e9


def test_cuda_without_a_device(folder: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineError, match="use --device cpu"):
        XttsEngine.load(
            config.with_group(replace(config.group(XttsSettings), xtts_checkpoint=str(folder), device="cuda"))
        )


def test_fingerprint_follows_the_content(copy: Path, checkpoint: Checkpoint) -> None:
    assert Checkpoint(copy).fingerprint() == checkpoint.fingerprint()

    def changed(state: dict[str, torch.Tensor]) -> dict[str, object]:
        state["gpt.mel_head.bias"][3] += 1
        return {"model": state}

    rewrite(copy, changed)
    assert Checkpoint(copy).fingerprint() != checkpoint.fingerprint()


def load(folder: Path, config: Config) -> None:
    XttsEngine.load(config.with_group(replace(config.group(XttsSettings), xtts_checkpoint=str(folder))))

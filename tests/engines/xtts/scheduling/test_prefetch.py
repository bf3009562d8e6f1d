"""Prefetching the next segment: it sounds the same, delays nobody and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.xtts.support.speaking import NO_GUARDRAILS, REQUEST, free_rows, int8_config, with_settings
from wyoming_k2so.engine import EngineError, Samples
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.kernels.finite import NotFinite
from wyoming_k2so.engines.xtts.model.torch_gpt import TorchGpt
from wyoming_k2so.engines.xtts.scheduling import scheduler, sequence
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence
from wyoming_k2so.engines.xtts.utterance import XttsUtterance
from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.settings.config import Config, StreamConfig
from wyoming_k2so.voices.catalog import Choice

TEXTS = [
    "The light in the kitchen is on, and so is the one in the hall.",
    "It is raining, so take a coat.",
    "Dinner is at seven o'clock this evening.",
]


@pytest.fixture(scope="module", params=["none", "int8"])
def engine(request: pytest.FixtureRequest, config: Config, tmp_path_factory: pytest.TempPathFactory) -> XttsEngine:
    cache = tmp_path_factory.mktemp("cache")
    loaded = XttsEngine.load(int8_config(config, cache, quantization=request.param, vocoder_precision="fp32"))
    return with_settings(loaded, **NO_GUARDRAILS | {"token_budget": True})


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The rows of each step."""
    seen: list[list[int]] = []
    original = sequence.decode_one_token

    def remembered(gpt: TorchGpt, sequences: list[Sequence]) -> None:
        seen.append([item.row for item in sequences])
        original(gpt, sequences)

    monkeypatch.setattr(scheduler, "decode_one_token", remembered)
    return seen


def say(utterance: XttsUtterance, text: str, following: str | None) -> Iterator[Samples]:
    """Like the pipeline, announce the next segment while one is being spoken."""
    for piece in utterance.say(text):
        yield piece
        if following is not None:
            utterance.expect(following)


def speak(engine: XttsEngine, *, prefetch: bool, speed: float = 1.0) -> list[Samples]:
    utterance = engine.open(replace(REQUEST, speed=speed))
    pairs = [*pairwise(TEXTS), (TEXTS[-1], None)]
    sounds = [np.concatenate(list(say(utterance, text, following if prefetch else None))) for text, following in pairs]
    utterance.close()
    assert free_rows(engine._loaded.scheduler) == 8
    return sounds


@pytest.mark.parametrize("speed", [1.0, 1.25])
@pytest.mark.parametrize("greedy", [False, True])
def test_prefetching_sounds_the_same_in_fewer_steps(
    engine: XttsEngine, greedy: bool, speed: float, steps: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "_SLACK_S", -60.0)
    engine = with_settings(engine, greedy=greedy)
    alone = speak(engine, prefetch=False, speed=speed)
    count = len(steps)
    together = speak(engine, prefetch=True, speed=speed)
    for expected, sound in zip(alone, together, strict=True):
        if engine.mode == "int8":
            assert np.array_equal(sound, expected)
        else:
            assert len(sound) == len(expected)
            assert np.abs(sound - expected).max() <= 1e-4
    assert len(steps) - count < 0.9 * count
    assert max(len(rows) for rows in steps) == 2, "only one segment is prefetched"


def test_prefetching_does_not_change_the_sizes_of_pieces(engine: XttsEngine) -> None:
    """So that the first one comes as early, although all codes may be there."""
    utterance = engine.open(REQUEST)
    list(say(utterance, TEXTS[0], TEXTS[1]))
    sizes = [len(piece) for piece in utterance.say(TEXTS[1]) if len(piece)]
    assert sizes == [len(piece) for piece in engine.open(REQUEST).say(TEXTS[1]) if len(piece)]


def test_nothing_is_prefetched_before_the_first_sound(engine: XttsEngine, steps: list[list[int]]) -> None:
    utterance = engine.open(REQUEST)
    utterance.expect(TEXTS[1])
    for piece in utterance.say(TEXTS[0]):
        if len(piece):
            break
    assert len(steps) > 3
    assert {len(rows) for rows in steps} == {1}


def test_closing_frees_both_rows(engine: XttsEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "_SLACK_S", -60.0)  # prefetch on a busy machine, too
    utterance = engine.open(REQUEST)
    sound = say(utterance, TEXTS[0], TEXTS[1])
    for _ in sound:
        if free_rows(engine._loaded.scheduler) == 6:
            break
    assert free_rows(engine._loaded.scheduler) == 6
    sound.close()  # type: ignore[attr-defined]
    utterance.close()
    assert free_rows(engine._loaded.scheduler) == 8
    utterance.expect(TEXTS[2])
    with pytest.raises(EngineError, match="utterance is closed"):
        list(utterance.say(TEXTS[1]))


def test_another_segment_than_announced_is_spoken(engine: XttsEngine) -> None:
    utterance = engine.open(REQUEST)
    list(say(utterance, TEXTS[0], TEXTS[1]))
    sound = np.concatenate(list(utterance.say(TEXTS[2])))
    assert np.abs(sound - np.concatenate(list(engine.open(REQUEST).say(TEXTS[2])))).max() <= 1e-4
    utterance.expect("?!")
    assert free_rows(engine._loaded.scheduler) == 8
    utterance.close()


@pytest.mark.parametrize("where", ["prefill", "token"])
def test_nan_while_prefetching_does_not_affect_the_present_segment(
    engine: XttsEngine, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = speak(engine, prefetch=False)[:2]
    utterance = engine.open(REQUEST)
    original, prefill = sequence.decode_one_token, Sequence.prefill

    def step(gpt: TorchGpt, sequences: list[Sequence]) -> None:
        if where == "token" and len(sequences) > 1:
            raise NotFinite
        original(gpt, sequences)

    def prefill_alone(item: Sequence, count: int | None = None) -> None:
        if where == "prefill" and free_rows(engine._loaded.scheduler) < 7:
            raise NotFinite
        prefill(item, count)

    monkeypatch.setattr(scheduler, "decode_one_token", step)
    monkeypatch.setattr(Sequence, "prefill", prefill_alone)
    sounds = [np.concatenate(list(say(utterance, TEXTS[0], TEXTS[1]))), np.concatenate(list(utterance.say(TEXTS[1])))]
    for sound, alone in zip(sounds, expected, strict=True):
        assert np.abs(sound - alone).max() <= 1e-4
    assert engine._failure is None
    utterance.close()
    assert free_rows(engine._loaded.scheduler) == 8


def test_the_pipeline_announces_the_next_segment(
    engine: XttsEngine, steps: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def speak_text() -> NDArray[np.int16]:
        reply = Reply(Choice(engine, REQUEST), stream=StreamConfig(early_clause=False, prebuffer=0))
        reply.start()
        reply.feed(" ".join(TEXTS))
        reply.finish()
        return np.frombuffer(b"".join(chunk.audio for chunk in reply), "<i2")

    together = speak_text()
    assert max(len(rows) for rows in steps) == 2
    monkeypatch.setattr(XttsUtterance, "expect", lambda *_: None)
    steps.clear()
    alone = speak_text()
    assert max(len(rows) for rows in steps) == 1
    assert len(together) == len(alone)
    assert np.abs(together.astype(int) - alone).max() <= (0 if engine.mode == "int8" else 4)

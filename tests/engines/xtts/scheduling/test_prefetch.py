"""What will be said next is decoded along: it sounds the same, makes nobody late and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.xtts.test_engine import RAW, REQUEST, with_settings
from tests.engines.xtts.weights.test_loading import asking
from wyoming_k2so.engine import EngineError, Samples
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.kernels import quant
from wyoming_k2so.engines.xtts.model.gpt import TorchGpt
from wyoming_k2so.engines.xtts.scheduling import scheduler as batches
from wyoming_k2so.engines.xtts.scheduling import sequence
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
    loaded = XttsEngine.load(asking(config, cache, quantization=request.param, vocoder_precision="fp32"))
    return with_settings(loaded, **RAW | {"token_budget": True})


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The rows of each step."""
    seen: list[list[int]] = []
    original = sequence.decode_one_token

    def remembered(gpt: TorchGpt, decodings: list[Sequence]) -> None:
        seen.append([decoding.row for decoding in decodings])
        original(gpt, decodings)

    monkeypatch.setattr(batches, "decode_one_token", remembered)
    return seen


def say(said: XttsUtterance, text: str, following: str | None) -> Iterator[Samples]:
    """As the pipeline does: it knows the next segment while one is being said."""
    for piece in said.say(text):
        yield piece
        if following is not None:
            said.expect(following)


def speak(engine: XttsEngine, *, ahead: bool, speed: float = 1.0) -> list[Samples]:
    said = engine.open(replace(REQUEST, speed=speed))
    pairs = [*pairwise(TEXTS), (TEXTS[-1], None)]
    sounds = [np.concatenate(list(say(said, text, following if ahead else None))) for text, following in pairs]
    said.close()
    assert engine.batch.free == 8
    return sounds


@pytest.mark.parametrize("speed", [1.0, 1.25])
@pytest.mark.parametrize("greedy", [False, True])
def test_sounds_the_same_in_fewer_steps(
    engine: XttsEngine, greedy: bool, speed: float, steps: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_LEISURE_S", -60.0)
    engine = with_settings(engine, greedy=greedy)
    alone = speak(engine, ahead=False, speed=speed)
    count = len(steps)
    together = speak(engine, ahead=True, speed=speed)
    for expected, sound in zip(alone, together, strict=True):
        if engine.mode == "int8":
            assert np.array_equal(sound, expected)
        else:
            assert len(sound) == len(expected)
            assert np.abs(sound - expected).max() <= 1e-4
    assert len(steps) - count < 0.9 * count
    assert max(len(rows) for rows in steps) == 2, "one segment ahead and no more"


def test_pieces_of_sound_have_the_same_sizes(engine: XttsEngine) -> None:
    """So that the first one comes as soon, though all codes may be there."""
    said = engine.open(REQUEST)
    list(say(said, TEXTS[0], TEXTS[1]))
    sizes = [len(piece) for piece in said.say(TEXTS[1]) if len(piece)]
    assert sizes == [len(piece) for piece in engine.open(REQUEST).say(TEXTS[1]) if len(piece)]


def test_first_sound_is_made_alone(engine: XttsEngine, steps: list[list[int]]) -> None:
    said = engine.open(REQUEST)
    said.expect(TEXTS[1])
    for piece in said.say(TEXTS[0]):
        if len(piece):
            break
    assert len(steps) > 3
    assert {len(rows) for rows in steps} == {1}


def test_closing_gives_both_rows_back(engine: XttsEngine) -> None:
    said = engine.open(REQUEST)
    sound = say(said, TEXTS[0], TEXTS[1])
    for _ in sound:
        if engine.batch.free == 6:
            break
    assert engine.batch.free == 6
    sound.close()  # type: ignore[attr-defined]
    said.close()
    assert engine.batch.free == 8
    said.expect(TEXTS[2])
    with pytest.raises(EngineError, match="over"):
        list(said.say(TEXTS[1]))


def test_what_comes_otherwise_than_expected_is_said_all_the_same(engine: XttsEngine) -> None:
    said = engine.open(REQUEST)
    list(say(said, TEXTS[0], TEXTS[1]))
    sound = np.concatenate(list(said.say(TEXTS[2])))
    assert np.abs(sound - np.concatenate(list(engine.open(REQUEST).say(TEXTS[2])))).max() <= 1e-4
    said.expect("?!")
    assert engine.batch.free == 8
    said.close()


@pytest.mark.parametrize("where", ["text", "token"])
def test_fault_ahead_is_not_heard_in_the_segment_before(
    engine: XttsEngine, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = speak(engine, ahead=False)[:2]
    said = engine.open(REQUEST)
    original, read = sequence.decode_one_token, Sequence.read

    def step(gpt: TorchGpt, decodings: list[Sequence]) -> None:
        if where == "token" and len(decodings) > 1:
            raise quant.NotANumber
        original(gpt, decodings)

    def read_alone(decoding: Sequence, count: int) -> None:
        if where == "text" and engine.batch.free < 7:
            raise quant.NotANumber
        read(decoding, count)

    monkeypatch.setattr(batches, "decode_one_token", step)
    monkeypatch.setattr(Sequence, "read", read_alone)
    sounds = [np.concatenate(list(say(said, TEXTS[0], TEXTS[1]))), np.concatenate(list(said.say(TEXTS[1])))]
    for sound, alone in zip(sounds, expected, strict=True):
        assert np.abs(sound - alone).max() <= 1e-4
    assert engine._failure is None
    said.close()
    assert engine.batch.free == 8


def test_pipeline_tells_what_comes_next(
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

"""Utterances that share steps: what each says, how the turns go, and that nothing is left behind."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engines.xtts.conftest import SPEAKER
from tests.engines.xtts.weights.test_loading import asking
from wyoming_k2so.engine import EngineError, Request, Samples
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.kernels import quant
from wyoming_k2so.engines.xtts.model.gpt import KVCache, TorchGpt
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.scheduling import scheduler as batches
from wyoming_k2so.engines.xtts.scheduling import sequence
from wyoming_k2so.engines.xtts.scheduling.scheduler import Abandoned, Scheduler
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence
from wyoming_k2so.settings.config import Config

TEXTS = ["The light is on.", "It is raining, so take a coat.", "Yes.", "Dinner is at seven.", "Who is there?"]


@pytest.fixture(scope="module", params=["none", "int8"])
def speaking(request: pytest.FixtureRequest, config: Config, tmp_path_factory: pytest.TempPathFactory) -> XttsEngine:
    cache = tmp_path_factory.mktemp("cache")
    return XttsEngine.load(asking(config, cache, quantization=request.param, vocoder_precision="fp32"))


def say(engine: XttsEngine, text: str) -> Samples:
    with_seed = Request(SPEAKER, "en", seed=5)
    return np.concatenate(list(engine.open(with_seed).say_exactly(text, 40)))


@pytest.fixture
def make(gpt: TorchGpt) -> batches.Make:
    """A decoding of a text of 40 tokens."""

    def decoding(cache: KVCache, row: int) -> Sequence:
        made = Sequence(gpt, cache, row, Sampling(greedy=True), torch.Generator(), limit=20, exact=True)
        made.begin(prefix, torch.arange(40))
        return made

    prefix = gpt.prefix(torch.randn(8, gpt.arch.gpt_n_model_channels))
    return decoding


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of each step."""
    seen: list[int] = []
    original = sequence.decode_one_token

    def counted(gpt: TorchGpt, decodings: list[Sequence]) -> None:
        seen.append(len(decodings))
        original(gpt, decodings)

    monkeypatch.setattr(batches, "decode_one_token", counted)
    return seen


def test_replies_at_once_sound_as_alone(speaking: XttsEngine, sizes: list[int]) -> None:
    alone = [say(speaking, text) for text in TEXTS]
    steps = len(sizes)
    together: dict[str, Samples] = {}
    threads = [
        threading.Thread(target=lambda text=text: together.update({text: say(speaking, text)})) for text in TEXTS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for text, samples in zip(TEXTS, alone, strict=True):
        if speaking.mode == "int8":
            assert np.array_equal(together[text], samples)
        else:
            assert np.abs(together[text] - samples).max() < 1e-4
    assert max(sizes) > 1
    assert len(sizes) - steps < steps, "steps were shared"
    assert speaking.batch.free == 8
    assert not speaking.batch._expected


def test_who_has_the_least_sound_left_goes_first(gpt: TorchGpt) -> None:
    batch, order = Scheduler(gpt, 3, 64), list[float]()
    cache = KVCache(gpt.arch, 1, 64, gpt.device)

    def decoding(deadline: float) -> Sequence:
        made = Sequence(gpt, cache, 0, Sampling(), torch.Generator(), limit=4)
        made.deadline = deadline
        return made

    def take(deadline: float) -> None:
        with batch.alone(decoding(deadline)):
            order.append(deadline)

    threads = [threading.Thread(target=take, args=(deadline,)) for deadline in (3.0, 1.0, 2.0)]
    with batch.alone(decoding(0.0)):
        for thread in threads:
            thread.start()
        while len(batch._turns) < 3:
            time.sleep(0.001)
    for thread in threads:
        thread.join(10)
    assert order == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("what", ["turn", "token"])
def test_who_is_abandoned_waits_no_longer(what: str, gpt: TorchGpt, make: batches.Make) -> None:
    batch, raised = Scheduler(gpt, 2, 64), threading.Event()
    speaking, left = batch.begin(make), batch.begin(make)

    def wait() -> None:
        with pytest.raises(Abandoned):
            (batch.advance if what == "token" else batch.read)(left)
        batch.end(left)
        raised.set()

    thread = threading.Thread(target=wait)
    with batch.alone(speaking):
        thread.start()
        while not (batch._turns or batch._tokens):
            time.sleep(0.001)
        batch.abandon(left)
        assert raised.wait(10), "although another one is computing"
    thread.join(10)
    assert batch.free == 1
    batch.read(speaking)
    batch.advance(speaking)
    assert speaking.count == 2


def test_an_utterance_that_is_interrupted_gives_its_row_back(speaking: XttsEngine) -> None:
    utterance = speaking.open(Request(SPEAKER, "en", seed=5))
    sounds = utterance.say(TEXTS[1])
    next(sounds)
    assert speaking.batch.free == 7
    utterance.interrupt()
    with pytest.raises(Abandoned):
        list(sounds)
    assert speaking.batch.free == 8
    with pytest.raises(EngineError, match="over"):
        next(utterance.say(TEXTS[0]))


def test_rows_are_given_back_and_waited_for(gpt: TorchGpt, make: batches.Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_ROW_PATIENCE_S", 0.05)
    batch = Scheduler(gpt, 1, 64)
    decoding = batch.begin(make)
    assert (decoding.row, batch.free) == (0, 0)
    with pytest.raises(EngineError, match="--max-streams"):
        batch.begin(make)
    batch.end(decoding)
    batch.end(decoding)
    assert batch.free == 1
    batch.begin(make)


def test_row_of_what_is_said_later_goes_to_who_speaks_now(gpt: TorchGpt, make: batches.Make) -> None:
    batch = Scheduler(gpt, 3, 64)
    first, second = batch.begin_ahead(make), batch.begin_ahead(make)
    assert first is not None
    assert second is not None
    batch.begin(make).deadline = time.monotonic() + 60
    assert batch.begin_ahead(make) is None, "no row is free"
    assert batch.begin(make).row == second.row
    assert not batch.keep(second)
    assert batch.keep(first)
    batch.end(second)
    assert batch.free == 0, "a row that was lost is another's"
    batch.end(first)
    assert batch.free == 1


def test_work_ahead_waits_while_somebody_is_in_a_hurry(gpt: TorchGpt, make: batches.Make, sizes: list[int]) -> None:
    batch = Scheduler(gpt, 4, 96)
    speaking, ahead = batch.begin(make), batch.begin_ahead(make)
    assert ahead is None, "a reply without sound is in a hurry"
    speaking.deadline = time.monotonic() + 60
    ahead = batch.begin_ahead(make)
    assert ahead is not None
    batch.read(speaking)
    speaking.deadline = time.monotonic() + 0.1
    batch.read_ahead(ahead, speaking)
    assert ahead.unread == 41
    batch.advance(speaking, ahead)
    speaking.deadline = time.monotonic() + 60
    batch.read_ahead(ahead, speaking)
    batch.read_ahead(ahead, speaking)
    batch.advance(speaking, ahead)
    assert sizes == [1, 2]
    assert (speaking.count, ahead.count) == (3, 2)


def test_text_is_read_in_turns_while_others_speak(
    gpt: TorchGpt, make: batches.Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = Sequence.read

    def remembered(decoding: Sequence, count: int) -> None:
        read.append(count)
        original(decoding, count)

    monkeypatch.setattr(Sequence, "read", remembered)
    batch = Scheduler(gpt, 4, 96)
    batch.read(batch.begin(make))
    batch.read(batch.begin(make))
    assert read == [41, 32, 32]


def test_who_needs_sound_goes_between_the_pieces_of_a_text(
    gpt: TorchGpt, make: batches.Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, order = Scheduler(gpt, 2, 96), list[str]()
    speaking, newcomer = batch.begin(make), batch.begin(make)
    batch.read(speaking)
    speaking.deadline, newcomer.deadline = 1.0, 2.0
    original = Sequence.read
    threads = [threading.Thread(target=batch.advance, args=(speaking,))]

    def read(decoding: Sequence, count: int) -> None:
        if not order:
            threads[0].start()
            while not batch._tokens:
                time.sleep(0.001)
        order.append("piece")
        original(decoding, count)

    monkeypatch.setattr(Sequence, "read", read)
    monkeypatch.setattr(batches, "decode_one_token", lambda *_: order.append("token"))
    batch.read(newcomer)
    threads[0].join(10)
    assert order == ["piece", "token", "piece"]


def test_fault_of_what_is_said_later_spoils_nothing(
    gpt: TorchGpt, make: batches.Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = sequence.decode_one_token

    def broken(gpt: TorchGpt, decodings: list[Sequence]) -> None:
        if ahead in decodings:
            raise quant.NotANumber
        original(gpt, decodings)

    monkeypatch.setattr(batches, "decode_one_token", broken)
    batch = Scheduler(gpt, 2, 96)
    speaking = batch.begin(make)
    speaking.deadline = time.monotonic() + 60
    ahead = batch.begin_ahead(make)
    assert ahead is not None
    batch.read(speaking)
    batch.advance(speaking, ahead)
    assert speaking.count == 2
    assert batch.free == 1
    assert not batch.keep(ahead)


def test_step_waits_once_for_who_does_not_come(gpt: TorchGpt, make: batches.Make) -> None:
    """A reply whose reader is slow asks for nothing."""
    batch = Scheduler(gpt, 2, 96)
    paused, speaking = batch.begin(make), batch.begin(make)
    for decoding in (paused, speaking):
        batch.read(decoding)
    batch.advance(paused)
    batch.advance(speaking)
    assert batch._expected == {speaking}


def test_reply_that_is_dropped_holds_up_nobody(speaking: XttsEngine) -> None:
    dropped = speaking.open(Request(SPEAKER, "en", seed=1)).say_exactly("I will be cut off.", 60)
    next(dropped)
    assert len(say(speaking, "Yes.")) > 4096
    dropped.close()
    assert speaking.batch.free == 8
    assert len(say(speaking, "Yes.")) > 4096


def test_fault_in_a_step_is_told_to_all_that_shared_it(gpt: TorchGpt, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_gpt: TorchGpt, _decodings: list[Sequence]) -> None:
        raise quant.NotANumber

    monkeypatch.setattr(batches, "decode_one_token", broken)
    batch, raised = Scheduler(gpt, 2, 64), list[Tensor | str]()
    cache = KVCache(gpt.arch, 2, 64, gpt.device)

    def ask(row: int) -> None:
        with pytest.raises(quant.NotANumber):
            batch.advance(Sequence(gpt, cache, row, Sampling(), torch.Generator(), limit=4))
        raised.append(str(row))

    threads = [threading.Thread(target=ask, args=(row,)) for row in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(map(str, raised)) == ["0", "1"]

"""Replies that share steps: what each says, who goes first, and that nothing is left behind."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engines.xtts.support.speaking import SPEAKER, free_rows, int8_config
from wyoming_k2so.engine import EngineError, Request, Samples
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.kernels.finite import NotFinite
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.torch_gpt import TorchGpt
from wyoming_k2so.engines.xtts.scheduling import scheduler as scheduling
from wyoming_k2so.engines.xtts.scheduling import sequence
from wyoming_k2so.engines.xtts.scheduling.scheduler import Aborted, NewSequence, Scheduler
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence
from wyoming_k2so.settings.config import Config

TEXTS = ["The light is on.", "It is raining, so take a coat.", "Yes.", "Dinner is at seven.", "Who is there?"]


@pytest.fixture(scope="module", params=["none", "int8"])
def engine(request: pytest.FixtureRequest, config: Config, tmp_path_factory: pytest.TempPathFactory) -> XttsEngine:
    cache = tmp_path_factory.mktemp("cache")
    return XttsEngine.load(int8_config(config, cache, quantization=request.param, vocoder_precision="fp32"))


def say(engine: XttsEngine, text: str) -> Samples:
    with_seed = Request(SPEAKER, "en", seed=5)
    return np.concatenate(list(engine.open(with_seed).say_exactly(text, 40)))


@pytest.fixture
def new(gpt: TorchGpt) -> NewSequence:
    """Makes sequences with a prompt of 40 text tokens."""

    def new_sequence(cache: KVCache, row: int) -> Sequence:
        greedy = Sampling(greedy=True)
        made = Sequence(gpt, cache, row, greedy, torch.Generator(), max_tokens=20, fixed_length=True)
        made.start(prefix, torch.arange(40))
        return made

    prefix = gpt.prefix(torch.randn(8, gpt.arch.gpt_n_model_channels))
    return new_sequence


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of each step."""
    seen: list[int] = []
    original = sequence.decode_one_token

    def counted(gpt: TorchGpt, sequences: list[Sequence]) -> None:
        seen.append(len(sequences))
        original(gpt, sequences)

    monkeypatch.setattr(scheduling, "decode_one_token", counted)
    return seen


def test_simultaneous_replies_sound_as_they_do_alone(engine: XttsEngine, sizes: list[int]) -> None:
    alone = [say(engine, text) for text in TEXTS]
    steps = len(sizes)
    together: dict[str, Samples] = {}
    threads = [threading.Thread(target=lambda text=text: together.update({text: say(engine, text)})) for text in TEXTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for text, samples in zip(TEXTS, alone, strict=True):
        if engine.mode == "int8":
            assert np.array_equal(together[text], samples)
        else:
            assert np.abs(together[text] - samples).max() < 1e-4
    assert max(sizes) > 1
    assert len(sizes) - steps < steps, "steps were shared"
    assert free_rows(engine._loaded.scheduler) == 8
    assert not engine._loaded.scheduler._expected


def test_the_earliest_deadline_goes_first(gpt: TorchGpt) -> None:
    scheduler, order = Scheduler(gpt, 3, 64), list[float]()
    cache = KVCache(gpt.arch, 1, 64, gpt.device)

    def sequence_with(deadline: float) -> Sequence:
        made = Sequence(gpt, cache, 0, Sampling(), torch.Generator(), max_tokens=4)
        made.deadline = deadline
        return made

    def take(deadline: float) -> None:
        with scheduler.exclusive(sequence_with(deadline)):
            order.append(deadline)

    threads = [threading.Thread(target=take, args=(deadline,)) for deadline in (3.0, 1.0, 2.0)]
    with scheduler.exclusive(sequence_with(0.0)):
        for thread in threads:
            thread.start()
        while len(scheduler._turns) < 3:
            time.sleep(0.001)
    for thread in threads:
        thread.join(10)
    assert order == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("what", ["turn", "token"])
def test_an_aborted_sequence_stops_waiting(what: str, gpt: TorchGpt, new: NewSequence) -> None:
    scheduler, raised = Scheduler(gpt, 2, 64), threading.Event()
    speaking, aborted = scheduler.add(new), scheduler.add(new)

    def wait() -> None:
        with pytest.raises(Aborted):
            (scheduler.decode if what == "token" else scheduler.prefill)(aborted)
        scheduler.remove(aborted)
        raised.set()

    thread = threading.Thread(target=wait)
    with scheduler.exclusive(speaking):
        thread.start()
        while not (scheduler._turns or scheduler._tokens):
            time.sleep(0.001)
        scheduler.abort(aborted)
        assert raised.wait(10), "even while another one is computing"
    thread.join(10)
    assert free_rows(scheduler) == 1
    scheduler.prefill(speaking)
    scheduler.decode(speaking)
    assert speaking.count == 2


def test_an_interrupted_utterance_frees_its_row(engine: XttsEngine) -> None:
    utterance = engine.open(Request(SPEAKER, "en", seed=5))
    sounds = utterance.say(TEXTS[1])
    next(sounds)
    assert free_rows(engine._loaded.scheduler) == 7
    utterance.interrupt()
    with pytest.raises(Aborted):
        list(sounds)
    assert free_rows(engine._loaded.scheduler) == 8
    with pytest.raises(EngineError, match="utterance is closed"):
        next(utterance.say(TEXTS[0]))


def test_a_reply_without_a_row_waits_and_then_fails(
    gpt: TorchGpt, new: NewSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "_ROW_PATIENCE_S", 0.05)
    scheduler = Scheduler(gpt, 1, 64)
    taken = scheduler.add(new)
    assert (taken.row, free_rows(scheduler)) == (0, 0)
    with pytest.raises(EngineError, match="--max-streams"):
        scheduler.add(new)
    scheduler.remove(taken)
    scheduler.remove(taken)
    assert free_rows(scheduler) == 1
    scheduler.add(new)


def test_a_new_reply_takes_the_row_of_a_prefetched_sequence(gpt: TorchGpt, new: NewSequence) -> None:
    scheduler = Scheduler(gpt, 3, 64)
    first, second = scheduler.add_prefetched(new), scheduler.add_prefetched(new)
    assert first is not None
    assert second is not None
    scheduler.add(new).deadline = time.monotonic() + 60
    assert scheduler.add_prefetched(new) is None, "no row is free"
    assert scheduler.add(new).row == second.row
    assert not scheduler.promote(second)
    assert scheduler.promote(first)
    scheduler.remove(second)
    assert free_rows(scheduler) == 0, "a lost row belongs to another sequence"
    scheduler.remove(first)
    assert free_rows(scheduler) == 1


def test_prefetching_waits_while_a_listener_is_short_of_sound(
    gpt: TorchGpt, new: NewSequence, sizes: list[int]
) -> None:
    scheduler = Scheduler(gpt, 4, 96)
    speaking, prefetched = scheduler.add(new), scheduler.add_prefetched(new)
    assert prefetched is None, "a reply without sound is urgent"
    speaking.deadline = time.monotonic() + 60
    prefetched = scheduler.add_prefetched(new)
    assert prefetched is not None
    scheduler.prefill(speaking)
    speaking.deadline = time.monotonic() + 0.1
    scheduler.prefill_ahead(prefetched, speaking)
    assert prefetched.prompt_left == 41
    scheduler.decode(speaking, prefetched)
    speaking.deadline = time.monotonic() + 60
    scheduler.prefill_ahead(prefetched, speaking)
    scheduler.prefill_ahead(prefetched, speaking)
    scheduler.decode(speaking, prefetched)
    assert sizes == [1, 2]
    assert (speaking.count, prefetched.count) == (3, 2)


def test_prefill_is_chunked_while_others_speak(
    gpt: TorchGpt, new: NewSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int | None] = []
    original = Sequence.prefill

    def remembered(item: Sequence, count: int | None = None) -> None:
        counts.append(count)
        original(item, count)

    monkeypatch.setattr(Sequence, "prefill", remembered)
    scheduler = Scheduler(gpt, 4, 96)
    scheduler.prefill(scheduler.add(new))
    scheduler.prefill(scheduler.add(new))
    assert counts == [None, 32, 32]


def test_an_urgent_token_goes_between_the_chunks_of_a_prefill(
    gpt: TorchGpt, new: NewSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler, order = Scheduler(gpt, 2, 96), list[str]()
    speaking, newcomer = scheduler.add(new), scheduler.add(new)
    scheduler.prefill(speaking)
    speaking.deadline, newcomer.deadline = 1.0, 2.0
    original = Sequence.prefill
    threads = [threading.Thread(target=scheduler.decode, args=(speaking,))]

    def prefill(item: Sequence, count: int | None = None) -> None:
        if not order:
            threads[0].start()
            while not scheduler._tokens:
                time.sleep(0.001)
        order.append("chunk")
        original(item, count)

    monkeypatch.setattr(Sequence, "prefill", prefill)
    monkeypatch.setattr(scheduling, "decode_one_token", lambda *_: order.append("token"))
    scheduler.prefill(newcomer)
    threads[0].join(10)
    assert order == ["chunk", "token", "chunk"]


def test_nan_in_a_prefetched_sequence_harms_no_other(
    gpt: TorchGpt, new: NewSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = sequence.decode_one_token

    def broken(gpt: TorchGpt, sequences: list[Sequence]) -> None:
        if prefetched in sequences:
            raise NotFinite
        original(gpt, sequences)

    monkeypatch.setattr(scheduling, "decode_one_token", broken)
    scheduler = Scheduler(gpt, 2, 96)
    speaking = scheduler.add(new)
    speaking.deadline = time.monotonic() + 60
    prefetched = scheduler.add_prefetched(new)
    assert prefetched is not None
    scheduler.prefill(speaking)
    scheduler.decode(speaking, prefetched)
    assert speaking.count == 2
    assert free_rows(scheduler) == 1
    assert not scheduler.promote(prefetched)


def test_a_step_waits_only_once_for_a_slow_reply(gpt: TorchGpt, new: NewSequence) -> None:
    """A reply with a slow reader does not ask for tokens."""
    scheduler = Scheduler(gpt, 2, 96)
    paused, speaking = scheduler.add(new), scheduler.add(new)
    for item in (paused, speaking):
        scheduler.prefill(item)
    scheduler.decode(paused)
    scheduler.decode(speaking)
    assert scheduler._expected == {speaking}


def test_an_unfinished_reply_delays_nobody(engine: XttsEngine) -> None:
    dropped = engine.open(Request(SPEAKER, "en", seed=1)).say_exactly("I will be cut off.", 60)
    next(dropped)
    assert len(say(engine, "Yes.")) > 4096
    dropped.close()
    assert free_rows(engine._loaded.scheduler) == 8
    assert len(say(engine, "Yes.")) > 4096


def test_an_error_in_a_step_reaches_all_who_shared_it(gpt: TorchGpt, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_gpt: TorchGpt, _sequences: list[Sequence]) -> None:
        raise NotFinite

    monkeypatch.setattr(scheduling, "decode_one_token", broken)
    scheduler, raised = Scheduler(gpt, 2, 64), list[Tensor | str]()
    cache = KVCache(gpt.arch, 2, 64, gpt.device)

    def ask(row: int) -> None:
        with pytest.raises(NotFinite):
            scheduler.decode(Sequence(gpt, cache, row, Sampling(), torch.Generator(), max_tokens=4))
        raised.append(str(row))

    threads = [threading.Thread(target=ask, args=(row,)) for row in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(map(str, raised)) == ["0", "1"]

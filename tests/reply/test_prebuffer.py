"""When the first sound may leave."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from tests.reply.informed_prebuffer import Informed
from tests.reply.simulation import Machine, Text, oracle, play
from wyoming_k2so.reply.prebuffer import MAX_HOLD_S, AutoPrebuffer, FixedPrebuffer, Moment
from wyoming_k2so.reply.speed_model import SpeedModel

REPLIES = 60


def moment(chunks: int, *, now: float = 0.0, starved_s: float = 0.0, waiting: int = 0) -> Moment:
    return Moment(now, chunks, chunks * 0.2, waiting=waiting, complete=True, starved_s=starved_s)


@pytest.mark.parametrize("wanted", [1, 3, 16])
def test_a_fixed_prebuffer_releases_once_it_has_enough_chunks(wanted: int) -> None:
    prebuffer = FixedPrebuffer(wanted)
    answers = [prebuffer.release(moment(chunks)) for chunks in range(wanted + 2)]
    assert answers == [False] * wanted + [True, True]


def test_a_fixed_prebuffer_of_0_releases_at_once() -> None:
    assert FixedPrebuffer(0).release(moment(1))


def test_a_fixed_prebuffer_releases_when_the_text_is_late() -> None:
    prebuffer = FixedPrebuffer(16)
    assert prebuffer.release(moment(1, starved_s=0.1))
    assert prebuffer.release(moment(1))


def at_speed(rtf: float) -> AutoPrebuffer:
    """An automatic prebuffer in the first segment, of 10 seconds, on a machine that is known."""
    pace = SpeedModel()
    prebuffer = AutoPrebuffer(pace)
    for _ in range(30):
        prebuffer.segment(150)
        for _ in range(50):
            prebuffer.made(0.2, 0.2 * rtf)
    prebuffer.end()
    prebuffer = AutoPrebuffer(pace)
    prebuffer.segment(150)
    prebuffer.made(0.2, 0.2 * rtf)
    return prebuffer


def test_on_a_fast_machine_nothing_is_held_back() -> None:
    assert at_speed(0.1).release(moment(1, waiting=1000))


def test_on_a_slow_machine_enough_is_held_back_for_the_rest() -> None:
    prebuffer = at_speed(2.0)
    assert not prebuffer.release(moment(20))
    for _ in range(35):
        prebuffer.made(0.2, 0.4)
    assert prebuffer.release(moment(36, now=14.4))
    assert not at_speed(2.0).release(moment(36, waiting=500))


def test_nothing_is_held_back_for_longer_than_the_limit() -> None:
    prebuffer = at_speed(3.0)
    assert not prebuffer.release(moment(1, waiting=2000))
    assert prebuffer.release(moment(2, now=MAX_HOLD_S, waiting=2000))


def test_on_a_slow_machine_sound_waits_for_late_text_for_a_moment() -> None:
    prebuffer = at_speed(2.0)
    assert not prebuffer.release(moment(4, starved_s=0.1))
    assert prebuffer.release(moment(4, starved_s=1.0))
    assert at_speed(0.5).release(moment(4, starved_s=0.1))


def test_each_number_of_concurrent_replies_has_its_own_speed() -> None:
    pace = SpeedModel()

    def speak(rooms: int, rtf: float) -> list[AutoPrebuffer]:
        prebuffers = [AutoPrebuffer(pace) for _ in range(rooms)]
        for prebuffer in prebuffers:
            prebuffer.segment(150)
        for _ in range(50):
            for prebuffer in prebuffers:
                prebuffer.made(0.2, 0.2 * rtf)
        return prebuffers

    def starts(rooms: int) -> bool:
        prebuffers = [AutoPrebuffer(pace) for _ in range(rooms)]
        for prebuffer in prebuffers:
            prebuffer.segment(150)
            prebuffer.made(0.2, 0.2)
        answer = prebuffers[0].release(moment(1))
        for prebuffer in prebuffers:
            prebuffer.end()
        return answer

    for _ in range(10):
        for prebuffer in speak(1, 0.4):
            prebuffer.end()
    assert starts(1)
    assert not starts(4)  # thought to be four times slower
    for _ in range(10):
        for prebuffer in speak(4, 0.5):
            prebuffer.end()
    assert starts(4)
    assert starts(1)


@dataclass
class Result:
    """Of replies whose oracle holds no longer than the prebuffer may."""

    replies: int
    with_gaps: int
    start_s: float
    oracle_s: float

    @property
    def gaps(self) -> float:
        return self.with_gaps / self.replies

    @property
    def later(self) -> float:
        return self.start_s / self.oracle_s - 1


def simulate(rtf: float, text: Text, replies: int = REPLIES, risk: float | None = None) -> Result:
    """`risk`: the prebuffer that knows everything but the dice, and what gaps it risks; None: the automatic one."""
    r = random.Random(f"{rtf} {text}")
    result = Result(0, 0, 0.0, 0.0)
    for number in range(replies):
        if number % 20 == 0:
            windows = r.choice(((0.1, 0.2, 0.37), (0.32, 0.32, 0.65, 1.3), (0.19,)))
            machine = Machine(
                r, rtf, r.choice((0.05, 0.1, 0.2)), r.uniform(0.06, 0.38), r.uniform(0.055, 0.08), windows
            )
            pace = SpeedModel()
        reply = machine.reply(text)
        best = oracle(reply)
        prebuffer = AutoPrebuffer(pace) if risk is None else Informed(machine, reply, text, risk)
        start, gaps = play(reply, prebuffer)
        if number % 20 and best < 0.7 * MAX_HOLD_S:
            result.replies += 1
            result.with_gaps += gaps > 0
            result.start_s += start
            result.oracle_s += best
    return result


def together(results: Iterable[Result]) -> Result:
    found = list(results)
    return Result(
        sum(result.replies for result in found),
        sum(result.with_gaps for result in found),
        sum(result.start_s for result in found),
        sum(result.oracle_s for result in found),
    )


RTFS = (0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0)
TEXTS: tuple[Text, ...] = ("whole", "bursty", "stalling")


@pytest.fixture(scope="module")
def results() -> dict[tuple[float, Text], Result]:
    return {(rtf, text): simulate(rtf, text) for rtf in RTFS for text in TEXTS}


def test_less_than_one_reply_in_a_hundred_has_a_gap(results: dict[tuple[float, Text], Result]) -> None:
    assert together(results.values()).gaps < 0.01


def test_the_start_is_not_much_later_than_the_oracles(
    results: dict[tuple[float, Text], Result],
) -> None:
    assert together(results.values()).later < 0.3


def test_on_a_fast_machine_the_start_is_the_oracles(results: dict[tuple[float, Text], Result]) -> None:
    for text in TEXTS:
        assert results[0.2, text].later < 0.02
        assert results[0.2, text].with_gaps == 0


if __name__ == "__main__":
    for risk in (None, 0.05):
        found = {(rtf, text): simulate(rtf, text, 600, risk) for rtf in RTFS for text in TEXTS}
        print("automatic" if risk is None else f"all known but the dice, at a risk of {risk:.0%}")
        for where, one in (*found.items(), ("all", together(found.values()))):
            late = (one.start_s - one.oracle_s) / one.replies
            print(f"{where!s:20} gaps {one.gaps:6.2%} later {one.later:5.0%} {late:5.2f} s of {one.replies}")

"""An engine that hangs in the middle of a reply: who finishes it, what clients see, what is cleaned up."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import Any

import numpy as np
import pytest
from prometheus_client import generate_latest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from tests.support.client import read_event, synthesize
from tests.support.fakes import ScriptedEngine, make_voice
from tests.support.server import served
from tests.support.threads import synthesis_threads
from tests.support.waiting import until
from wyoming_k2so.engine import Engine, EngineError, Request, Utterance
from wyoming_k2so.reply.watchdog import Caller, Hung, Watchdog
from wyoming_k2so.settings.config import Config, ServerConfig, StreamConfig
from wyoming_k2so.voices.engine_states import State

FIRST, SECOND, THIRD = "The first sentence is here.", "The second one follows it.", "Then comes the third."
TEXT = f"{FIRST} {SECOND} {THIRD}"


def config(watchdog: float) -> Config:
    return Config(
        server=ServerConfig(watchdog=watchdog),
        stream=StreamConfig(chunk_samples=2048, prebuffer=0, early_clause=False),
    )


def big(**script: Any) -> ScriptedEngine:
    return ScriptedEngine(make_voice("ann"), name="xtts", **script)


async def describe(client: AsyncTcpClient) -> dict[str, Any]:
    await client.write_event(Event("k2so-describe"))
    event = await read_event(client)
    assert event is not None
    return event.data


@pytest.mark.parametrize("how", ["hang", "hang-late"])
async def test_the_fallback_voice_finishes_the_reply_and_the_engine_is_reloaded(
    how: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    hanging, small = big(fail_at={1: how}), ScriptedEngine(make_voice("bob"), name="piper")
    anew, may_load = big(), threading.Event()

    def load(_name: str, _config: Config) -> Engine:
        may_load.wait()
        return anew

    before = synthesis_threads()
    async with (
        served(hanging, small, config=config(0.3), load=load) as (service, port),
        AsyncTcpClient("127.0.0.1", port) as client,
    ):
        try:
            answer = await synthesize(client, TEXT)
            assert (hanging.said, small.said) == ([FIRST, SECOND], [SECOND, THIRD])
            rest = np.concatenate([small.sound(text, "bob") for text in small.said])
            assert np.abs(answer.audio[-len(rest) :] / 32767 - rest).max() <= 1 / 32767
            assert answer.error is None

            # While it reloads, the other voice speaks at once, whichever voice is requested.
            info = await describe(client)
            state = next(engine for engine in info["engines"] if engine["name"] == "xtts")
            assert state == {"name": "xtts", "state": "loading", "detail": "it hung and is being reloaded"}
            assert (info["speaking"], info["figures"]["hangs"]) == ("piper", 1)
            assert info["figures"]["last"]["retries"] == 0
            await synthesize(client, FIRST)
            assert small.said[-1] == FIRST

            may_load.set()
            await until(lambda: service.catalog.engines == (anew, small))
            await until(lambda: "engine xtts speaks again" in caplog.text)
            state = next(engine for engine in (await describe(client))["engines"] if engine["name"] == "xtts")
            assert (state["state"], state["detail"]) == ("ready", "")
            await synthesize(client, FIRST)
            assert anew.said == [FIRST]
            assert b'k2so_hangs_total{engine="xtts"} 1.0' in generate_latest(service.metrics.registry)

            # When the hung call returns, its utterance is closed and its thread ends.
            assert (hanging.open_utterances, synthesis_threads()) == (1, before + 1)
        finally:
            may_load.set()
            hanging.go_on.set()
        await until(lambda: synthesis_threads() == before)
    assert (hanging.open_utterances, hanging.speaking) == (0, 0)
    assert "engine xtts is not responding; reloading it" in caplog.text
    assert "xtts/ann failed to speak a segment: the engine did not respond for 0.3 s" in caplog.text
    assert "a call into xtts returned after it had timed out" in caplog.text


async def test_the_other_engine_keeps_speaking_when_the_reload_fails() -> None:
    hanging, small = big(fail_at={0: "hang"}), ScriptedEngine(make_voice("bob"), name="piper")

    def load(_name: str, _config: Config) -> Engine:
        raise MemoryError

    async with (
        served(hanging, small, config=config(0.1), load=load) as (service, port),
        AsyncTcpClient("127.0.0.1", port) as client,
    ):
        try:
            await synthesize(client, FIRST)
            states = service.live_settings._manager.states
            await until(lambda: states["xtts"].state == "failed")
            assert states["xtts"].detail == "MemoryError"
            await synthesize(client, SECOND)
        finally:
            hanging.go_on.set()
    assert small.said == [FIRST, SECOND]


async def test_an_engine_that_hangs_repeatedly_is_given_up() -> None:
    made: list[ScriptedEngine] = [big(fail_at={0: "hang"})]
    small = ScriptedEngine(make_voice("bob"), name="piper")

    def load(_name: str, _config: Config) -> Engine:
        made.append(big(fail_at={0: "hang"}))
        return made[-1]

    async with (
        served(made[0], small, config=config(0.1), load=load) as (service, port),
        AsyncTcpClient("127.0.0.1", port) as client,
    ):
        try:
            states = service.live_settings._manager.states
            for state in ("ready", "ready", "failed"):
                await synthesize(client, FIRST)
                await until(partial(_is, states, state))
            assert "hung 3 times" in states["xtts"].detail
        finally:
            for engine in made:
                engine.go_on.set()
    assert len(made) == 3


async def test_without_a_fallback_the_reply_fails_and_the_next_one_is_spoken() -> None:
    hanging, anew = ScriptedEngine(name="piper", fail_at={0: "hang"}), ScriptedEngine(name="piper")
    async with (
        served(hanging, config=config(0.1), load=lambda _name, _config: anew) as (service, port),
        AsyncTcpClient("127.0.0.1", port) as client,
    ):
        try:
            answer = await synthesize(client, FIRST)
            assert answer.error is not None
            assert answer.types[-1] == "audio-stop"
            await until(lambda: service.catalog.engines == (anew,))
            assert (await synthesize(client, FIRST)).error is None
        finally:
            hanging.go_on.set()


async def test_a_slow_engine_is_not_treated_as_hung() -> None:
    # Each call takes a tenth of the limit, the reply longer than that.
    slow = big(first_audio=0.3, rtf=3.0, piece_s=0.1)
    async with (
        served(slow, ScriptedEngine(name="piper"), config=config(3)) as (service, port),
        AsyncTcpClient("127.0.0.1", port) as client,
    ):
        answer = await synthesize(client, TEXT)
    assert slow.said == [FIRST, SECOND, THIRD]
    assert len(answer.audio) == sum(len(slow.sound(text, "ann")) for text in slow.said)
    assert service.catalog.engines[0] is slow
    assert service.metrics.snapshot()["hangs"] == 0


async def test_a_watchdog_of_0_never_times_out() -> None:
    slow = big(first_audio=0.2)
    async with served(slow, config=config(0)) as (service, port), AsyncTcpClient("127.0.0.1", port) as client:
        assert service.watchdog is None
        assert (await synthesize(client, FIRST)).error is None


# ---- Caller ------------------------------------------------------------------------------------------------------


@pytest.fixture
def told() -> list[Engine]:
    return []


def test_a_call_returns_and_raises_what_the_work_does(told: list[Engine]) -> None:
    caller = Caller(ScriptedEngine(), Watchdog(30, told.append))
    assert caller.call(threading.current_thread) is not threading.current_thread()
    for error in (EngineError("no"), TimeoutError("the engine's own")):
        with pytest.raises(type(error), match=str(error)):
            caller.call(partial(_raise, error))
    assert not caller.hung
    caller.end()
    assert told == []


def test_an_utterance_is_closed_when_its_hung_opening_returns(told: list[Engine]) -> None:
    class Stuck(ScriptedEngine):
        def open(self, request: Request) -> Utterance:
            self.go_on.wait()
            return super().open(request)

    engine = Stuck()
    caller = Caller(engine, Watchdog(0.05, told.append))
    opened: list[Utterance] = []

    def close() -> None:
        opened[0].close()

    with pytest.raises(Hung, match="did not respond for 0.05 s"):
        caller.call(lambda: opened.append(engine.open(Request("test", "en-US"))))
    with pytest.raises(Hung):
        caller.call(lambda: None)
    assert told == [engine]
    closed = threading.Event()
    caller.clean_up(close)
    caller.clean_up(closed.set)
    caller.end()
    assert not closed.is_set()
    engine.go_on.set()
    assert closed.wait(30)
    assert engine.open_utterances == 0


def _is(states: dict[str, State], state: str) -> bool:
    return states["xtts"].state == state


def _raise(error: Exception) -> None:
    raise error

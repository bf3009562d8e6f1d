"""The flagship's model freed when nobody uses it, and loaded again: who speaks meanwhile, and that no reply is cut."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import get_args, get_type_hints

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import SynthesizeVoice

from tests.support.client import read_event, read_until, synthesize
from tests.support.fakes import ScriptedEngine, make_voice
from tests.support.waiting import until
from wyoming_k2so.engine import Engine, EngineError, Request
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.server.admission import Admission
from wyoming_k2so.server.context import ServerContext
from wyoming_k2so.server.listener import Listener
from wyoming_k2so.server.live_settings import LiveSettings, Refused
from wyoming_k2so.server.metrics import ENGINE_STATES, Metrics
from wyoming_k2so.settings.config import Config, StreamConfig, VoiceConfig
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_manager import EngineManager
from wyoming_k2so.voices.engine_states import State
from wyoming_k2so.voices.unloaded import UnloadedEngine

TEXT = "The first sentence is here. The second one follows it."
IDLE_S = 600.0
SMALL_RATE, BIG_RATE = 8_000, 16_000


class ClonesVoices(ScriptedEngine):
    def adjust(self, config: Config) -> None:
        self.temperature = config.group(XttsSettings).temperature

    def add_voice(self, name: str, language: str | None, clip: bytes) -> None:
        self._voices = (*self._voices, make_voice(name))

    def remove_voice(self, name: str) -> None:
        raise NotImplementedError


class House:
    """A server's parts around a big engine that can be loaded again and again, and a clock that the test sets."""

    def __init__(self, *, gate: threading.Semaphore | None = None) -> None:
        self.now = 1000.0
        self.gate = gate
        self.loads = 0
        self.reclaimed: list[bool] = []
        """For each time, whether the model had gone by then."""

        self.broken = False
        self.may_load = threading.Event()
        self.may_load.set()
        self.metrics = Metrics()
        self.catalog = Catalog([ScriptedEngine(make_voice("joe", "en"), name="piper", rate=SMALL_RATE)])
        self.manager = EngineManager(
            self.catalog, self._load, reclaim=self._reclaim, changed=self.metrics.engine_state, clock=lambda: self.now
        )
        config = Config(stream=StreamConfig(prebuffer=0, stall_silence=0))
        self.control = LiveSettings(config, self.catalog, self.manager, self.metrics)
        self.service = ServerContext(self.catalog, self.control, self.metrics)
        self.service.admission = Admission(8, lambda: self.now)
        self.manager.loader.load("xtts", config)

    @property
    def big(self) -> Engine:
        return self.catalog.engines[0]

    @property
    def state(self) -> State:
        return self.manager.states["xtts"]

    def rest(self) -> float:
        return self.manager.idle.unload_idle(IDLE_S, self.service.admission.unused_s)

    def sleep(self) -> None:
        """Let the engine fall asleep."""
        self.now += IDLE_S
        self.rest()
        assert self.state.state == "idle"

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncTcpClient]:
        server = Listener("tcp://127.0.0.1:0", self.service)
        async with server.listening() as port, AsyncTcpClient("127.0.0.1", port or 0) as client:
            yield client

    def _load(self, name: str, _config: Config) -> Engine:
        self.may_load.wait(30)
        if self.broken:
            raise EngineError("the disk is gone")
        self.loads += 1
        engine = ClonesVoices(make_voice("Ana", "en", "ja"), name=name, rate=BIG_RATE, gate=self.gate)
        self.model = weakref.ref(engine)
        return engine

    def _reclaim(self, _name: str) -> None:
        gc.collect()
        self.reclaimed.append(self.model() is None)


def test_the_model_is_freed_when_it_was_not_used_for_long_enough() -> None:
    house = House()
    assert house.rest() == IDLE_S
    house.now += IDLE_S - 1
    assert house.rest() == 1
    assert not isinstance(house.big, UnloadedEngine)
    house.now += 1
    house.rest()
    assert (house.state.state, house.reclaimed) == ("idle", [True])
    house.rest()
    assert house.reclaimed == [True]


async def test_the_time_counts_from_the_end_of_the_last_reply_and_no_reply_is_cut() -> None:
    gate = threading.Semaphore(0)
    house = House(gate=gate)
    async with house.client() as client:
        house.now += 1
        await client.write_event(Event("synthesize", {"text": TEXT}))
        await until(lambda: house.service.admission.unused_s("xtts") == 0)
        house.now += 2 * IDLE_S
        assert house.rest() == IDLE_S
        assert house.state.state == "ready"
        gate.release(10)
        reply = await read_until(client, "audio-stop")
        assert (reply.error, reply.start.rate) == (None, BIG_RATE)
        assert house.state.state == "ready"
        house.now += IDLE_S - 1
        assert house.rest() == 1
        house.sleep()


async def test_a_connection_that_stays_open_does_not_keep_the_model() -> None:
    house = House()
    async with house.client() as client:
        assert (await synthesize(client, TEXT)).start.rate == BIG_RATE
        house.sleep()
        assert house.reclaimed == [True]


async def test_a_reply_whose_text_pauses_gives_the_model_s_memory_back_when_it_ends() -> None:
    house = House()
    reply = house.big.open(Request("Ana", "en"))
    house.sleep()
    assert house.reclaimed == [False]
    del reply
    await until(lambda: house.reclaimed == [False, True])


async def test_the_embedded_voice_bridges_until_the_model_is_loaded_again() -> None:
    house = House()
    async with house.client() as client:
        house.sleep()
        await client.write_event(Describe().event())
        event = await read_event(client)
        assert event is not None
        programs = {program.name: program for program in Info.from_event(event).tts}
        assert [voice.name for voice in programs["xtts"].voices] == ["Ana"]
        await client.write_event(Event("k2so-describe"))
        event = await read_event(client)
        assert event is not None
        described = event.data["engines"][0]
        assert (described["name"], described["state"], described["mode"]) == ("xtts", "idle", "fp32")
        assert "not used for 10 minutes" in described["detail"]
        assert event.data["speaking"] == "piper"
        assert house.loads == 1  # who only looks does not wake it

        house.may_load.clear()
        for voice in (None, SynthesizeVoice(name="Ana"), SynthesizeVoice(language="ja")):
            bridge = await synthesize(client, TEXT, voice)
            assert (bridge.error, bridge.start.rate) == (None, SMALL_RATE)
        last = house.metrics.snapshot()["last"]
        assert (last["engine"], last["instead_of"]) == ("piper", "Ana")
        assert house.metrics.snapshot()["substitutions"] == 3
        await until(lambda: house.state.state == "loading")

        house.may_load.set()
        await until(lambda: house.state.state == "ready")
        assert (await synthesize(client, TEXT)).start.rate == BIG_RATE
        assert house.loads == 2


async def test_a_request_for_another_voice_wakes_nobody() -> None:
    house = House()
    async with house.client() as client:
        house.sleep()
        reply = await synthesize(client, TEXT, SynthesizeVoice(name="joe"))
        assert (reply.start.rate, house.metrics.snapshot()["substitutions"]) == (SMALL_RATE, 0)
    assert (house.state.state, house.loads) == ("idle", 1)


async def test_what_cannot_be_loaded_again_says_why_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    async with house.client() as client:
        house.sleep()
        house.broken = True
        assert (await synthesize(client, TEXT)).start.rate == SMALL_RATE
        await until(lambda: house.state == State("failed", "the disk is gone"))
        assert "cannot reload engine xtts; using piper: the disk is gone" in caplog.text
        house.broken = False
        assert (await synthesize(client, TEXT)).start.rate == SMALL_RATE
        await until(lambda: house.state.state == "ready")


async def test_sampling_that_changes_meanwhile_holds_afterwards() -> None:
    house = House()
    house.sleep()
    await house.control.change({"temperature": 0.3})
    assert house.loads == 1
    house.manager.idle.reload("xtts")
    assert isinstance(house.big, ClonesVoices)
    assert house.manager.idle.config.group(XttsSettings).temperature == 0.3

    house.sleep()
    house.may_load.clear()
    house.manager.idle.wake("xtts")
    await until(lambda: house.state.state == "loading")
    await house.control.change({"temperature": 0.4})
    house.may_load.set()
    await until(lambda: house.state.state == "ready")
    await until(lambda: getattr(house.big, "temperature", None) == 0.4)


async def test_another_precision_and_a_new_voice_load_the_model() -> None:
    house = House()
    house.sleep()
    await house.control.change({"quantization": "none"})
    assert (house.state.state, house.loads) == ("ready", 2)
    house.sleep()
    await house.control.add_voice("Zoe", None, b"clip")
    assert (house.state.state, house.loads) == ("ready", 3)
    house.sleep()
    assert [voice.name for voice in house.big.voices()] == ["Ana", "Zoe"]
    house.broken = True
    with pytest.raises(Refused, match="xtts is failed \\(the disk is gone\\)") as refusal:
        await house.control.add_voice("Bob", None, b"clip")
    assert refusal.value.code == "cannot-clone"


async def test_an_engine_that_is_not_wanted_any_more_stays_away() -> None:
    house = House()
    house.sleep()
    await house.control.change({"engine": "piper"})
    house.manager.idle.reload("xtts")
    assert [engine.name for engine in house.catalog.engines] == ["piper"]
    assert (house.state.state, house.loads) == ("off", 1)


def test_many_who_ask_at_once_load_it_once() -> None:
    house = House()
    house.sleep()
    house.may_load.clear()
    threads = [threading.Thread(target=house.manager.idle.reload, args=["xtts"]) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)  # let them all wait
    house.may_load.set()
    for thread in threads:
        thread.join(30)
    assert house.loads == 2


def test_who_sleeps_takes_over_from_nobody_and_opens_nothing() -> None:
    house = House()
    house.catalog.defaults = VoiceConfig(voice="joe")
    joe = house.catalog.resolve()
    assert (spare := house.catalog.fallback(joe)) is not None
    assert spare.engine is house.big
    house.sleep()
    assert house.catalog.fallback(joe) is None
    house.catalog.check_defaults()
    with pytest.raises(EngineError, match="xtts is idle"):
        house.big.open(Request("Ana", "en"))
    assert replace(house.catalog.resolve(voice="Ana", speed=1.5), asleep=None).request == Request(
        "joe", "en", speed=1.5
    )


def test_prometheus_tells_the_state() -> None:
    house = House()
    house.sleep()
    states = {
        sample.labels["k2so_engine_state"]: sample.value
        for family in house.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "k2so_engine_state"
    }
    assert {state for state, on in states.items() if on} == {"idle"}
    assert set(states) == set(get_args(get_type_hints(State)["state"])) == set(ENGINE_STATES)

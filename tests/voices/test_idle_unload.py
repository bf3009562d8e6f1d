"""Unloading an idle model and reloading it: which voice speaks in the meantime, and that no reply is cut off."""

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


class IdleServer:
    """A server with an engine that can be unloaded and reloaded, and a clock that the test sets."""

    def __init__(self, *, gate: threading.Semaphore | None = None) -> None:
        self.now = 1000.0
        self.gate = gate
        self.loads = 0
        self.reclaimed: list[bool] = []
        """For each call, whether the model was gone by then."""

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

    def unload_idle(self) -> float:
        return self.manager.idle.unload_idle(IDLE_S, self.service.admission.unused_s)

    def go_idle(self) -> None:
        """Let the engine be unloaded."""
        self.now += IDLE_S
        self.unload_idle()
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


def test_the_model_is_unloaded_after_the_idle_time() -> None:
    server = IdleServer()
    assert server.unload_idle() == IDLE_S
    server.now += IDLE_S - 1
    assert server.unload_idle() == 1
    assert not isinstance(server.big, UnloadedEngine)
    server.now += 1
    server.unload_idle()
    assert (server.state.state, server.reclaimed) == ("idle", [True])
    server.unload_idle()
    assert server.reclaimed == [True]


async def test_the_idle_time_starts_at_the_end_of_the_last_reply_and_no_reply_is_cut_off() -> None:
    gate = threading.Semaphore(0)
    server = IdleServer(gate=gate)
    async with server.client() as client:
        server.now += 1
        await client.write_event(Event("synthesize", {"text": TEXT}))
        await until(lambda: server.service.admission.unused_s("xtts") == 0)
        server.now += 2 * IDLE_S
        assert server.unload_idle() == IDLE_S
        assert server.state.state == "ready"
        gate.release(10)
        reply = await read_until(client, "audio-stop")
        assert (reply.error, reply.start.rate) == (None, BIG_RATE)
        assert server.state.state == "ready"
        server.now += IDLE_S - 1
        assert server.unload_idle() == 1
        server.go_idle()


async def test_an_open_connection_does_not_keep_the_model_loaded() -> None:
    server = IdleServer()
    async with server.client() as client:
        assert (await synthesize(client, TEXT)).start.rate == BIG_RATE
        server.go_idle()
        assert server.reclaimed == [True]


async def test_a_paused_reply_frees_the_model_when_it_ends() -> None:
    server = IdleServer()
    reply = server.big.open(Request("Ana", "en"))
    server.go_idle()
    assert server.reclaimed == [False]
    del reply
    await until(lambda: server.reclaimed == [False, True])


async def test_the_fallback_voice_speaks_until_the_model_is_reloaded() -> None:
    server = IdleServer()
    async with server.client() as client:
        server.go_idle()
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
        assert server.loads == 1  # describe does not reload it

        server.may_load.clear()
        for voice in (None, SynthesizeVoice(name="Ana"), SynthesizeVoice(language="ja")):
            bridge = await synthesize(client, TEXT, voice)
            assert (bridge.error, bridge.start.rate) == (None, SMALL_RATE)
        last = server.metrics.snapshot()["last"]
        assert (last["engine"], last["instead_of"]) == ("piper", "Ana")
        assert server.metrics.snapshot()["substitutions"] == 3
        await until(lambda: server.state.state == "loading")

        server.may_load.set()
        await until(lambda: server.state.state == "ready")
        assert (await synthesize(client, TEXT)).start.rate == BIG_RATE
        assert server.loads == 2


async def test_a_request_for_another_voice_does_not_reload_the_model() -> None:
    server = IdleServer()
    async with server.client() as client:
        server.go_idle()
        reply = await synthesize(client, TEXT, SynthesizeVoice(name="joe"))
        assert (reply.start.rate, server.metrics.snapshot()["substitutions"]) == (SMALL_RATE, 0)
    assert (server.state.state, server.loads) == ("idle", 1)


async def test_a_failed_reload_is_explained_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    server = IdleServer()
    async with server.client() as client:
        server.go_idle()
        server.broken = True
        assert (await synthesize(client, TEXT)).start.rate == SMALL_RATE
        await until(lambda: server.state == State("failed", "the disk is gone"))
        assert "cannot reload engine xtts; using piper: the disk is gone" in caplog.text
        server.broken = False
        assert (await synthesize(client, TEXT)).start.rate == SMALL_RATE
        await until(lambda: server.state.state == "ready")


async def test_sampling_settings_changed_while_unloaded_apply_after_the_reload() -> None:
    server = IdleServer()
    server.go_idle()
    await server.control.change({"temperature": 0.3})
    assert server.loads == 1
    server.manager.idle.reload("xtts")
    assert isinstance(server.big, ClonesVoices)
    assert server.manager.idle.config.group(XttsSettings).temperature == 0.3

    server.go_idle()
    server.may_load.clear()
    server.manager.idle.wake("xtts")
    await until(lambda: server.state.state == "loading")
    await server.control.change({"temperature": 0.4})
    server.may_load.set()
    await until(lambda: server.state.state == "ready")
    await until(lambda: getattr(server.big, "temperature", None) == 0.4)


async def test_another_precision_and_a_new_voice_reload_the_model() -> None:
    server = IdleServer()
    server.go_idle()
    await server.control.change({"quantization": "none"})
    assert (server.state.state, server.loads) == ("ready", 2)
    server.go_idle()
    await server.control.add_voice("Zoe", None, b"clip")
    assert (server.state.state, server.loads) == ("ready", 3)
    server.go_idle()
    assert [voice.name for voice in server.big.voices()] == ["Ana", "Zoe"]
    server.broken = True
    with pytest.raises(Refused, match="xtts is failed \\(the disk is gone\\)") as refusal:
        await server.control.add_voice("Bob", None, b"clip")
    assert refusal.value.code == "cannot-clone"


async def test_an_engine_that_is_no_longer_wanted_is_not_reloaded() -> None:
    server = IdleServer()
    server.go_idle()
    await server.control.change({"engine": "piper"})
    server.manager.idle.reload("xtts")
    assert [engine.name for engine in server.catalog.engines] == ["piper"]
    assert (server.state.state, server.loads) == ("off", 1)


def test_many_simultaneous_requests_reload_it_once() -> None:
    server = IdleServer()
    server.go_idle()
    server.may_load.clear()
    threads = [threading.Thread(target=server.manager.idle.reload, args=["xtts"]) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)  # let them all wait
    server.may_load.set()
    for thread in threads:
        thread.join(30)
    assert server.loads == 2


def test_an_unloaded_engine_is_no_fallback_and_cannot_be_opened() -> None:
    server = IdleServer()
    server.catalog.defaults = VoiceConfig(voice="joe")
    joe = server.catalog.resolve()
    assert (spare := server.catalog.fallback(joe)) is not None
    assert spare.engine is server.big
    server.go_idle()
    assert server.catalog.fallback(joe) is None
    server.catalog.check_defaults()
    with pytest.raises(EngineError, match="xtts is idle"):
        server.big.open(Request("Ana", "en"))
    assert replace(server.catalog.resolve(voice="Ana", speed=1.5), asleep=None).request == Request(
        "joe", "en", speed=1.5
    )


def test_prometheus_reports_the_state() -> None:
    server = IdleServer()
    server.go_idle()
    states = {
        sample.labels["k2so_engine_state"]: sample.value
        for family in server.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "k2so_engine_state"
    }
    assert {state for state, on in states.items() if on} == {"idle"}
    assert set(states) == set(get_args(get_type_hints(State)["state"])) == set(ENGINE_STATES)

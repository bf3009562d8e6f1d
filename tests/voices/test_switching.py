"""Replacing a model during a reply: no word is lost or repeated, and the old model is freed."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from tests.support.client import Answer, read_event, read_until
from tests.support.fakes import ScriptedEngine, make_voice
from tests.support.threads import synthesis_threads
from tests.support.waiting import until
from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.server.context import ServerContext
from wyoming_k2so.server.listener import Listener
from wyoming_k2so.server.live_settings import LiveSettings
from wyoming_k2so.server.metrics import Metrics
from wyoming_k2so.settings.config import Config, StreamConfig
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_manager import EngineManager

SEGMENTS = [
    "The first sentence is here.",
    "The second one follows it.",
    "Then comes the third.",
    "After that you hear the fourth.",
    "And this is the fifth.",
]


class SwitchingServer:
    """A server that makes a new engine for each change of precision; its voice may get another name."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.voice = "ann"
        self.script: dict[str, Any] = {}
        self.said: list[list[str]] = []
        """The segments that each model spoke, the oldest model first."""

        self.models: list[weakref.ref[ScriptedEngine]] = []
        self.reclaimed = 0
        self.catalog = Catalog([ScriptedEngine(make_voice("bob"), name="piper")])
        self.metrics = Metrics()
        self.manager = EngineManager(self.catalog, self._load, reclaim=self._reclaim)
        config = Config(stream=StreamConfig(chunk_samples=2048, prebuffer=0, early_clause=False, stall_silence=0))
        self.control = LiveSettings(config, self.catalog, self.manager, self.metrics)
        self.manager.loader.load("xtts", config)

    def has_said(self, number: int) -> bool:
        """Whether the model of that number has spoken that segment, and no other."""
        return self.said[number] == [SEGMENTS[number]]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncTcpClient]:
        server = Listener("tcp://127.0.0.1:0", ServerContext(self.catalog, self.control, self.metrics))
        async with server.listening() as port, AsyncTcpClient("127.0.0.1", port or 0) as client:
            yield client

    def _load(self, name: str, config: Config) -> Engine:
        engine = ScriptedEngine(make_voice(self.voice), name=name, gate=self.gate, **self.script)
        engine.mode = config.group(XttsSettings).quantization
        self.models.append(weakref.ref(engine))
        self.said.append(engine.said)
        return engine

    def _reclaim(self, _name: str) -> None:
        self.reclaimed += 1


async def ask(client: AsyncTcpClient) -> None:
    await client.write_event(Event("synthesize", {"text": " ".join(SEGMENTS)}))


def assert_all_is_heard(reply: Answer, voice: str = "ann") -> None:
    sound = np.concatenate([ScriptedEngine().sound(text, voice) for text in SEGMENTS])
    assert reply.error is None
    assert len(reply.audio) == len(sound)
    assert np.abs(reply.audio / 32767 - sound).max() <= 1 / 32767


async def test_the_new_model_speaks_the_rest_of_a_reply() -> None:
    server = SwitchingServer()
    async with server.client() as client:
        await ask(client)
        server.gate.release()
        await until(lambda: server.said[0] == SEGMENTS[:2])  # the second one has begun
        await server.control.change({"quantization": "int8"})
        assert server.models[0]() is not None
        server.gate.release(2)
        await until(lambda: server.said[1] == SEGMENTS[2:4])
        gc.collect()
        assert server.models[0]() is None, "it is no longer needed, although the reply goes on"
        await until(lambda: server.reclaimed == 1)
        server.gate.release(10)
        assert_all_is_heard(await read_until(client, "audio-stop"))
        assert server.said == [SEGMENTS[:2], SEGMENTS[2:]]
        await until(lambda: server.metrics.snapshot()["replies"] == 1)
    last = server.metrics.snapshot()["last"]
    assert (last["mode"], last["retries"], last["fallbacks"]) == ("int8", 0, 0)


async def test_the_model_can_be_replaced_repeatedly() -> None:
    server = SwitchingServer()
    async with server.client() as client:
        await ask(client)
        for number, mode in enumerate(("int8", "bf16", "none", "int8")):
            await until(partial(server.has_said, number))
            await server.control.change({"quantization": mode})
            server.gate.release()
        server.gate.release()
        assert_all_is_heard(await read_until(client, "audio-stop"))
    assert server.said == [[segment] for segment in SEGMENTS]


async def test_waiting_replies_start_with_the_new_model() -> None:
    server = SwitchingServer()
    async with server.client() as client:
        await ask(client)
        await ask(client)
        await until(lambda: server.said[0] == SEGMENTS[:1])
        await server.control.change({"quantization": "int8"})
        server.gate.release(20)
        for _ in range(2):
            assert_all_is_heard(await read_until(client, "audio-stop"))
    assert server.said == [SEGMENTS[:1], SEGMENTS[1:] + SEGMENTS]


async def test_a_new_model_that_fails_is_retried_and_nothing_is_lost() -> None:
    server = SwitchingServer()
    async with server.client() as client:
        await ask(client)
        await until(lambda: server.said[0] == SEGMENTS[:1])
        server.script = {"fail_at": {1: "raise-late"}}
        await server.control.change({"quantization": "int8"})
        server.gate.release(20)
        assert_all_is_heard(await read_until(client, "audio-stop"))
    assert server.said[1] == [*SEGMENTS[1:3], *SEGMENTS[2:]]


async def test_the_old_model_finishes_a_reply_whose_voice_the_new_one_lacks() -> None:
    server = SwitchingServer()
    async with server.client() as client:
        await ask(client)
        await until(lambda: server.said[0] == SEGMENTS[:1])
        server.voice = "eve"
        await server.control.change({"quantization": "int8"})
        server.gate.release(20)
        assert_all_is_heard(await read_until(client, "audio-stop"))
        assert server.said == [SEGMENTS, []]
        await until(lambda: server.reclaimed == 1)
    assert server.models[0]() is None


@pytest.mark.parametrize("settings", [{"engine": "piper"}, {"voice": "bob"}])
async def test_the_voice_does_not_change_during_a_reply(settings: dict[str, str]) -> None:
    server = SwitchingServer()
    async with server.client() as client:
        await ask(client)
        await until(lambda: server.said[0] == SEGMENTS[:1])
        await server.control.change(settings)
        server.gate.release(20)
        assert_all_is_heard(await read_until(client, "audio-stop"))
        assert server.said == [SEGMENTS]
        await ask(client)
        assert_all_is_heard(await read_until(client, "audio-stop"), "bob")
        if "engine" in settings:
            await until(lambda: server.reclaimed == 1)


async def test_the_watchdog_s_threads_change_with_the_model() -> None:
    server = SwitchingServer()
    async with server.client() as client:
        await ask(client)
        await until(lambda: server.said[0] == SEGMENTS[:1])
        before = synthesis_threads()
        await server.control.change({"quantization": "int8"})
        server.gate.release(3)
        await until(lambda: server.said[1] == SEGMENTS[1:4])
        assert synthesis_threads() == before
        server.gate.release(20)
        assert_all_is_heard(await read_until(client, "audio-stop"))


async def test_a_failed_change_is_reported_until_one_succeeds() -> None:
    server = SwitchingServer()
    async with server.client() as client:

        async def configure(**settings: Any) -> Event:
            await client.write_event(Event("k2so-configure", {"settings": settings}))
            event = await read_event(client)
            assert event is not None
            return event

        async def failed() -> Any:
            await client.write_event(Event("k2so-describe"))
            event = await read_event(client)
            assert event is not None
            return event.data["failed"]

        assert await failed() is None
        loader = server.manager.loader
        load, loader._load = loader._load, _no_room
        answer = await configure(quantization="int8", chunk_samples=8192)
        assert (answer.type, answer.data["code"]) == ("error", "failed")
        reason = {"settings": {"quantization": "int8"}, "reason": "there is no room for it"}
        assert await failed() == reason
        assert (await configure(speed=9)).data["code"] == "bad-setting"
        assert (await configure(speed=1.5)).data["failed"] == reason  # unrelated
        server.gate.release(20)
        await ask(client)
        assert (await read_until(client, "audio-stop")).error is None
        assert server.said == [SEGMENTS]
        loader._load = load
        answer = await configure(quantization="bf16")
        assert (answer.data["failed"], answer.data["settings"]["quantization"]) == (None, "bf16")


def _no_room(_name: str, _config: Config) -> Engine:
    raise EngineError("there is no room for it")

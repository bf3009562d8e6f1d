"""Another model in the middle of a reply: no word is lost or said twice, and the old model is freed when it is done."""

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


class Workshop:
    """A server whose flagship is made anew for each change of precision, in a voice that may be given another name."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.voice = "ann"
        self.script: dict[str, Any] = {}
        self.said: list[list[str]] = []
        """What each model said, the oldest first."""

        self.models: list[weakref.ref[ScriptedEngine]] = []
        self.reclaimed = 0
        self.catalog = Catalog([ScriptedEngine(make_voice("bob"), name="piper")])
        self.metrics = Metrics()
        self.manager = EngineManager(self.catalog, self._load, reclaim=self._reclaim)
        config = Config(stream=StreamConfig(chunk_samples=2048, prebuffer=0, early_clause=False, stall_silence=0))
        self.control = LiveSettings(config, self.catalog, self.manager, self.metrics)
        self.manager.loader.load("xtts", config)

    def has_said(self, number: int) -> bool:
        """Whether that segment has been said, by the model of its number and no other."""
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


async def test_the_rest_of_a_reply_is_spoken_by_the_model_that_came_meanwhile() -> None:
    shop = Workshop()
    async with shop.client() as client:
        await ask(client)
        shop.gate.release()
        await until(lambda: shop.said[0] == SEGMENTS[:2])  # the second one has begun
        await shop.control.change({"quantization": "int8"})
        assert shop.models[0]() is not None
        shop.gate.release(2)
        await until(lambda: shop.said[1] == SEGMENTS[2:4])
        gc.collect()
        assert shop.models[0]() is None, "it is not needed any more, although the reply goes on"
        await until(lambda: shop.reclaimed == 1)
        shop.gate.release(10)
        assert_all_is_heard(await read_until(client, "audio-stop"))
        assert shop.said == [SEGMENTS[:2], SEGMENTS[2:]]
        await until(lambda: shop.metrics.snapshot()["replies"] == 1)
    last = shop.metrics.snapshot()["last"]
    assert (last["mode"], last["retries"], last["fallbacks"]) == ("int8", 0, 0)


async def test_models_may_change_again_and_again() -> None:
    shop = Workshop()
    async with shop.client() as client:
        await ask(client)
        for number, mode in enumerate(("int8", "bf16", "none", "int8")):
            await until(partial(shop.has_said, number))
            await shop.control.change({"quantization": mode})
            shop.gate.release()
        shop.gate.release()
        assert_all_is_heard(await read_until(client, "audio-stop"))
    assert shop.said == [[segment] for segment in SEGMENTS]


async def test_replies_that_wait_begin_with_the_new_model() -> None:
    shop = Workshop()
    async with shop.client() as client:
        await ask(client)
        await ask(client)
        await until(lambda: shop.said[0] == SEGMENTS[:1])
        await shop.control.change({"quantization": "int8"})
        shop.gate.release(20)
        for _ in range(2):
            assert_all_is_heard(await read_until(client, "audio-stop"))
    assert shop.said == [SEGMENTS[:1], SEGMENTS[1:] + SEGMENTS]


async def test_a_new_model_that_fails_is_tried_again_and_nothing_is_lost() -> None:
    shop = Workshop()
    async with shop.client() as client:
        await ask(client)
        await until(lambda: shop.said[0] == SEGMENTS[:1])
        shop.script = {"fail_at": {1: "raise-late"}}
        await shop.control.change({"quantization": "int8"})
        shop.gate.release(20)
        assert_all_is_heard(await read_until(client, "audio-stop"))
    assert shop.said[1] == [*SEGMENTS[1:3], *SEGMENTS[2:]]


async def test_a_model_without_the_voice_leaves_the_reply_to_the_old_one() -> None:
    shop = Workshop()
    async with shop.client() as client:
        await ask(client)
        await until(lambda: shop.said[0] == SEGMENTS[:1])
        shop.voice = "eve"
        await shop.control.change({"quantization": "int8"})
        shop.gate.release(20)
        assert_all_is_heard(await read_until(client, "audio-stop"))
        assert shop.said == [SEGMENTS, []]
        await until(lambda: shop.reclaimed == 1)
    assert shop.models[0]() is None


@pytest.mark.parametrize("settings", [{"engine": "piper"}, {"voice": "bob"}])
async def test_a_voice_does_not_change_in_the_middle_of_a_reply(settings: dict[str, str]) -> None:
    shop = Workshop()
    async with shop.client() as client:
        await ask(client)
        await until(lambda: shop.said[0] == SEGMENTS[:1])
        await shop.control.change(settings)
        shop.gate.release(20)
        assert_all_is_heard(await read_until(client, "audio-stop"))
        assert shop.said == [SEGMENTS]
        await ask(client)
        assert_all_is_heard(await read_until(client, "audio-stop"), "bob")
        if "engine" in settings:
            await until(lambda: shop.reclaimed == 1)


async def test_the_watchdog_s_threads_change_with_the_model() -> None:
    shop = Workshop()
    async with shop.client() as client:
        await ask(client)
        await until(lambda: shop.said[0] == SEGMENTS[:1])
        before = synthesis_threads()
        await shop.control.change({"quantization": "int8"})
        shop.gate.release(3)
        await until(lambda: shop.said[1] == SEGMENTS[1:4])
        assert synthesis_threads() == before
        shop.gate.release(20)
        assert_all_is_heard(await read_until(client, "audio-stop"))


async def test_a_failed_switch_is_told_until_one_succeeds() -> None:
    shop = Workshop()
    async with shop.client() as client:

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
        loader = shop.manager.loader
        load, loader._load = loader._load, _no_room
        answer = await configure(quantization="int8", chunk_samples=8192)
        assert (answer.type, answer.data["code"]) == ("error", "failed")
        reason = {"settings": {"quantization": "int8"}, "reason": "there is no room for it"}
        assert await failed() == reason
        assert (await configure(speed=9)).data["code"] == "bad-setting"
        assert (await configure(speed=1.5)).data["failed"] == reason  # has nothing to do with it
        shop.gate.release(20)
        await ask(client)
        assert (await read_until(client, "audio-stop")).error is None
        assert shop.said == [SEGMENTS]
        loader._load = load
        answer = await configure(quantization="bf16")
        assert (answer.data["failed"], answer.data["settings"]["quantization"]) == (None, "bf16")


def _no_room(_name: str, _config: Config) -> Engine:
    raise EngineError("there is no room for it")

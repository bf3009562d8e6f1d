"""Settings changed while the server runs: what takes effect, what is refused, and that nothing is half done."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from tests.support.client import read_event, read_until, synthesize
from tests.support.fakes import ScriptedEngine, make_voice
from tests.support.server import make_context, served
from tests.support.waiting import until
from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.server.live_settings import LiveSettings, Refused
from wyoming_k2so.server.metrics import Metrics
from wyoming_k2so.settings.config import Config, ServerConfig
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_manager import EngineManager

TEXT = "The first sentence is here. The second one follows it."


async def configure(client: AsyncTcpClient, **settings: Any) -> Event:
    await client.write_event(Event("k2so-configure", {"settings": settings}))
    event = await read_event(client)
    assert event is not None
    return event


async def test_the_description_tells_settings_limits_states_and_figures() -> None:
    engine = ScriptedEngine(name="piper")
    async with served(engine) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await synthesize(client, TEXT)
        await client.write_event(Event("k2so-describe"))
        event = await read_event(client)
    assert event is not None
    assert event.type == "k2so-info"
    info = event.data
    assert info["settings"]["chunk_samples"] == 2048
    assert info["settings"]["voice"] is None
    assert info["allowed"]["chunk_samples"]["choices"] == [2048, 4096, 8192]
    limits = info["allowed"]["prebuffer"]
    assert (limits["min"], limits["max"], limits["choices"]) == (0, 16, ["auto"])
    assert "uri" not in info["settings"]
    assert info["speaking"] == "piper"
    assert info["locked"] is False
    figures = info["figures"]
    assert figures["replies"] == 1
    assert figures["last"]["outcome"] == "ok"
    assert figures["last"]["first_audio_s"] > 0
    assert figures["last"]["rtf"] >= 0


async def test_precisions_are_offered_when_the_engine_that_has_them_is_there() -> None:
    small, big = ScriptedEngine(name="piper"), ScriptedEngine(make_voice("ann"), name="xtts")
    assert "quantization" not in make_context(small).live_settings.describe()["settings"]
    big.modes = {"none": "Exact.", "int8": "Fast."}
    big.vocoder_modes = {"fp32": "Exact."}
    info = make_context(big, small).live_settings.describe()
    assert info["settings"]["quantization"] == "auto"
    assert info["allowed"]["quantization"]["choices"] == ["auto", "none", "int8"]
    assert info["allowed"]["vocoder_precision"]["choices"] == ["auto", "fp32"]
    assert "engines" in info


def test_a_server_that_was_started_anew_is_another_instance() -> None:
    before, after = make_context(ScriptedEngine()).live_settings, make_context(ScriptedEngine()).live_settings
    assert before.describe()["instance"] == before.describe()["instance"]
    assert before.describe()["instance"] != after.describe()["instance"]


async def test_the_precisions_of_a_loaded_engine_are_explained() -> None:
    garage = Garage()
    catalog = Catalog([ScriptedEngine(name="piper")])
    control = LiveSettings(Config(), catalog, EngineManager(catalog, garage.load), Metrics())
    await control.change({"engine": "xtts"})
    engine = catalog.engines[0]
    assert isinstance(engine, ScriptedEngine)
    assert "vocoder_modes" not in control.describe()["engines"][0]
    engine.vocoder_modes = {"fp32": "Exact."}
    assert control.describe()["engines"][0]["vocoder_modes"] == {"fp32": "Exact."}


async def test_a_change_takes_effect_from_the_next_reply_on() -> None:
    gate = threading.Semaphore(0)
    engine = ScriptedEngine(make_voice("ann"), make_voice("bob"), gate=gate)
    async with (
        served(engine) as (_, port),
        AsyncTcpClient("127.0.0.1", port) as speaking,
        AsyncTcpClient("127.0.0.1", port) as other,
    ):
        await speaking.write_event(Event("synthesize", {"text": TEXT}))
        answer = await configure(other, chunk_samples=8192, voice="bob", speed=1.5)
        assert answer.type == "k2so-info"
        assert answer.data["settings"]["voice"] == "bob"
        for _ in range(10):
            gate.release()
        running = await read_until(speaking, "audio-stop")
        assert {chunk.samples for chunk in running.chunks[:-1]} == {2048}
        after = await synthesize(other, TEXT)
        assert {chunk.samples for chunk in after.chunks[:-1]} == {8192}
    assert [(request.voice, request.speed) for request in engine.requests] == [("ann", 1.0), ("bob", 1.5)]


@pytest.mark.parametrize(
    ("settings", "code", "complaint"),
    [
        ({"chunk_samples": 1000}, "bad-setting", "2048, 4096, 8192"),
        ({"prebuffer": "many"}, "bad-setting", "whole number"),
        ({"speed": 9}, "bad-setting", "from 0.5 to 2"),
        ({"uri": "tcp://0.0.0.0:1"}, "bad-setting", "uri"),
        ({"nonsense": 1}, "bad-setting", "nonsense"),
        ({"voice": "nobody"}, "bad-setting", "nobody"),
        ({"engine": "xtts"}, "failed", "cannot be loaded here"),
        ({"chunk_samples": 8192, "engine": "xtts"}, "failed", "cannot be loaded here"),
    ],
)
async def test_a_refused_change_changes_nothing(settings: dict[str, Any], code: str, complaint: str) -> None:
    async with served(ScriptedEngine()) as (service, port), AsyncTcpClient("127.0.0.1", port) as client:
        before = service.live_settings.config
        answer = await configure(client, **settings)
        assert (answer.type, answer.data["code"]) == ("error", code)
        assert complaint in answer.data["text"]
        assert service.live_settings.config == before
        assert service.catalog.defaults == before.voice
        assert (await synthesize(client, TEXT)).error is None


async def test_locked_settings_can_be_read_and_not_changed() -> None:
    config = Config(server=ServerConfig(lock_settings=True))
    async with served(ScriptedEngine(), config=config) as (service, port), AsyncTcpClient("127.0.0.1", port) as client:
        for settings in ({"prebuffer": 3}, {"quantization": "int8"}, {"nonsense": 1}, {}):
            answer = await configure(client, **settings)
            assert (answer.type, answer.data["code"]) == ("error", "locked")
        await client.write_event(Event("k2so-describe"))
        info = await read_event(client)
        assert info is not None
        assert (info.data["locked"], info.data["settings"]["prebuffer"]) == (True, "auto")
        assert service.live_settings.config == config
        # What a request asks for itself is no setting.
        context = {"chunk_samples": 8192, "speed": 2.0}
        assert {chunk.samples for chunk in (await synthesize(client, TEXT, context=context)).chunks[:-1]} == {8192}


async def test_none_means_the_default() -> None:
    control = make_context(ScriptedEngine(make_voice("ann"))).live_settings
    await control.change({"voice": "ann", "prebuffer": 7})
    assert (control.config.voice.voice, control.config.stream.prebuffer) == ("ann", 7)
    await control.change({"voice": None, "prebuffer": None})
    assert (control.config.voice.voice, control.config.stream.prebuffer) == (None, "auto")


async def test_settings_must_be_an_object() -> None:
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Event("k2so-configure", {"settings": 5}))
        assert "object" in ((await read_until(client, "error")).error or "")


class Garage:
    """Loads scripted engines, when it is told to."""

    def __init__(self) -> None:
        self.loading = threading.Event()
        self.may_load = threading.Event()
        self.may_load.set()
        self.broken = False
        self.loaded: list[Config] = []

    def load(self, name: str, config: Config) -> Engine:
        self.loading.set()
        self.may_load.wait(30)
        if self.broken:
            raise EngineError("the model is broken")
        self.loaded.append(config)
        return ScriptedEngine(make_voice(f"{name}-{len(self.loaded)}"), name=name)


async def test_an_engine_is_loaded_beside_the_one_that_speaks_and_swapped() -> None:
    garage = Garage()
    catalog = Catalog([ScriptedEngine(name="piper")])
    control = LiveSettings(Config(), catalog, EngineManager(catalog, garage.load), Metrics())
    garage.may_load.clear()
    change = asyncio.create_task(control.change({"engine": "xtts"}))
    await asyncio.to_thread(garage.loading.wait, 30)
    assert control.describe()["engines"] == [{"name": "xtts", "state": "loading", "detail": ""}]
    assert catalog.resolve().engine.name == "piper"
    garage.may_load.set()
    await change
    assert catalog.resolve().engine.name == "xtts"
    described = control.describe()["engines"][0]
    assert (described["state"], described["mode"], described["modes"]) == ("ready", "fp32", {"fp32": "The only one."})

    first = catalog.resolve().engine
    other = control.config.with_group(XttsSettings(greedy=True))
    await asyncio.to_thread(EngineManager(catalog, garage.load).loader.load, "xtts", other)
    assert catalog.resolve().engine is not first
    assert [engine.name for engine in catalog.engines] == ["xtts", "piper"]

    await control.change({"engine": "piper"})
    assert [engine.name for engine in catalog.engines] == ["piper"]
    assert control.describe()["speaking"] == "piper"


async def test_an_engine_that_is_loading_already_is_not_loaded_again() -> None:
    garage = Garage()
    catalog = Catalog([ScriptedEngine(name="piper")])
    manager = EngineManager(catalog, garage.load)
    control = LiveSettings(Config(), catalog, manager, Metrics())
    garage.may_load.clear()
    first = asyncio.create_task(asyncio.to_thread(manager.loader.load, "xtts", control.config))
    await asyncio.to_thread(garage.loading.wait, 30)
    change = asyncio.create_task(control.change({"engine": "xtts"}))
    await asyncio.sleep(0.1)  # let it wait
    garage.may_load.set()
    await asyncio.gather(first, change)
    assert (control.config.engines.engine, len(garage.loaded)) == ("xtts", 1)


async def test_an_engine_that_hangs_while_another_precision_cannot_be_loaded_is_loaded_anew() -> None:
    loading, may_fail = threading.Event(), threading.Event()

    def load(name: str, config: Config) -> Engine:
        if config.group(XttsSettings).quantization == "int8":
            loading.set()
            may_fail.wait(30)
            raise EngineError("there is no room for it")
        return ScriptedEngine(make_voice("ann"), name=name)

    catalog = Catalog([ScriptedEngine(name="piper")])
    manager = EngineManager(catalog, load)
    control = LiveSettings(Config(), catalog, manager, Metrics())
    await control.change({"engine": "xtts"})
    hanging = catalog.resolve().engine
    change = asyncio.create_task(control.change({"quantization": "int8"}))
    await asyncio.to_thread(loading.wait, 30)
    control.restart(hanging)
    may_fail.set()
    with pytest.raises(Refused, match="no room"):
        await change
    await until(lambda: catalog.named("xtts") not in (None, hanging))
    await until(lambda: manager.states["xtts"].state == "ready")


async def test_a_voice_that_nobody_has_is_refused_before_anything_is_loaded() -> None:
    garage = Garage()
    catalog = Catalog([ScriptedEngine(name="piper")])
    control = LiveSettings(Config(), catalog, EngineManager(catalog, garage.load), Metrics())
    await control.change({"engine": "xtts", "voice": "xtts-1"})
    engines, before, state = catalog.engines, control.config, control.describe()["engines"]
    for settings in (
        {"quantization": "int8", "voice": "nobody"},
        {"vocoder_precision": "fp32", "language": "tlh"},
        {"quantization": "int8", "speaker": "loud"},
        {"engine": "piper"},  # has no such voice
        {"engine": "piper", "voice": "nobody"},
    ):
        with pytest.raises(Refused) as refusal:
            await control.change(settings)
        assert refusal.value.code == "bad-setting"
        assert (catalog.engines, control.config, catalog.defaults) == (engines, before, before.voice)
    assert len(garage.loaded) == 1
    assert control.describe()["engines"] == state
    assert control.describe()["failed"] is None
    await control.change({"engine": "piper", "voice": "test"})
    assert catalog.resolve().engine.name == "piper"


async def test_an_engine_that_turns_out_not_to_have_the_voice_does_not_join() -> None:
    garage = Garage()
    small = ScriptedEngine(name="piper")
    catalog = Catalog([small])
    control = LiveSettings(Config(), catalog, EngineManager(catalog, garage.load), Metrics())
    await control.change({"engine": "piper"})
    before = control.describe()
    with pytest.raises(Refused, match="no voice 'nobody'; available: xtts-1, test") as refusal:
        await control.change({"engine": "xtts", "voice": "nobody"})
    assert refusal.value.code == "bad-setting"
    assert (catalog.engines, control.describe()) == ((small,), before)
    await control.change({"engine": "xtts", "voice": "xtts-2"})  # known only now
    assert catalog.resolve().request.voice == "xtts-2"


async def test_a_refused_engine_leaves_no_trace_and_auto_is_content_without_it() -> None:
    service = make_context(ScriptedEngine(name="piper"))
    control, catalog = service.live_settings, service.catalog
    await control.change({"engine": "piper"})
    before = control.describe()["engines"]
    with pytest.raises(Refused, match="cannot be loaded here"):
        await control.change({"engine": "xtts"})
    assert control.describe()["engines"] == before
    assert not catalog.incomplete
    await control.change({"engine": "auto"})
    assert control.config.engines.engine == "auto"


async def test_a_default_voice_may_come_with_an_engine_that_is_loading() -> None:
    service = make_context(ScriptedEngine(name="piper"))
    service.catalog.incomplete = True
    await service.live_settings.change({"voice": "Ana Florence"})
    assert service.live_settings.config.voice.voice == "Ana Florence"


async def test_an_engine_that_cannot_be_loaded_leaves_the_old_one_and_says_why() -> None:
    garage = Garage()
    catalog = Catalog([ScriptedEngine(name="piper")])
    manager = EngineManager(catalog, garage.load)
    manager.loader.load("xtts", Config())
    garage.broken = True
    old = catalog.resolve().engine
    with pytest.raises(EngineError, match="broken"):
        manager.loader.load("xtts", Config())
    assert catalog.resolve().engine is old
    assert manager.states["xtts"].state == "ready"

    assert not catalog.incomplete

    empty = Catalog()
    fresh = EngineManager(empty, garage.load)
    with pytest.raises(EngineError):
        fresh.loader.load("xtts", Config())
    assert empty.incomplete
    assert (fresh.states["xtts"].state, fresh.states["xtts"].detail) == ("failed", "the model is broken")

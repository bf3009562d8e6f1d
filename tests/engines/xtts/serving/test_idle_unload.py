"""A real model is unloaded while idle and loaded again, over real sockets; the checkpoint is tiny."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.tts import SynthesizeVoice

from tests.engines.xtts.support.speaking import SPEAKER, TEXT
from tests.support.client import synthesize
from tests.support.waiting import until
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.server.context import ServerContext
from wyoming_k2so.server.listener import Listener
from wyoming_k2so.server.live_settings import LiveSettings
from wyoming_k2so.server.metrics import Metrics
from wyoming_k2so.settings.config import Config
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_manager import EngineManager


@pytest.mark.parametrize("quantization", ["none", "int8"])
async def test_an_unloaded_model_is_freed_and_speaks_the_same_when_it_is_back(
    quantization: str, config: Config
) -> None:
    config = replace(config, voice=replace(config.voice, seed=1))
    config = config.with_group(replace(config.group(XttsSettings), quantization=quantization))
    catalog, metrics = Catalog(defaults=config.voice), Metrics()
    manager = EngineManager(catalog)
    manager.start(config, wait=True)
    service = ServerContext(catalog, LiveSettings(config, catalog, manager, metrics), metrics)
    server = Listener("tcp://127.0.0.1:0", service)
    voice = SynthesizeVoice(name=SPEAKER)
    async with server.listening() as port, AsyncTcpClient("127.0.0.1", port or 0) as client:
        before = await synthesize(client, TEXT, voice)
        assert before.start.rate == 24_000
        engine = catalog.engines[0]
        assert isinstance(engine, XttsEngine)
        gone = [weakref.ref(part) for part in (engine, engine.model, engine.model.gpt, engine.model.vocoder)]
        known = engine.voices()
        del engine

        manager.idle.unload_idle(0, service.admission.unused_s)
        assert manager.states["xtts"].state == "idle"
        assert [ref() for ref in gone] == [None] * len(gone)
        assert catalog.engines[0].voices() == tuple(known)

        bridge = await synthesize(client, TEXT, voice)
        assert (bridge.error, bridge.start.rate) == (None, 22_050)
        await until(lambda: manager.states["xtts"].state == "ready")
        after = await synthesize(client, TEXT, voice)
        assert (after.start.rate, after.audio.tolist()) == (24_000, before.audio.tolist())

"""A server inside the test process, around scripted engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.server.context import ServerContext
from wyoming_k2so.server.listener import Listener
from wyoming_k2so.server.live_settings import LiveSettings
from wyoming_k2so.server.metrics import Metrics
from wyoming_k2so.settings.config import Config, ServerConfig, StreamConfig
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_manager import EngineManager


def server_config(**server: Any) -> Config:
    """Settings of a server that sends small chunks at once."""
    return Config(server=ServerConfig(**server), stream=StreamConfig(chunk_samples=2048, prebuffer=0))


def cannot_load(name: str, _config: Config) -> Engine:
    raise EngineError(f"{name} cannot be loaded here")


def make_context(
    *engines: Engine,
    config: Config | None = None,
    stream: StreamConfig | None = None,
    load: Callable[[str, Config], Engine] = cannot_load,
) -> ServerContext:
    """Make the context of a server with these engines; `load` loads the others."""
    config = config or Config(stream=stream or StreamConfig(chunk_samples=2048, prebuffer=0, early_clause=False))
    catalog, metrics = Catalog(engines, config.voice), Metrics()
    return ServerContext(catalog, LiveSettings(config, catalog, EngineManager(catalog, load), metrics), metrics)


@asynccontextmanager
async def served(
    *engines: Engine,
    stream: StreamConfig | None = None,
    config: Config | None = None,
    load: Callable[[str, Config], Engine] = cannot_load,
) -> AsyncIterator[tuple[ServerContext, int]]:
    """Run a server with these engines on a free port; yields its context and the port."""
    context = make_context(*engines, stream=stream, config=config, load=load)
    server = Listener("tcp://127.0.0.1:0", context)
    async with server.listening() as port:
        assert port is not None
        yield context, port
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("wyoming")]

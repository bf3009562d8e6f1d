"""Serve clients, and ask such a server whether it can speak."""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from contextlib import AsyncExitStack, suppress

from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.reply.warmup import warm_up
from wyoming_k2so.server.allowlist import AllowList
from wyoming_k2so.server.context import ServerContext
from wyoming_k2so.server.discovery import announced, reachable_host
from wyoming_k2so.server.exporter import export
from wyoming_k2so.server.healthcheck import count_voices
from wyoming_k2so.server.identity import server_id
from wyoming_k2so.server.listener import Listener, ServeError, parse_uri
from wyoming_k2so.server.live_settings import LiveSettings
from wyoming_k2so.server.metrics import Metrics
from wyoming_k2so.settings import options
from wyoming_k2so.settings.config import Config
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_manager import FLAGSHIP, EngineManager

_LOGGER = logging.getLogger(__name__)


def serve(config: Config, _flags: argparse.Namespace) -> int:
    """Serve until a signal comes. Raises EngineError or OptionError when that cannot be."""
    began, metrics = time.monotonic(), Metrics()
    try:
        _, host, _, _ = parse_uri(config.server.uri)
        allowed = AllowList(config.server.allow)
    except ServeError as error:
        raise options.OptionError(f"uri: {error}") from None
    except ValueError as error:
        raise options.OptionError(f"allow: {error}") from None
    if config.server.metrics_port is not None:
        try:
            export(metrics.registry, host or "127.0.0.1", config.server.metrics_port, allowed)
        except OSError as error:
            raise EngineError(f"cannot serve metrics on port {config.server.metrics_port}: {error}") from None
    catalog = Catalog(defaults=config.voice)

    def prepare(engine: Engine) -> None:
        if engine.name == FLAGSHIP and service.admission.unused_s(engine.name):  # who is spoken to is not disturbed
            warm_up(engine, catalog.defaults, service.speed_models, service.watchdog)

    loader = EngineManager(catalog, changed=metrics.engine_state, prepare=prepare)
    identity = server_id(config.engines.data_dir.expanduser())
    control = LiveSettings(config, catalog, loader, metrics, identity)
    service = ServerContext(catalog, control, metrics)
    server = Listener(config.server.uri, service)

    failures: list[Exception] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def failed(error: Exception) -> None:
            failures.append(error)
            with suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(server.stop)

        loader.start(config, wait=False, failed=failed)
        if config.server.idle_unload:
            loader.watch(60 * config.server.idle_unload, service.admission.unused_s)
        async with server.listening() as port, AsyncExitStack() as stack:
            _log_ready(config.server.uri, host, port, time.monotonic() - began)
            if (name := config.server.zeroconf) is not None:
                await _announce(stack, host, port, name, identity)
            await server.stopped()
        _LOGGER.info("Stopped")

    asyncio.run(run())
    if failures:
        raise failures[0]
    return 0


async def _announce(stack: AsyncExitStack, host: str, port: int | None, name: str, identity: str | None) -> None:
    """Announce the server as long as `stack` is open, if that can be done."""
    import zeroconf  # noqa: PLC0415  a server that is not announced starts without it

    if port is None:
        _LOGGER.warning("Not announced on the local network: nobody there can reach it without TCP")
        return
    try:
        await stack.enter_async_context(announced(host, port, name, identity))
        _LOGGER.info("Announced on the local network")
    except (OSError, zeroconf.Error) as error:
        _LOGGER.warning("Not announced on the local network: %s", error)


def _log_ready(uri: str, host: str, port: int | None, seconds: float) -> None:
    if port is None:
        _LOGGER.info("Ready at %s after %.1f s", uri, seconds)
        return
    _LOGGER.info("Ready at tcp://%s:%d after %.1f s", host, port, seconds)
    _LOGGER.info(
        "To add it to Home Assistant: Settings > Devices & services > Add integration > K2-SO or Wyoming Protocol, "
        "host %s, port %d",
        reachable_host(host),
        port,
    )


def check(config: Config, _flags: argparse.Namespace) -> int:
    """Ask the server at the configured address for its voices. Raises EngineError: it cannot speak."""
    uri = config.server.uri
    if not uri.startswith(("tcp://", "unix://")):
        raise options.OptionError(f"uri: {uri!r} is none to ask at; it must be tcp://HOST:PORT or unix://PATH")
    try:
        voices = asyncio.run(count_voices(uri))
    except (OSError, ValueError) as error:
        raise EngineError(f"no server answers at {uri}: {error or 'not in time'}") from None
    if not voices:
        raise EngineError(f"the server at {uri} has no voice")
    print(f"The server at {uri} speaks in {voices} voice{'s' if voices > 1 else ''}.")
    return 0

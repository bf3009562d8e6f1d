"""Serve Wyoming clients."""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from contextlib import AsyncExitStack, suppress

from wyoming_k2so.engine import Engine
from wyoming_k2so.reply.warmup import warm_up
from wyoming_k2so.server.address import ServeError, parse_uri
from wyoming_k2so.server.allowlist import AllowList
from wyoming_k2so.server.context import ServerContext
from wyoming_k2so.server.discovery import announced, reachable_host
from wyoming_k2so.server.exporter import export
from wyoming_k2so.server.identity import server_id
from wyoming_k2so.server.listener import Listener
from wyoming_k2so.server.live_settings import LiveSettings
from wyoming_k2so.server.metrics import Metrics
from wyoming_k2so.settings.config import Config
from wyoming_k2so.settings.errors import UserError
from wyoming_k2so.settings.options import OptionError
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_manager import EngineManager

_LOGGER = logging.getLogger(__name__)


def serve(config: Config, _flags: argparse.Namespace) -> int:
    """Serve until a signal comes. Raises UserError, EngineError or UnknownVoice: the server cannot start."""
    began, metrics = time.monotonic(), Metrics()
    try:
        host = parse_uri(config.server.uri).host
        allowed = AllowList(config.server.allow)
    except ServeError as error:
        raise OptionError(f"uri: {error}") from None
    except ValueError as error:
        raise OptionError(f"allow: {error}") from None
    if (metrics_port := config.server.metrics_port) is not None:
        try:
            export(metrics.registry, host or "127.0.0.1", metrics_port, allowed)
        except OSError as error:
            reason = f"cannot serve metrics on port {metrics_port}: {error.strerror or error}"
            raise UserError(f"{reason}; choose another port with --metrics-port") from None
    catalog = Catalog(defaults=config.voice)

    def prepare(engine: Engine) -> None:
        # The fallback engine starts at once, and a warm-up would slow down an engine that is speaking.
        if engine.name != manager.fallback and context.admission.unused_s(engine.name):
            warm_up(engine, catalog.defaults, context.speed_models, context.watchdog)

    manager = EngineManager(catalog, changed=metrics.engine_state, prepare=prepare)
    identity = server_id(config.engines.data_dir.expanduser())
    context = ServerContext(catalog, LiveSettings(config, catalog, manager, metrics, identity), metrics)
    server = Listener(config.server.uri, context)

    failures: list[Exception] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def failed(error: Exception) -> None:
            failures.append(error)
            with suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(server.stop)

        manager.start(config, wait=False, failed=failed)
        if config.server.idle_unload:
            manager.idle.watch(60 * config.server.idle_unload, context.admission.unused_s)
        async with server.listening() as port, AsyncExitStack() as stack:
            _log_ready(config.server.uri, host, port, time.monotonic() - began)
            if (name := config.server.zeroconf) is not None:
                await _announce(stack, host, port, name, identity)
            await server.stopped()
        _LOGGER.info("stopped")

    asyncio.run(run())
    if failures:
        raise failures[0]
    return 0


async def _announce(stack: AsyncExitStack, host: str, port: int | None, name: str, identity: str | None) -> None:
    """Announce the server while `stack` is open. Only logs it if that fails."""
    import zeroconf  # noqa: PLC0415  a server that is not announced starts without it

    if port is None:
        _LOGGER.warning("not announced on the local network: other machines can only reach a server that uses TCP")
        return
    try:
        await stack.enter_async_context(announced(host, port, name, identity))
        _LOGGER.info("announced on the local network")
    except (OSError, zeroconf.Error) as error:
        _LOGGER.warning("not announced on the local network: %s", error)


def _log_ready(uri: str, host: str, port: int | None, seconds: float) -> None:
    if port is None:
        _LOGGER.info("ready at %s after %.1f s", uri, seconds)
        return
    _LOGGER.info("ready at tcp://%s:%d after %.1f s", host, port, seconds)
    _LOGGER.info(
        "to add it to Home Assistant: Settings > Devices & contexts > Add integration > K2-SO or Wyoming Protocol, "
        "host %s, port %d",
        reachable_host(host),
        port,
    )

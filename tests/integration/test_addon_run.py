"""The app (add-on) as it runs, beside a fake Supervisor that answers over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from custom_components.k2so.client import K2soClient
from custom_components.k2so.const import DOMAIN

from .addon import ADDON, config
from .environment import ROOT
from .process import free_port

TOKEN = "a-token"
TIMEOUT_S = 30.0


@dataclass
class Supervisor:
    """A Supervisor, as far as the app uses it; `broken` are the parts that respond with an error."""

    handlers: list[str] = field(default_factory=lambda: ["mqtt", "wyoming"])
    broken: tuple[str, ...] = ()
    announced: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Supervisor]:
        app = web.Application()
        app.router.add_get("/core/api/config/config_entries/flow_handlers", self._flow_handlers)
        app.router.add_post("/discovery", self._discovery)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _flow_handlers(self, request: web.Request) -> web.Response:
        self._check(request, "core")
        return web.json_response(self.handlers)

    async def _discovery(self, request: web.Request) -> web.Response:
        self._check(request, "discovery")
        body = await request.json()
        if body.keys() != {"service", "config"} or body["service"] not in config()["discovery"]:
            raise web.HTTPBadRequest
        self.announced.append(body)
        return web.json_response({"result": "ok", "data": {"uuid": "1"}})

    def _check(self, request: web.Request, part: str) -> None:
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            raise web.HTTPUnauthorized
        if part in self.broken:
            raise web.HTTPBadGateway


@dataclass
class App:
    """A running run.py, started as the Supervisor starts it, in a folder of the test."""

    process: asyncio.subprocess.Process
    port: int
    log: str = ""

    async def wait_for_log(self, text: str) -> None:
        assert self.process.stderr
        async with asyncio.timeout(TIMEOUT_S):
            while text not in self.log:
                line = await self.process.stderr.readline()
                assert line, self.log
                self.log += line.decode()

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.wait_until_stopped()

    async def wait_until_stopped(self) -> int:
        _, rest = await asyncio.wait_for(self.process.communicate(), TIMEOUT_S)
        self.log += rest.decode()
        assert self.process.returncode is not None
        return self.process.returncode


@pytest.fixture
async def start(server_python: str, tmp_path: Path) -> AsyncIterator[Any]:
    apps: list[App] = []

    async def start(supervisor: Supervisor, **options: Any) -> App:
        # Stands in for the program that the image installs, and records its environment.
        program = tmp_path / "wyoming-k2so"
        program.write_text(f'#!/bin/sh\nenv >{tmp_path}/environment\nexec {server_python} -m wyoming_k2so "$@"\n')
        program.chmod(0o755)
        (tmp_path / "options.json").write_text(json.dumps(config()["options"] | {"engine": "piper"} | options))
        port = free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("K2SO_")} | {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "SUPERVISOR": f"http://127.0.0.1:{supervisor.port}",
            "SUPERVISOR_TOKEN": TOKEN,
            "K2SO_URI": f"tcp://127.0.0.1:{port}",
            "K2SO_DATA_DIR": str(tmp_path),
            "K2SO_CACHE_DIR": str(tmp_path / "cache"),
            "K2SO_VOICES_DIR": str(tmp_path / "config/voices"),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ADDON / "run.py"), env=environment, stderr=asyncio.subprocess.PIPE
        )
        apps.append(App(process, port))
        return apps[-1]

    yield start
    for app in apps:
        if app.process.returncode is None:
            await app.stop()


def uri(app: App) -> dict[str, str]:
    return {"uri": f"tcp://{socket.gethostname()}:{app.port}"}


async def test_serves_with_its_options_and_announces_itself_to_both_integrations(start: Any, tmp_path: Path) -> None:
    async with Supervisor(["mqtt", "wyoming", DOMAIN]).serving() as supervisor:
        options = {"quantization": "bf16", "chunk_samples": "2048", "prebuffer": "3", "speed": 1.5, "language": ""}
        app = await start(supervisor, lock_settings=True, **options)
        await app.wait_for_log("announced to Home Assistant as k2so")
        state = await K2soClient("127.0.0.1", app.port).describe()
        assert await app.stop() == 0
    assert supervisor.announced == [{"service": name, "config": uri(app)} for name in ("wyoming", DOMAIN)]
    assert state.k2so
    chosen = {"engine": "piper", "chunk_samples": 2048, "prebuffer": 3, "speed": 1.5}
    assert {key: state.k2so.settings[key] for key in chosen} == chosen
    environment = (tmp_path / "environment").read_text("utf-8")
    assert {"K2SO_LOCK_SETTINGS=true", "K2SO_QUANTIZATION=bf16"} <= set(environment.splitlines())
    assert "K2SO_LANGUAGE" not in environment
    assert TOKEN not in environment
    assert (tmp_path / "config/voices").is_dir()


async def test_does_not_announce_itself_to_an_integration_that_is_not_installed(start: Any) -> None:
    async with Supervisor().serving() as supervisor:
        app = await start(supervisor)
        await app.wait_for_log("announced to Home Assistant as wyoming")
        assert await app.stop() == 0
    assert supervisor.announced == [{"service": "wyoming", "config": uri(app)}]
    assert "integration k2so is not installed" in app.log


@pytest.mark.parametrize(
    ("broken", "announced"), [(("core",), ["wyoming"]), (("core", "discovery"), [])], ids=["core", "all"]
)
async def test_serves_even_if_the_supervisor_fails(start: Any, broken: tuple[str, ...], announced: list[str]) -> None:
    async with Supervisor(broken=broken).serving() as supervisor:
        app = await start(supervisor)
        await app.wait_for_log("to Home Assistant as wyoming")
        assert (await K2soClient("127.0.0.1", app.port).describe()).voices
        assert await app.stop() == 0
    assert [message["service"] for message in supervisor.announced] == announced
    assert "cannot find out whether integration k2so is installed" in app.log
    assert ("add tcp://" in app.log) == (not announced)


async def test_does_not_announce_a_server_that_cannot_start(start: Any) -> None:
    async with Supervisor().serving() as supervisor:
        app = await start(supervisor, voice="nobody")
        assert await app.wait_until_stopped() == 2
    assert supervisor.announced == []
    assert "nobody" in app.log
    assert "Traceback" not in app.log

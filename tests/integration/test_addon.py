"""The app (add-on): what it is by the rules of the Supervisor, and its start beside one that answers over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol
from aiohttp import web
from homeassistant.util.yaml import load_yaml_dict

from custom_components.k2so.client import K2soClient
from custom_components.k2so.const import DOMAIN

from .process import free_port

ROOT = Path(__file__).parents[2]
ADDON = ROOT / "addon"
TOKEN = "a-token"
PATIENCE_S = 30.0

FIELD = re.compile(r"(bool|str|int|float|list|match)(?:\((.*)\))?(\?)?")
"""The kinds of option that we use, of those that the Supervisor knows; `?` marks one that may be left out."""


def config() -> dict[str, Any]:
    return dict(load_yaml_dict(str(ADDON / "config.yaml")))


def parts(kind: str) -> tuple[str, str, bool]:
    """Kind of an option, what it is limited to, and whether it may be left out."""
    found = FIELD.fullmatch(kind)
    assert found, f"the Supervisor knows no {kind}"
    return found[1], found[2] or "", bool(found[3])


def values(kind: str) -> list[Any]:
    """What a user may choose: all of a list, the ends of a range."""
    name, limits, _ = parts(kind)
    match name:
        case "bool":
            return [True, False]
        case "list":
            return limits.split("|")
        case "int" | "float":
            return [(int if name == "int" else float)(limit) for limit in limits.split(",")]
        case "match":
            return [value for value in ("de", "pt-BR", "zh-cn") if re.match(limits, value)]
    return ["a text"]


# ---- its description --------------------------------------------------------------------------------------------


def test_the_description_has_what_the_supervisor_asks_for() -> None:
    port = re.compile(r"\d+/(?:tcp|udp)")
    described = vol.Schema(
        {
            **{vol.Required(key): str for key in ("name", "version", "description")},
            vol.Required("slug"): vol.Match(r"^[-_.A-Za-z0-9]+$"),
            vol.Required("arch"): [vol.In(["amd64", "aarch64"])],
            vol.Required("url"): vol.Url(),
            vol.Required("stage"): vol.In(["stable", "experimental", "deprecated"]),
            vol.Required("discovery"): [str],
            vol.Required("homeassistant_api"): bool,
            vol.Required("ports"): {vol.Match(port): vol.Any(None, vol.Range(min=1, max=65535))},
            vol.Required("map"): [vol.Match(r"^(?:app_config|share|media|ssl)(?::r[wo])?$")],
            vol.Required("backup_exclude"): [str],
            vol.Required("timeout"): vol.All(int, vol.Range(min=10, max=300)),
            vol.Required("options"): dict,
            vol.Required("schema"): {str: vol.Match(FIELD)},
        }
    )
    described(config())


def test_it_is_found_in_the_repository_and_nothing_else_is_taken_for_an_app() -> None:
    assert load_yaml_dict(str(ROOT / "repository.yaml")).keys() >= {"name", "url"}
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    # The Supervisor does not search hidden folders.
    found = re.findall(r"(?m)^(?!\.|.*/\.)(?:.*/)?config\.(?:ya?ml|json)$", names.stdout.decode())
    assert found == ["addon/config.yaml"]


def test_it_has_the_version_of_the_package_that_its_image_installs() -> None:
    package = re.search(r'__version__ = "(.*)"', (ROOT / "wyoming_k2so/__init__.py").read_text("utf-8"))
    assert package
    assert config()["version"] == package[1]


def test_what_is_preset_may_be_chosen_and_the_rest_may_be_left_out() -> None:
    options, schema = config()["options"], config()["schema"]
    assert {key: value in values(schema[key]) for key, value in options.items()} == dict.fromkeys(options, True)
    assert {key for key, kind in schema.items() if not parts(kind)[2]} == set(options)


def test_the_server_takes_every_value_that_may_be_chosen(server_python: str) -> None:
    settings = runpy.run_path(str(ADDON / "run.py"))["settings"]
    chosen = [settings({key: value}) for key, kind in config()["schema"].items() for value in values(kind)]
    code = "import json, sys; from wyoming_k2so.options import read; [read({}, e, None) for e in json.load(sys.stdin)]"
    done = subprocess.run(
        [server_python, "-c", code], input=json.dumps(chosen), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(chosen) > 30


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_option_is_explained(language: str) -> None:
    texts = load_yaml_dict(str(ADDON / "translations" / f"{language}.yaml"))
    assert list(texts["configuration"]) == list(config()["schema"])
    assert all(text.keys() == {"name", "description"} for text in texts["configuration"].values())
    assert texts["network"].keys() == config()["ports"].keys()


# ---- its start --------------------------------------------------------------------------------------------------


@dataclass
class Supervisor:
    """What an app sees of the Supervisor; `broken` are the parts that answer with an error."""

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
    """run.py as the Supervisor starts it, in a folder of the test."""

    process: asyncio.subprocess.Process
    port: int
    log: str = ""

    async def says(self, text: str) -> None:
        assert self.process.stderr
        async with asyncio.timeout(PATIENCE_S):
            while text not in self.log:
                line = await self.process.stderr.readline()
                assert line, self.log
                self.log += line.decode()

    async def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        _, rest = await asyncio.wait_for(self.process.communicate(), PATIENCE_S)
        self.log += rest.decode()
        assert self.process.returncode is not None
        return self.process.returncode


@pytest.fixture
async def start(server_python: str, tmp_path: Path) -> AsyncIterator[Any]:
    apps: list[App] = []

    async def start(supervisor: Supervisor, **options: Any) -> App:
        # What the image puts on the PATH; it leaves its environment behind to be looked at.
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
            await app.end()


def uri(app: App) -> dict[str, str]:
    return {"uri": f"tcp://{socket.gethostname()}:{app.port}"}


async def test_it_serves_with_its_options_and_is_announced_to_both_integrations(start: Any, tmp_path: Path) -> None:
    async with Supervisor(["mqtt", "wyoming", DOMAIN]).serving() as supervisor:
        options = {"quantization": "bf16", "chunk_samples": "2048", "prebuffer": "3", "speed": 1.5, "language": ""}
        app = await start(supervisor, lock_settings=True, **options)
        await app.says("Announced to Home Assistant as k2so")
        state = await K2soClient("127.0.0.1", app.port).describe()
        assert await app.end() == 0
    assert supervisor.announced == [{"service": name, "config": uri(app)} for name in ("wyoming", DOMAIN)]
    assert state.control
    chosen = {"engine": "piper", "chunk_samples": 2048, "prebuffer": 3, "speed": 1.5}
    assert {key: state.control.settings[key] for key in chosen} == chosen
    environment = (tmp_path / "environment").read_text("utf-8")
    assert {"K2SO_LOCK_SETTINGS=true", "K2SO_QUANTIZATION=bf16"} <= set(environment.splitlines())
    assert "K2SO_LANGUAGE" not in environment
    assert TOKEN not in environment
    assert (tmp_path / "config/voices").is_dir()


async def test_an_integration_that_is_not_there_is_not_told(start: Any) -> None:
    async with Supervisor().serving() as supervisor:
        app = await start(supervisor)
        await app.says("Announced to Home Assistant as wyoming")
        assert await app.end() == 0
    assert supervisor.announced == [{"service": "wyoming", "config": uri(app)}]
    assert "k2so is not installed" in app.log


@pytest.mark.parametrize(
    ("broken", "announced"), [(("core",), ["wyoming"]), (("core", "discovery"), [])], ids=["core", "all"]
)
async def test_it_speaks_whatever_the_supervisor_answers(
    start: Any, broken: tuple[str, ...], announced: list[str]
) -> None:
    async with Supervisor(broken=broken).serving() as supervisor:
        app = await start(supervisor)
        await app.says("nnounced to Home Assistant as wyoming")
        assert (await K2soClient("127.0.0.1", app.port).describe()).voices
        assert await app.end() == 0
    assert [message["service"] for message in supervisor.announced] == announced
    assert "does not say whether it has the integration k2so" in app.log
    assert ("add tcp://" in app.log) == (not announced)


async def test_a_server_that_cannot_start_is_not_announced(start: Any) -> None:
    async with Supervisor().serving() as supervisor:
        app = await start(supervisor, voice="nobody")
        assert await app.ended() == 2
    assert supervisor.announced == []
    assert "nobody" in app.log
    assert "Traceback" not in app.log

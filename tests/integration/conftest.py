"""Fixtures: Home Assistant within the test and as a process, and real and fake servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from imageio_ffmpeg import get_ffmpeg_exe
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.k2so.client import K2soClient
from custom_components.k2so.const import DOMAIN

from . import user_actions
from .config_entries import add_entry
from .environment import ASSIST_STUB, INTEGRATION, allow_sockets, python_of
from .fake_server import START, STOP, STOPPED, TENTH, FakeServer, chunk, fake_k2so, fake_other
from .hass_process import HassProcess, Websocket
from .server_process import ServerProcess
from .user_actions import Entry


@pytest.fixture(autouse=True)
def _sockets_in_tests(socket_enabled: None) -> None:
    """Allow connections: all tests talk to real servers, which the test kit limits to 127.0.0.1."""


# ---- real servers ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def server_python() -> str:
    """The Python of the environment that the server runs in."""
    return python_of("K2SO_DEV_SERVER_PYTHON")


@pytest.fixture(scope="session")
def xtts_python() -> str:
    """The Python of the environment with the dependencies of XTTS."""
    return python_of("K2SO_DEV_XTTS_PYTHON")


@pytest.fixture(scope="session")
def server(server_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that speaks with its embedded voice."""
    allow_sockets()
    with ServerProcess(server_python, tmp_path_factory.mktemp("server")).running() as server:
        yield server


@pytest.fixture
def starting(server_python: str, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts a server for one test, with arguments of its own."""
    with ExitStack() as running:
        yield lambda *arguments: running.enter_context(ServerProcess(server_python, tmp_path, *arguments).running())


# ---- Home Assistant as a process ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def hass_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HassProcess]:
    """A Home Assistant with our integration, network discovery, an agent that echoes and a player that records."""
    allow_sockets()
    folder = tmp_path_factory.mktemp("hass")
    components = (ASSIST_STUB, INTEGRATION)
    with HassProcess(folder, configuration="assist_stub:\nzeroconf:\n", components=components).running() as hass:
        yield hass


@pytest.fixture
async def websocket(hass_process: HassProcess) -> AsyncIterator[Websocket]:
    """A logged-in connection to Home Assistant."""
    async with hass_process.websocket() as websocket:
        yield websocket


@pytest.fixture(scope="module")
def added(hass_process: HassProcess, server: ServerProcess) -> Iterator[Entry]:
    """The real server, added to the Home Assistant process with our integration."""
    allow_sockets()
    entry = user_actions.add(hass_process, server, DOMAIN)
    yield entry
    user_actions.remove(hass_process, entry)


# ---- Home Assistant within the test ---------------------------------------------------------------------------------


@pytest.fixture
async def home(hass: HomeAssistant, enable_custom_integrations: None, tmp_path: Path) -> HomeAssistant:
    """A Home Assistant with everything that our integration depends on."""
    hass.config.config_dir = str(tmp_path)
    hass.config.media_dirs = {"local": str(tmp_path / "media")}
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "ffmpeg", {"ffmpeg": {"ffmpeg_bin": get_ffmpeg_exe()}})
    assert await async_setup_component(hass, "tts", {})
    assert await async_setup_component(hass, "media_source", {})
    return hass


@pytest.fixture
async def entry(home: HomeAssistant, server: ServerProcess) -> AsyncIterator[MockConfigEntry]:
    """An entry for the real server, whose settings are reset after the test."""
    entry = await add_entry(home, server)
    yield entry
    client = K2soClient(server.host, server.port)
    k2so = (await client.describe()).k2so
    assert k2so
    await client.configure(dict.fromkeys(k2so.settings))


@pytest.fixture
async def other_server(socket_enabled: None) -> AsyncIterator[FakeServer]:
    """A fake Wyoming server that is not a K2-SO server; it has no entry yet."""
    async with fake_other().listen() as fake:
        yield fake


@pytest.fixture
async def k2so_server(home: HomeAssistant, socket_enabled: None) -> AsyncIterator[FakeServer]:
    """A fake K2-SO server that answers with a tenth of a second of silence; it has an entry."""
    async with fake_k2so().listen() as fake:
        fake.script["synthesize-stop"] = [START, chunk(TENTH), STOP, STOPPED]
        await add_entry(home, fake)
        yield fake

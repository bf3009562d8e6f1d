"""Fixtures: a running Home Assistant, a running server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_socket
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.dt import utcnow
from imageio_ffmpeg import get_ffmpeg_exe
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.k2so.client import K2soClient
from custom_components.k2so.const import DOMAIN
from custom_components.k2so.coordinator import UPDATE_INTERVAL

from . import user_actions
from .fake_server import RATE, START, STOP, STOPPED, Peer, chunk, k2so, parrot
from .hass_process import HassProcess, Websocket
from .server_process import ServerProcess
from .user_actions import Entry

HOUSE = Path(__file__).parent / "components" / "assist_stub"
OURS = Path(__file__).parents[2] / "custom_components" / "k2so"

TENTH = bytes(RATE // 10 * 2)
"""A tenth of a second of silence."""


def allow_sockets() -> None:
    """The test kit of Home Assistant forbids sockets before each test; fixtures that live longer need them too."""
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def _sockets_in_tests(socket_enabled: None) -> None:
    """Everything here speaks to real processes, which the kit lets be on 127.0.0.1 only."""


def python_of(variable: str) -> str:
    """The Python of another environment, which script/test names."""
    return os.environ.get(variable) or pytest.fail(f"{variable} must name the Python of an environment of its own")


@pytest.fixture(scope="session")
def server_python() -> str:
    """The Python of the environment that the server runs in."""
    return python_of("K2SO_DEV_SERVER_PYTHON")


@pytest.fixture(scope="session")
def server(server_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that speaks with its embedded voice."""
    allow_sockets()
    with ServerProcess(server_python, tmp_path_factory.mktemp("server")).running() as server:
        yield server


@pytest.fixture(scope="session")
def xtts_python() -> str:
    """The Python of the environment that has what XTTS needs."""
    return python_of("K2SO_DEV_XTTS_PYTHON")


@pytest.fixture
def starting(server_python: str, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts a server of the test's own, with arguments of its own."""
    with ExitStack() as running:
        yield lambda *arguments: running.enter_context(ServerProcess(server_python, tmp_path, *arguments).running())


@pytest.fixture
async def websocket(hass_process: HassProcess) -> AsyncIterator[Websocket]:
    """Logged in at Home Assistant."""
    async with hass_process.websocket() as websocket:
        yield websocket


@pytest.fixture(scope="session")
def hass_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HassProcess]:
    """A Home Assistant that looks around in the network, with our integration, an agent that repeats what it is told,
    and a player that writes files."""
    allow_sockets()
    folder = tmp_path_factory.mktemp("hass")
    with HassProcess(folder, configuration="assist_stub:\nzeroconf:\n", components=(HOUSE, OURS)).running() as hass:
        yield hass


@pytest.fixture(scope="module")
def added(hass_process: HassProcess, server: ServerProcess) -> Iterator[Entry]:
    """Our own server, added to the running Home Assistant by our integration."""
    allow_sockets()
    entry = user_actions.add(hass_process, server, DOMAIN)
    yield entry
    user_actions.remove(hass_process, entry)


@pytest.fixture
async def home(hass: HomeAssistant, enable_custom_integrations: None, tmp_path: Path) -> HomeAssistant:
    """A Home Assistant within the test, with what our integration leans on."""
    hass.config.config_dir = str(tmp_path)
    hass.config.media_dirs = {"local": str(tmp_path / "media")}
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "ffmpeg", {"ffmpeg": {"ffmpeg_bin": get_ffmpeg_exe()}})
    assert await async_setup_component(hass, "tts", {})
    assert await async_setup_component(hass, "media_source", {})
    return hass


async def add(home: HomeAssistant, server: ServerProcess | Peer, **fields: object) -> MockConfigEntry:
    """Set a server up."""
    data = {"host": server.host, "port": server.port}
    entry = MockConfigEntry(**{"domain": DOMAIN, "title": "K2-SO", "data": data} | fields)
    entry.add_to_hass(home)
    await home.config_entries.async_setup(entry.entry_id)
    await home.async_block_till_done(wait_background_tasks=True)
    return entry


async def pass_time(home: HomeAssistant, interval: timedelta = UPDATE_INTERVAL) -> None:
    """To the next look at the server."""
    await home.async_block_till_done(wait_background_tasks=True)
    async_fire_time_changed(home, utcnow() + interval + timedelta(seconds=1))
    await home.async_block_till_done(wait_background_tasks=True)


@pytest.fixture
async def entry(home: HomeAssistant, server: ServerProcess) -> AsyncIterator[MockConfigEntry]:
    """Our own server, set up; its settings are its own again after the test."""
    entry = await add(home, server)
    yield entry
    client = K2soClient(server.host, server.port)
    control = (await client.describe()).control
    assert control
    await client.configure(dict.fromkeys(control.settings))


@pytest.fixture
async def peer(socket_enabled: None) -> AsyncIterator[Peer]:
    """A Wyoming server that is not ours."""
    async with parrot().listen() as peer:
        yield peer


@pytest.fixture
async def ours(home: HomeAssistant, socket_enabled: None) -> AsyncIterator[Peer]:
    """A scripted server of our own kind that says a tenth of a second of silence, set up."""
    async with k2so().listen() as peer:
        peer.script["synthesize-stop"] = [START, chunk(TENTH), STOP, STOPPED]
        await add(home, peer)
        yield peer


@pytest.fixture
async def theirs(home: HomeAssistant, peer: Peer) -> Peer:
    """A scripted server of somebody else's that says the same, set up."""
    peer.script["synthesize-stop"] = [START, chunk(TENTH), STOP, STOPPED]
    await add(home, peer)
    return peer

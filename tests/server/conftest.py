"""Servers for the tests: one inside the test around a scripted engine, one as a real process with the real voice."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wyoming_k2so.catalog import Catalog
from wyoming_k2so.config import Config, StreamConfig
from wyoming_k2so.control import Control
from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.loader import Loader
from wyoming_k2so.metrics import Metrics
from wyoming_k2so.server import Server
from wyoming_k2so.service import Service

ROOT = Path(__file__).parents[2]


def cannot_load(name: str, _config: Config) -> Engine:
    raise EngineError(f"{name} cannot be loaded here")


def make_service(
    *engines: Engine,
    config: Config | None = None,
    stream: StreamConfig | None = None,
    load: Callable[[str, Config], Engine] = cannot_load,
) -> Service:
    """What a server shares between its connections, around `engines`; `load` makes those that are loaded later."""
    config = config or Config(stream=stream or StreamConfig(chunk_samples=2048, prebuffer=0, early_clause=False))
    catalog, metrics = Catalog(engines, config.voice), Metrics()
    return Service(catalog, Control(config, catalog, Loader(catalog, load), metrics), metrics)


@asynccontextmanager
async def served(
    *engines: Engine,
    stream: StreamConfig | None = None,
    config: Config | None = None,
    load: Callable[[str, Config], Engine] = cannot_load,
) -> AsyncIterator[tuple[Service, int]]:
    """A server for `engines` on a free port; gives its service and the port."""
    service = make_service(*engines, stream=stream, config=config, load=load)
    server = Server("tcp://127.0.0.1:0", service)
    async with server.listening() as port:
        assert port is not None
        yield service, port
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("wyoming")]


class ServerProcess:
    """`python -m wyoming_k2so`, or another module that serves as `program`, with a log that can be read."""

    def __init__(
        self, *arguments: str, uri: str = "tcp://127.0.0.1:0", program: Sequence[str] = ("wyoming_k2so",)
    ) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("K2SO_")}
        self._data = tempfile.TemporaryDirectory()
        environment["K2SO_DATA_DIR"] = self._data.name
        self.process = subprocess.Popen(
            [sys.executable, "-m", *program, "--uri", uri, "--engine", "piper", "--seed", "1", *arguments],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(60) or self.process.poll() is not None:
            raise RuntimeError(f"the server did not start: {self.log}")

    @property
    def log(self) -> str:
        return "".join(self.lines)

    @property
    def port(self) -> int:
        found = re.search(r"Ready at tcp://[^:]+:(\d+)", self.log)
        assert found
        return int(found[1])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; returns the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end; returns the exit status."""
        status = self.process.wait(20)
        self._data.cleanup()
        self._reader.join(5)
        return status

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if "Ready at" in line:
                self._ready.set()
        self._ready.set()


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Commands that ran in this process have set the level; the next test starts without one."""
    logger = logging.getLogger("wyoming_k2so")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture(scope="session")
def server() -> Iterator[ServerProcess]:
    """One real server process for all tests that leave it as it is."""
    process = ServerProcess("--debug")
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log


@pytest.fixture
def logs_restored() -> Iterator[None]:
    """For tests in which the program sets up its log."""
    root, ours = logging.getLogger(), logging.getLogger("wyoming_k2so")
    before = root.level, root.handlers[:], ours.level
    libraries = {name: logging.getLogger(name).level for name in ("piper", "TTS")}
    root.handlers.clear()  # those of pytest, which `configure` would close
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    ours.setLevel(before[2])
    for name, level in libraries.items():
        logging.getLogger(name).setLevel(level)

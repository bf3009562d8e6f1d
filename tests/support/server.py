"""Servers for the tests: one inside the test around a scripted engine, one as a real process with the real voice."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from wyoming_k2so.engine import Engine, EngineError
from wyoming_k2so.server.context import ServerContext
from wyoming_k2so.server.listener import Listener
from wyoming_k2so.server.live_settings import LiveSettings
from wyoming_k2so.server.metrics import Metrics
from wyoming_k2so.settings.config import Config, StreamConfig
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_manager import EngineManager

ROOT = Path(__file__).parents[2]


def cannot_load(name: str, _config: Config) -> Engine:
    raise EngineError(f"{name} cannot be loaded here")


def make_context(
    *engines: Engine,
    config: Config | None = None,
    stream: StreamConfig | None = None,
    load: Callable[[str, Config], Engine] = cannot_load,
) -> ServerContext:
    """What a server shares between its connections, around `engines`; `load` makes those that are loaded later."""
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
    """A server for `engines` on a free port; gives its service and the port."""
    service = make_context(*engines, stream=stream, config=config, load=load)
    server = Listener("tcp://127.0.0.1:0", service)
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
        found = re.search(r"ready at tcp://[^:]+:(\d+)", self.log)
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
            if "ready at" in line:
                self._ready.set()
        self._ready.set()

"""A server in a real process, with the embedded voice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


class ServerProcess:
    """`python -m wyoming_k2so`, or another `program`, with its log."""

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

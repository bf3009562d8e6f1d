"""Our own server as a process, in its own environment."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 60.0
STOP_S = 10.0

# Piper draws random numbers, and now and then speaks a word so that Whisper takes it for another.
STEADY = ("--seed", "1")


class ServerProcess:
    """`python -m wyoming_k2so` on a port of this machine. May be started again after `stop`, at the same port."""

    host = "127.0.0.1"

    def __init__(self, python: str, port: int, folder: Path, *arguments: str) -> None:
        self.port = port
        self._output = folder / "server.txt"
        folders = ("--data-dir", str(folder / "data"), "--cache-dir", str(folder / "cache"))
        uri = f"tcp://{self.host}:{port}"
        self._command = (python, "-m", "wyoming_k2so", "--uri", uri, *folders, *STEADY, "--debug", *arguments)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it accepts clients. Raises RuntimeError with its log."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("K2SO_")}
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_S
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end; kill it when it does not."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(f"the server did not end within {STOP_S} s:\n{self.log()}") from None
        finally:
            self._process = None

    def log(self) -> str:
        """All that it has said so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def wait_for_log(self, text: str, *, after: int = 0, timeout_s: float = 10.0) -> None:
        """Wait until it says `text`, behind the first `after` characters. Raises RuntimeError."""
        deadline = time.monotonic() + timeout_s
        while text not in self.log()[after:]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"never said {text!r}:\n{self.log()[-4000:]}")
            time.sleep(0.05)

    def _accepts(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True

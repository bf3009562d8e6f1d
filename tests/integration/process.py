"""Runs a program beside the tests and keeps its log. It knows nothing of what the program does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self


class ProcessError(Exception):
    """A program did not start, did not stop, or never logged an expected text; the message ends with its log."""


class Process:
    """A program that can be started again after `stop`, and appends to the same log then."""

    START_S = 60.0
    STOP_S = 10.0

    def __init__(self, command: Sequence[str], log: Path, *, cwd: Path) -> None:
        self._command = command
        self._log = log
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is up. Raises ProcessError."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("K2SO_")}
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait(self._is_up, self.START_S, "did not start")

    def _is_up(self) -> bool:
        raise NotImplementedError

    def stop(self) -> None:
        """Terminate it as a service manager would, and kill what is left. Raises ProcessError if it does not stop."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(self.STOP_S)
        except subprocess.TimeoutExpired:
            raise self._error(f"did not stop within {self.STOP_S} s") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Started on entry, stopped on exit."""
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def log(self) -> str:
        """Everything logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_for_log(self, text: str, *, after: int = 0, timeout_s: float = 30.0) -> None:
        """Wait for `text` in the log, after the first `after` characters. Raises ProcessError."""
        self._wait(lambda: text in self.log()[after:], timeout_s, f"never logged {text!r}")

    def _wait(self, done: Callable[[], bool], timeout_s: float, failure: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not done():
            if self._process is not None and (status := self._process.poll()) is not None:
                raise self._error(f"exited with status {status}")
            if time.monotonic() > deadline:
                raise self._error(failure)
            time.sleep(0.05)

    def _error(self, what: str) -> ProcessError:
        return ProcessError(f"{what}:\n{self.log()[-4000:]}")


def free_port() -> int:
    """A free TCP port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def accepts_connections(port: int) -> bool:
    """Whether a server listens on a TCP port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

"""A wyoming-satellite process whose microphone hears nothing and whose loudspeaker is a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STOP_S = 10.0
RATE = 22_050

# 16 kHz, 16 bits: 64 ms of silence at real-time pace.
MICROPHONE = (
    "import sys, time\nwhile True: sys.stdout.buffer.write(bytes(2048)); sys.stdout.buffer.flush(); time.sleep(0.064)"
)
LOUDSPEAKER = "import shutil, sys\nshutil.copyfileobj(sys.stdin.buffer, open(sys.argv[1], 'ab'))"


class SatelliteProcess:
    """`python -m wyoming_satellite`; what it plays is kept."""

    host = "127.0.0.1"

    def __init__(self, python: str, port: int, folder: Path) -> None:
        self.port = port
        self._output = folder / "satellite.txt"
        self._played = folder / "played.raw"
        self._command = [python, "-m", "wyoming_satellite", "--uri", f"tcp://{self.host}:{port}", "--name", "Satellite"]
        self._command += ["--no-zeroconf", "--debug"]
        for option, script, *arguments in (("mic", MICROPHONE), ("snd", LOUDSPEAKER, str(self._played))):
            file = folder / f"{option}.py"
            file.write_text(script, encoding="utf-8")
            self._command += [f"--{option}-command", " ".join([sys.executable, str(file), *arguments])]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.wait_for_log("Ready")

    def stop(self) -> None:
        """End it and its microphone."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_S)
            self._process = None

    def log(self) -> str:
        """All that it has said so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def wait_for_log(self, text: str, timeout_s: float = 30.0) -> None:
        """Wait until it says `text`. Raises RuntimeError."""
        deadline = time.monotonic() + timeout_s
        while text not in self.log():
            if time.monotonic() > deadline:
                raise RuntimeError(f"never said {text!r}:\n{self.log()[-4000:]}")
            time.sleep(0.05)

    def heard(self) -> NDArray[np.int16]:
        """The samples that it has played, at RATE; forgotten afterwards."""
        data = self._played.read_bytes()
        self._played.unlink()
        return np.frombuffer(data, np.int16)

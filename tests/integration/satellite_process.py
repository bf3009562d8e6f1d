"""A wyoming-satellite process whose microphone is silent and whose loudspeaker is a file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .process import Process, free_port

RATE = 22_050

# Silence at 16 kHz and 16 bits, in real time (64 ms at once), until the reader has gone.
MICROPHONE = (
    "import sys, time\nwhile True: sys.stdout.buffer.write(bytes(2048)); sys.stdout.buffer.flush(); time.sleep(0.064)"
)
LOUDSPEAKER = "import shutil, sys\nshutil.copyfileobj(sys.stdin.buffer, open(sys.argv[1], 'ab'))"


class SatelliteProcess(Process):
    """`python -m wyoming_satellite`, with a record of what it plays."""

    host = "127.0.0.1"

    def __init__(self, python: str, folder: Path) -> None:
        self.port = free_port()
        self._played = folder / "played.raw"
        command = [python, "-m", "wyoming_satellite", "--uri", f"tcp://{self.host}:{self.port}", "--name", "Satellite"]
        command += ["--no-zeroconf", "--debug"]
        for option, script, *arguments in (("mic", MICROPHONE), ("snd", LOUDSPEAKER, str(self._played))):
            file = folder / f"{option}.py"
            file.write_text(script, encoding="utf-8")
            command += [f"--{option}-command", " ".join([sys.executable, str(file), *arguments])]
        super().__init__(command, folder / "satellite.txt", cwd=folder)

    def _is_up(self) -> bool:
        return "Ready" in self.log()

    def take_played(self) -> NDArray[np.int16]:
        """The samples (n,) that it has played, at RATE; clears the record."""
        data = self._played.read_bytes()
        self._played.unlink()
        return np.frombuffer(data, np.int16)

"""The wyoming-k2so server as a process, in its own environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .environment import ROOT
from .process import Process, accepts_connections, free_port

# Piper draws random numbers; with some of them Whisper mishears a word.
SEED = ("--seed", "1")

# What the server logs, for tests that wait for it.
LOG_XTTS_READY = "now speaking with engine xtts"
LOG_SEGMENT = "segment: "
LOG_CANCELLED = ", cancelled"

WRITE_CHECKPOINT = """
import sys
from pathlib import Path
from wyoming_k2so.engines.xtts.dev.synthetic import write_checkpoint
write_checkpoint(Path(sys.argv[1]))
"""


class ServerProcess(Process):
    """`python -m wyoming_k2so` on a free port, which it keeps when it is restarted."""

    host = "127.0.0.1"

    def __init__(self, python: str, folder: Path, *arguments: str, bind: str = host) -> None:
        self.port = free_port()
        folders = ("--data-dir", str(folder / "data"), "--cache-dir", str(folder / "cache"))
        uri = f"tcp://{bind}:{self.port}"
        command = (python, "-m", "wyoming_k2so", "--uri", uri, *folders, *SEED, "--debug", *arguments)
        super().__init__(command, folder / "server.txt", cwd=ROOT)

    def _is_up(self) -> bool:
        return accepts_connections(self.port)


def xtts_server(python: str, folder: Path, *arguments: str) -> ServerProcess:
    """A server with a tiny XTTS beside its embedded voice: real code with random weights, so it speaks noise."""
    checkpoint = folder / "checkpoint"
    subprocess.run([python, "-c", WRITE_CHECKPOINT, checkpoint], cwd=ROOT, check=True, capture_output=True)
    return ServerProcess(python, folder, "--xtts-checkpoint", str(checkpoint), *arguments)

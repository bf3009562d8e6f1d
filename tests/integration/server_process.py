"""Our own server as a process, in its own environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .process import Process, answers, free_port

ROOT = Path(__file__).parents[2]

# Piper draws random numbers, and now and then speaks a word so that Whisper takes it for another.
STEADY = ("--seed", "1")

WRITE_CHECKPOINT = """
import sys
from pathlib import Path
from wyoming_k2so.engines.xtts.dev.synthetic import write_checkpoint
write_checkpoint(Path(sys.argv[1]))
"""


class ServerProcess(Process):
    """`python -m wyoming_k2so` on a port of this machine, the same one each time it is started."""

    host = "127.0.0.1"

    def __init__(self, python: str, folder: Path, *arguments: str, bind: str = host) -> None:
        self.port = free_port()
        folders = ("--data-dir", str(folder / "data"), "--cache-dir", str(folder / "cache"))
        uri = f"tcp://{bind}:{self.port}"
        command = (python, "-m", "wyoming_k2so", "--uri", uri, *folders, *STEADY, "--debug", *arguments)
        super().__init__(command, folder / "server.txt", cwd=ROOT)

    def _is_up(self) -> bool:
        return answers(self.port)


def with_xtts(python: str, folder: Path, *arguments: str) -> ServerProcess:
    """A server that has a small XTTS beside its embedded voice, real but for its weights, so that it speaks noise."""
    checkpoint = folder / "checkpoint"
    subprocess.run([python, "-c", WRITE_CHECKPOINT, checkpoint], cwd=ROOT, check=True, capture_output=True)
    return ServerProcess(python, folder, "--xtts-checkpoint", str(checkpoint), *arguments)

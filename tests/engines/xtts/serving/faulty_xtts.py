"""The server with an XTTS that fails on cue: `python -m tests.engines.xtts.serving.faulty_xtts FAULT ARGUMENTS...`.

hang-STEP: after SIGUSR1, that token step never ends; later ones do.
nan: after SIGUSR1, the weights of the next token step are NaN.
memory-BYTES: once the checkpoint is opened, the process may take only so much more memory.
convert-BYTES: the same once the weights are converted.
"""

from __future__ import annotations

import resource
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from wyoming_k2so.cli import main
from wyoming_k2so.engines.xtts.model.gpt import Gpt
from wyoming_k2so.engines.xtts.scheduling.scheduler import Scheduler
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence
from wyoming_k2so.engines.xtts.weights import loading


def at_step(number: int, fault: Callable[[Gpt], None]) -> None:
    """Let `fault` happen once, in the token step of that number after SIGUSR1."""
    armed, original, steps = threading.Event(), Scheduler._compute, 0
    signal.signal(signal.SIGUSR1, lambda *_: armed.set())

    def compute(self: Scheduler, sequences: list[Sequence]) -> None:
        nonlocal steps
        steps += armed.is_set()
        if armed.is_set() and steps == number:
            armed.clear()
            fault(self._gpt)
        original(self, sequences)

    Scheduler._compute = compute  # type: ignore[method-assign]


def hang(_gpt: Gpt) -> None:
    threading.Event().wait()


def poison(gpt: Gpt) -> None:
    with torch.no_grad():
        gpt.code_position.weight.fill_(torch.nan)


def limit_memory(name: str, more: int) -> None:
    """Limit the memory of the process once a method of ModelLoader is called."""
    original = getattr(loading.ModelLoader, name)

    def limited(*arguments: Any) -> Any:
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines())
        most = int(status["VmData"].split()[0]) * 1024 + more
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        return original(*arguments)

    setattr(loading.ModelLoader, name, limited)


if __name__ == "__main__":
    fault, _, amount = sys.argv[1].partition("-")
    if fault == "hang":
        at_step(int(amount), hang)
    elif fault == "nan":
        at_step(1, poison)
    else:
        limit_memory("__init__" if fault == "memory" else "load", int(amount))
    sys.exit(main(sys.argv[2:]))

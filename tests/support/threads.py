"""Count the threads that may be inside a model."""

from __future__ import annotations

import threading

from wyoming_k2so.reply.watchdog import SYNTHESIS


def synthesis_threads() -> int:
    """How many threads may be inside a model now."""
    return sum(thread.name == SYNTHESIS for thread in threading.enumerate())

"""Runs the program with an XTTS engine that never finishes loading.

Usage: `python -m tests.support.never_loads ARGUMENTS...`
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from wyoming_k2so.cli import main
from wyoming_k2so.engine import Engine
from wyoming_k2so.engines import BUILT_IN
from wyoming_k2so.settings.config import Config


class NeverLoads:
    """An engine that never finishes loading."""

    @classmethod
    def load(cls, _config: Config) -> Engine:
        print("loading forever", file=sys.stderr, flush=True)
        while True:
            time.sleep(1)


if __name__ == "__main__":
    BUILT_IN["xtts"] = replace(BUILT_IN["xtts"], engine="__main__:NeverLoads", modules=(), precheck=None)
    sys.exit(main(sys.argv[1:]))

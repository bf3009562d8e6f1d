"""The server whose XTTS is loading until the process ends: `python -m tests.support.never_loads ARGUMENTS...`."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from wyoming_k2so.cli import main
from wyoming_k2so.engine import Engine
from wyoming_k2so.engines import BUILT_IN
from wyoming_k2so.settings.config import Config


class Endless:
    """An engine that never comes."""

    @classmethod
    def load(cls, _config: Config) -> Engine:
        print("Loading without an end", file=sys.stderr, flush=True)
        while True:
            time.sleep(1)


if __name__ == "__main__":
    BUILT_IN["xtts"] = replace(BUILT_IN["xtts"], engine="__main__:Endless", modules=(), precheck=None)
    sys.exit(main(sys.argv[1:]))

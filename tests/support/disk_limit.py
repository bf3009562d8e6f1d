"""The server on a disk that is nearly full: `python -m tests.support.disk_limit BYTES ARGUMENTS...`."""

from __future__ import annotations

import resource
import sys

from wyoming_k2so.cli import main

if __name__ == "__main__":
    most = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    sys.exit(main(sys.argv[2:]))

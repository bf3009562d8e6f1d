"""Runs the program with a limit on file sizes, like a nearly full disk.

Usage: `python -m tests.support.disk_limit BYTES ARGUMENTS...`
"""

from __future__ import annotations

import resource
import sys

from wyoming_k2so.cli import main

if __name__ == "__main__":
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.exit(main(sys.argv[2:]))

"""Lets `python -m wyoming_k2so` do what `wyoming-k2so` does."""

import sys

from .cli import main

sys.exit(main())

"""Coqui XTTS-v2 behind the engine seam: Coqui's weights, its words and its maths, decoded as a stream."""

import os

# While waiting for each other, OpenMP's threads spin. On a machine that is doing something else as well, the one that
# is waited for does not run: a window of the vocoder then took 1.1 s instead of 0.02 s. So sleep after some 10 us. Read
# when torch is loaded.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")

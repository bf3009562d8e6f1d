"""Coqui XTTS-v2 behind the engine seam: Coqui's weights, text cleaners and maths, streamed token by token."""

import os

# OpenMP's threads spin while they wait for each other. On a busy machine that keeps the thread they wait for from
# running: a window of the vocoder took 1.1 s instead of 0.02 s. So let them sleep after about 10 us. Read when torch is
# loaded.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")

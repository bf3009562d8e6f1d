"""Coqui XTTS-v2 behind the engine seam: Coqui's weights, its words and its maths, decoded as a stream."""

"""Samples: resampling, chunks, loudness. Knows nothing of replies."""

"""Resampling, chunks and loudness. Knows nothing of replies."""

"""Benchmark, quality measures, reference and synthetic weights: for development, not needed to speak."""

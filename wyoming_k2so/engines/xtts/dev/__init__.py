"""Benchmarks, quality measures and a reference. Nothing here is needed to speak."""

"""From a checkpoint to a model in memory: download, conversion, calibration, cache, self-test. Knows no voices."""

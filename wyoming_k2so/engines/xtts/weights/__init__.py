"""From a checkpoint to weights in memory: download, conversion, calibration, cache."""

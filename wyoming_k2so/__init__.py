"""wyoming-k2so: a streaming text-to-speech server for Home Assistant."""

__version__ = "0.1.0"

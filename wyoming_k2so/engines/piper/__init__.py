"""The embedded engine: Piper."""

from .engine import EMBEDDED, PiperEngine

__all__ = ["EMBEDDED", "PiperEngine"]

"""The embedded engine."""

from .engine import EMBEDDED, PiperEngine

__all__ = ["EMBEDDED", "PiperEngine"]

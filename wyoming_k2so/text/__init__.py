"""Text that arrives in pieces becomes segments that an engine can speak.

Pure: no I/O, no clocks, no threads. Nothing here knows of engines, audio or the protocol.
"""

from __future__ import annotations

from .segment import Segment, Segmenter

__all__ = ["Segment", "Segmenter"]

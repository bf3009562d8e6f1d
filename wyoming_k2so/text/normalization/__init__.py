"""Written text becomes words: numbers, units, money, dates, signs and abbreviations, as a language says them.

Pure: a sentence and its language give the words. The languages and the libraries behind them load when they are first
used, so importing this costs nothing.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .normalizer import Normalizer

__all__ = ["normalizer"]

_SAME = {"no": "nb", "nn": "nb"}
_lock = threading.Lock()


def normalizer(tag: str) -> Normalizer:
    """The normalizer of a language by its BCP 47 tag, loaded once. Safe to call from any thread."""
    base, _, region = tag.replace("_", "-").partition("-")
    with _lock:
        return _load(_SAME.get(base.lower(), base.lower()), region.upper())


@lru_cache(maxsize=64)
def _load(code: str, region: str) -> Normalizer:
    made: Normalizer = import_module(".normalizer", __name__).Normalizer(code, region)
    return made

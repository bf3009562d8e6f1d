"""Memory of this process, as the system reports it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from wyoming_k2so.bench import resources


def test_the_peak_stays_when_memory_is_freed() -> None:
    before = resources.resident_mb()
    big = np.ones(25_000_000)
    held = resources.memory()
    del big
    assert held["resident_mb"] - before == pytest.approx(200, abs=30)
    assert resources.peak_mb() >= held["resident_mb"] - 1 > resources.resident_mb()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no getrusage")
def test_without_proc_the_peak_comes_from_getrusage(monkeypatch: pytest.MonkeyPatch) -> None:
    peak = resources.peak_mb()
    monkeypatch.setattr(resources, "_lines", lambda _file: {})
    assert resources.resident_mb() == 0
    assert resources.peak_mb() == pytest.approx(peak, rel=0.1)

"""How much memory int8 takes at XTTS-v2's real size, in processes that do nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wyoming_k2so.engines.xtts.dev import synthetic

pytestmark = pytest.mark.slow

LOAD = """
import json, psutil, resource, sys, threading, time
from pathlib import Path
import TTS.tts.layers.xtts.tokenizer  # the memory of coqui-tts itself does not count
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.kernels import heap
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.settings.config import Config, EngineConfig
from wyoming_k2so.engines.xtts.settings import XttsSettings
def anonymous():  # without the pages of libraries
    return next(int(line.split()[1]) / 1e3 for line in open("/proc/self/status") if line.startswith("RssAnon"))
folder, cache = map(Path, sys.argv[1:])
samples = []
def watch():  # the system can take back pages of a mapped file, so they do not count
    while True:
        samples.append(anonymous())
        time.sleep(0.005)
TextTokenizer(folder / "vocab.json")
weightless = anonymous()
threading.Thread(target=watch, daemon=True).start()
engine = XttsEngine.load(Config(
    engines=EngineConfig(cache_dir=cache, data_dir=cache),
    engine_settings=(XttsSettings(xtts_checkpoint=str(folder), device="cpu", quantization="int8"),),
))
total, highest = psutil.Process().memory_info().rss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
heap.trim()
print(json.dumps({
    "mode": engine.mode, "weights": engine.model.bytes / 1e6,
    "resident": anonymous() - weightless, "peak": max(samples) - weightless, "total": total, "highest": highest,
}))
"""


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The first load converts, the second reads the cache."""
    folder = synthetic.write_checkpoint(tmp_path_factory.mktemp("full"), synthetic.FULL)
    cache = tmp_path_factory.mktemp("cache")
    results = []
    for _ in range(2):
        process = subprocess.run(
            [sys.executable, "-c", LOAD, str(folder), str(cache)],
            cwd=Path(__file__).parents[4],
            capture_output=True,
            text=True,
            check=True,
        )
        results.append(json.loads(process.stdout.splitlines()[-1]))
    return results


def test_weights_take_no_more_than_520_mb(loads: list[dict[str, Any]]) -> None:
    assert loads[1]["mode"] == "int8"
    assert loads[1]["weights"] <= 520
    assert loads[1]["resident"] <= 650  # with a voice, packing and the libraries' buffers


def test_converting_keeps_no_copy_in_full_precision(loads: list[dict[str, Any]]) -> None:
    assert loads[0]["peak"] <= 1200  # a full copy is 1,781 MB


def test_loading_peaks_at_no_more_than_a_third_above_what_remains(loads: list[dict[str, Any]]) -> None:
    assert loads[1]["highest"] <= 1.3 * loads[1]["total"]

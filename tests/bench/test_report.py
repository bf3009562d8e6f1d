"""Rows of figures as a table and as one line of JSON."""

from __future__ import annotations

import json

from wyoming_k2so.bench import report

COLUMNS: report.Columns = {"engine": "engine", "first audio": lambda row: report.ms(row["first_audio_s"])}
ROWS = [{"engine": "piper", "first_audio_s": 0.0312}, {"engine": "a long name", "first_audio_s": 12.0}]


def test_labels_are_aligned_left_and_figures_right() -> None:
    assert report.table(COLUMNS, ROWS).splitlines() == [
        "engine       first audio",
        "piper              31 ms",
        "a long name     12000 ms",
    ]


def test_a_table_without_rows_is_its_headings() -> None:
    assert report.table(COLUMNS, []) == "engine  first audio"


def test_json_is_one_line_with_the_machine() -> None:
    line = report.json_line({"rows": ROWS})
    assert "\n" not in line
    data = json.loads(line)
    assert data["rows"] == ROWS
    assert set(data["machine"]) == {"cpu", "cores", "system", "python"}

"""`bench` in a process of its own."""

from __future__ import annotations

import json
import os

from tests.support.program import run


def test_bench_prints_a_table_and_one_line_of_json() -> None:
    result = run("bench", "--rounds", "1", "--speed", "2", "--text", "short", "--text", "medium")
    assert result.returncode == 0, result.stderr
    *table, last = result.stdout.splitlines()
    data = json.loads(last)
    assert data["machine"]["cores"] == os.cpu_count()
    assert [row["text"] for row in data["rows"]] == ["short", "medium"]
    for row, line in zip(data["rows"], table[1:], strict=True):
        assert (row["engine"], row["mode"]) == ("piper", "fp32")
        assert 0 < row["first_audio_s"] <= row["first_audio_p95_s"] < 30
        assert 0 < row["rtf"] < 10
        assert row["peak_mb"] > 50
        assert line.split()[:3] == ["piper", "fp32", row["text"]]

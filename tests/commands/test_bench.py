"""`bench`: what it prints, and which flags do not go together."""

from __future__ import annotations

import json
import os

import pytest

from tests.support.program import run
from wyoming_k2so import cli
from wyoming_k2so.bench import wer

XTTS = ["--engine", "xtts", "--synthetic"]
SERVER = ["--server", "a:1"]


def test_bench_prints_a_table_and_one_line_of_json() -> None:
    result = run("bench", "--rounds", "1", "--speed", "2", "--text", "short", "--text", "medium")
    assert result.returncode == 0, result.stderr
    *table, last = result.stdout.splitlines()
    data = json.loads(last)
    assert data["machine"]["cores"] == os.cpu_count()
    assert [row["text"] for row in data["rows"]] == ["short", "medium"]
    for row, line in zip(data["rows"], table[1:], strict=True):
        assert (row["engine"], row["mode"]) == ("piper", "fp32")
        assert 0 < row["first_audio_s"] <= row["first_audio_worst_s"] < 30
        assert "first_audio_p95_s" not in row
        assert 0 < row["rtf"] < 10
        assert 0 < row["cpu_rtf"] < 10
        assert row["peak_mb"] > 50
        assert line.split()[:3] == ["piper", "fp32", row["text"]]
        assert "(worst of 1)" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "0"], "--rounds: must be at least 1"),
        (["--rooms", "0", *SERVER], "--rooms: must be at least 1"),
        (["--rooms", "2"], "--rooms: requires exactly one --server"),
        (["--rooms", "2", *SERVER, "--server", "b:1"], "--rooms: requires exactly one --server"),
        (["--rooms", "2", *SERVER, "--text", "short", "--text", "long"], "--rooms: allows only one --text"),
        (["--rooms", "2", *SERVER, "--listen"], "--rooms: cannot be combined with --listen"),
        (["--listen"], "--listen: requires --server"),
        (["--plot", "out.png", *SERVER], "--plot: cannot be combined with --server"),
        (["--from", "run.txt"], "--from: requires --plot"),
        (["--plot", "a.png", *XTTS, "--from", "a.txt"], "--from: cannot be combined with --synthetic or --against"),
        ([*XTTS, *SERVER], "--server: cannot be combined with --synthetic or --against"),
        (["--synthetic"], "--synthetic and --against: require --engine xtts"),
        (["--against", "coqui", "--engine", "piper"], "--synthetic and --against: require --engine xtts"),
        (["--server", "nowhere"], "--server: 'nowhere' is not an address; use HOST:PORT"),
    ],
)
@pytest.mark.usefixtures("logs_restored")
def test_flags_that_make_no_sense_are_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["bench", *arguments]) == 2
    assert capsys.readouterr() == ("", f"wyoming-k2so: {message}\n")


@pytest.mark.usefixtures("logs_restored")
def test_listening_without_its_extra_fails_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wer, "find_spec", lambda _name: None)
    monkeypatch.setattr(wer, "whisper", wer.whisper.__wrapped__)
    assert cli.main(["bench", "--listen", "--server", "127.0.0.1:1"]) == 1
    assert "pip install 'wyoming-k2so[listen]'" in capsys.readouterr().err

"""The benchmark of XTTS's parts on a tiny checkpoint, with coqui-tts in its own process beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wyoming_k2so import cli
from wyoming_k2so.bench import resources
from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.dev import benchmark
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.settings.config import Config

SEGMENTS = ["The front door is locked.", "All lights are off."]


def test_a_row_holds_the_parts_of_exactly_so_many_tokens(engine: XttsEngine) -> None:
    row = benchmark.speak(engine, SEGMENTS)
    assert set(row) == {"first_audio_s", "rtf", "ms_per_token", "vocoder_rtf", "prefill_s"}
    assert all(value > 0 for value in row.values())
    assert row["vocoder_rtf"] < row["rtf"]


def test_first_audio_is_a_whole_chunk() -> None:
    def figures(*pieces: int) -> benchmark.Row:
        return benchmark._figures(pieces, 24_000, [10], [0.0], [0.0])

    assert figures(4095, 0, 1, 10_000)["first_audio_s"] > 0
    short = figures(100)
    assert short["first_audio_s"] == pytest.approx(short["rtf"] * 100 / 24_000)


def test_a_failure_of_coqui_tts_is_one_sentence(config: Config, tmp_path: Path) -> None:
    with benchmark._reference_process() as call:
        with pytest.raises(EngineError, match="coqui-tts failed: FileNotFoundError"):
            call(benchmark._speak_reference, tmp_path, 1, "inference", SEGMENTS)
        with pytest.raises(EngineError, match="the process of coqui-tts died; is there enough memory"):
            call(exit_at_once)


def exit_at_once() -> None:
    import os  # noqa: PLC0415

    os._exit(1)


@pytest.mark.usefixtures("logs_restored")
def test_bench_measures_both_engines_in_turns(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "_bandwidth_gb_s", lambda: 40.0)
    folder = config.group(XttsSettings).xtts_checkpoint
    arguments = ["--xtts-checkpoint", folder, "--cache-dir", str(tmp_path), "--device", "cpu"]
    arguments += ["--quantization", "none", "--against", "coqui", "--text", "medium", "--rounds", "2"]
    assert cli.main(["bench", "--engine", "xtts", *arguments]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    data = json.loads(last)
    rows = data["rows"]
    assert [(row["engine"], row["mode"]) for row in rows] == [
        ("k2so", "none"),
        ("coqui", "inference_stream"),
        ("coqui", "inference"),
    ]
    assert table[0].split() == (
        ["engine", "mode", "text", "first", "audio", "RTF", "token", "vocoder", "prefill", "resident", "peak"]
    )
    assert [line.split()[:3] for line in table[1:4]] == [[row["engine"], row["mode"], "medium"] for row in rows]
    assert f"coqui-tts's inference_stream takes {data['ratios']['first_audio']} times as long" in table[5]
    assert data["ratios"]["rtf"] == pytest.approx(rows[1]["rtf"] / rows[0]["rtf"], abs=0.01)
    assert data["bandwidth_gb_s"] == 40
    assert rows[0]["resident_mb"] != rows[1]["resident_mb"] == rows[2]["resident_mb"]
    assert all(row["peak_mb"] >= row["resident_mb"] > 100 for row in rows)
    assert resources.peak_mb() >= rows[0]["peak_mb"] - 1

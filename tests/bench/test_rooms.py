"""Several clients request a text from one server at once: how many, and the gaps that they hear."""

from __future__ import annotations

import pytest

from tests.support.fakes import ScriptedEngine
from tests.support.server import served
from wyoming_k2so import cli
from wyoming_k2so.bench import report, rooms
from wyoming_k2so.bench.remote import Client
from wyoming_k2so.bench.report import Row
from wyoming_k2so.bench.rooms import measure

pytestmark = pytest.mark.usefixtures("logs_restored")

TEXT = "One sentence that is neither short nor long. And one more, so that there are two of them."


async def test_each_row_speaks_to_one_more_room_at_once() -> None:
    engine = ScriptedEngine(first_audio=0.05)
    most = 0

    async def rows() -> list[Row]:
        async with served(engine) as (_, port):
            return await measure(lambda: Client(f"127.0.0.1:{port}"), 3, TEXT, rounds=2)

    original = engine.sound

    def sound(text: str, voice: str = "test") -> object:
        nonlocal most
        most = max(most, engine.open_utterances)
        return original(text, voice)

    engine.sound = sound  # type: ignore[assignment, method-assign]
    found = await rows()
    assert [(row["rooms"], row["replies"]) for row in found] == [(1, 2), (2, 4), (3, 6)]
    assert most == 3
    for row in found:
        assert row["audio_s"] == pytest.approx(len(TEXT) * engine.CHAR_S, rel=0.05)
        assert row["first_audio_worst_s"] >= row["first_audio_s"] >= 0.05
        assert row["rtf_worst"] >= row["rtf"] > 0
        assert row["longest_gap_s"] <= row["gaps_s"] * row["replies"]


async def test_gaps_are_counted_when_speech_is_generated_too_slowly() -> None:
    async with served(ScriptedEngine(rtf=1.5, piece_s=0.2)) as (_, port):
        (row,) = await measure(lambda: Client(f"127.0.0.1:{port}"), 1, TEXT, rounds=1)
    assert row["replies_with_gaps"] == 1
    assert row["underruns"] > 3
    assert row["longest_gap_s"] > 0.02
    assert row["gaps_s"] == pytest.approx(0.5 * row["audio_s"], rel=0.4)


def test_an_unreachable_server_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--rooms", "2", "--server", "127.0.0.1:1"]) == 1
    assert capsys.readouterr().err.startswith("wyoming-k2so: cannot reach 127.0.0.1:1: ")


def test_the_table_counts_replies_with_gaps() -> None:
    row = {
        "rooms": 4,
        "replies": 4,
        "rtf": 0.94,
        "rtf_worst": 0.97,
        "first_audio_s": 0.81,
        "first_audio_worst_s": 0.88,
        "replies_with_gaps": 1,
        "underruns": 3,
        "longest_gap_s": 0.46,
        "gaps_s": 0.2,
        "audio_s": 9.4,
    }
    assert [line.split() for line in report.table(rooms.COLUMNS, [row]).splitlines()] == [
        ["rooms", "RTF", "of", "each", "first", "audio", "worst", "with", "gaps", "gaps", "longest", "speech"],
        ["4", "0.940", "0.81", "s", "0.88", "s", "1", "of", "4", "3", "0.46", "s", "9.4", "s"],
    ]

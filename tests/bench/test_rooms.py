"""Clients that ask one server at once: how many, and the gaps that they hear."""

from __future__ import annotations

import json

import pytest

from tests.support.fakes import ScriptedEngine
from tests.support.server import served
from wyoming_k2so import cli
from wyoming_k2so.bench import rooms
from wyoming_k2so.bench.remote import Peer
from wyoming_k2so.bench.rooms import Row, measure

pytestmark = pytest.mark.usefixtures("logs_restored")

TEXT = "One sentence that is neither short nor long. And one more, so that there are two of them."


async def test_so_many_rooms_are_spoken_to_at_once() -> None:
    engine = ScriptedEngine(first_audio=0.05)
    most = 0

    async def rows() -> list[Row]:
        async with served(engine) as (_, port):
            return await measure(lambda: Peer(f"127.0.0.1:{port}"), 3, TEXT, rounds=2)

    original = engine.sound

    def sound(text: str, voice: str = "test") -> object:
        nonlocal most
        most = max(most, engine.open_utterances)
        return original(text, voice)

    engine.sound = sound  # type: ignore[assignment, method-assign]
    found = await rows()
    assert [(row.rooms, row.replies) for row in found] == [(1, 2), (2, 4), (3, 6)]
    assert most == 3
    for row in found:
        assert row.audio_s == pytest.approx(len(TEXT) * engine.CHAR_S, rel=0.05)
        assert row.first_audio_worst_s >= row.first_audio_s >= 0.05
        assert row.rtf_worst >= row.rtf > 0
        assert row.longest_gap_s <= row.gaps_s * row.replies


async def test_gaps_of_a_machine_slower_than_speech_are_heard() -> None:
    async with served(ScriptedEngine(rtf=1.5, piece_s=0.2)) as (_, port):
        (row,) = await measure(lambda: Peer(f"127.0.0.1:{port}"), 1, TEXT, rounds=1)
    assert row.replies_with_gaps == 1
    assert row.underruns > 3
    assert row.longest_gap_s > 0.02
    assert row.gaps_s == pytest.approx(0.5 * row.audio_s, rel=0.4)


@pytest.mark.parametrize(
    "arguments",
    [["--rooms", "2"], ["--rooms", "0", "--server", "a:1"], ["--rooms", "2", "--server", "a:1", "--server", "b:1"]],
)
def test_rooms_are_those_of_one_server(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", *arguments]) == 2
    assert "--rooms: at least 1, with one --server" in capsys.readouterr().err


def test_rooms_of_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--rooms", "2", "--server", "127.0.0.1:1"]) == 1
    assert capsys.readouterr().err.startswith("wyoming-k2so: 127.0.0.1:1 cannot be reached")


def test_table_and_json() -> None:
    rows = [Row(4, 0.94, 0.97, 0.81, 0.88, 4, 1, 3, 0.46, 0.2, 9.4)]
    head, line = rooms.table(rows).splitlines()
    assert head.split() == ["rooms", "RTF", "of", "each", "first", "audio", "with", "gaps", "gaps", "longest", "speech"]
    assert line.split() == ["4", "0.940", "0.81", "s,", "worst", "0.88", "1", "of", "4", "3", "0.46", "s", "9.4", "s"]
    assert json.loads(rooms.as_json(rows))["rooms"][0]["longest_gap_s"] == 0.46

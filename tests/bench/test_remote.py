"""Measuring servers over TCP: ours, one that speaks whole texts only, and those that fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Eventable, async_read_event, async_write_event
from wyoming.info import Attribution, Info, TtsProgram, TtsVoice

from tests.support.fakes import ScriptedEngine
from tests.support.server import served
from wyoming_k2so import cli
from wyoming_k2so.bench import remote
from wyoming_k2so.bench.remote import Peer, Row, measure
from wyoming_k2so.engine import EngineError, Samples

pytestmark = pytest.mark.usefixtures("logs_restored")

TEXTS = {"short": "One two three.", "long": "One two three. " * 6}


@asynccontextmanager
async def old_server(*, fails: bool = False, leaves: bool = False, voices: bool = True) -> AsyncIterator[int]:
    """Speaks a whole text at once, 0.25 s of 24-bit stereo, in chunks of 1000 samples."""
    nobody = Attribution("", "")
    voice = TtsVoice("one", nobody, installed=True, version=None, description=None, languages=["en"])
    program = TtsProgram("old", nobody, installed=voices, version=None, description=None, voices=[voice])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (event := await async_read_event(reader)) is not None:
            answers: list[Eventable] = [Info(tts=[program])]
            if event.type == "synthesize":
                if leaves:
                    break
                audio = b"\x00\x00\x40" * 2 * 1000
                chunk = AudioChunk(16_000, 3, 2, audio)
                start = AudioStart(16_000, 3, 2)
                answers = [Error("no breath")] if fails else [start, *[chunk] * 4, AudioStop()]
            for answer in answers:
                await async_write_event(answer.event(), writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_servers_take_turns_and_are_heard_as_a_client_hears_them() -> None:
    engine = ScriptedEngine(first_audio=0.05, piece_s=1.0)
    judged: list[tuple[str, int, int]] = []

    def judge(text: str, sound: Samples, rate: int) -> float:
        judged.append((text, len(sound), rate))
        return 0.25

    async with served(engine) as (_, port), old_server() as other:
        peers = [Peer(f"127.0.0.1:{port}"), Peer(f"tcp://127.0.0.1:{other}")]
        rows = await measure(peers, TEXTS, rounds=2, judge=judge)
    assert [(row.server, row.text) for row in rows] == [
        (peer.address, text) for peer in peers for text in (*TEXTS, remote.ALL)
    ]
    ours, theirs = rows[0], rows[3]
    assert (ours.streams_text, theirs.streams_text) == (True, False)
    assert 0.05 <= ours.first_audio_s <= ours.first_audio_p95_s
    assert ours.audio_s == pytest.approx(len(TEXTS["short"]) * engine.CHAR_S, abs=0.01)
    assert ours.rtf >= 0.05 / ours.audio_s
    assert rows[1].audio_s > 5 * ours.audio_s
    assert theirs.audio_s == 0.25
    assert {row.word_error_rate for row in rows} == {0.25}
    assert len(judged) == 2 * 2 * 2
    assert (TEXTS["long"], 4_000, 16_000) in judged
    assert sum(text == TEXTS["short"][:-1] or text == TEXTS["short"] for text in engine.said) >= 3, (
        "a warm-up came first"
    )


async def test_the_first_audio_is_a_chunk_of_sound_and_no_single_sample() -> None:
    async with served(ScriptedEngine(rtf=0.5, piece_s=0.05)) as (_, port), Peer(f"127.0.0.1:{port}") as peer:
        heard = await peer.speak(TEXTS["long"], None)
    assert heard.first_audio_s >= 0.5 * remote.FIRST_SAMPLES / 16_000
    assert heard.first_audio_s < heard.busy_s


async def test_any_width_is_heard() -> None:
    async with old_server() as port, Peer(f"127.0.0.1:{port}") as peer:
        heard = await peer.speak("Hello.", "one")
    assert (len(heard.sound), heard.rate) == (4_000, 16_000)
    np.testing.assert_allclose(heard.sound, 0.5)


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ({"fails": True}, "no breath"),
        ({"leaves": True}, "does not answer any more"),
        ({"voices": False}, "is no text-to-speech server"),
    ],
)
async def test_a_server_that_cannot_speak_is_named(server: dict[str, bool], message: str) -> None:
    async with old_server(**server) as port:
        with pytest.raises(EngineError, match=rf"127.0.0.1:{port}.*{message}"):
            await measure([Peer(f"127.0.0.1:{port}")], TEXTS, rounds=1)


async def test_an_unknown_voice_is_told() -> None:
    async with served(ScriptedEngine()) as (_, port):
        with pytest.raises(EngineError, match="there is no voice 'nobody'"):
            await measure([Peer(f"127.0.0.1:{port}")], TEXTS, rounds=1, voice="nobody")


@pytest.mark.parametrize("address", ["", "host", "host:", ":1", "host:x"])
def test_what_is_no_address_is_refused(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--server", address]) == 2
    assert "must be HOST:PORT" in capsys.readouterr().err


def test_a_server_that_is_not_there_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--server", "127.0.0.1:1"]) == 1
    assert capsys.readouterr().err.startswith("wyoming-k2so: 127.0.0.1:1 cannot be reached")


def test_table_and_json() -> None:
    rows = [
        Row("a:1", "short", True, 0.06, 0.0712, 0.081, 2.5, 0.02),
        Row("b:2", "all", False, 0.15, 0.3, 0.09, 2.5, None),
    ]
    head, *lines = remote.table(rows).splitlines()
    assert head.split() == ["server", "text", "first", "audio", "p95", "RTF", "speech", "misheard"]
    assert [line.split() for line in lines] == [
        ["a:1", "short", "60", "ms", "71", "ms", "0.081", "2.5", "s", "2.0", "%"],
        ["b:2", "all", "150", "ms", "300", "ms", "0.090", "2.5", "s"],
    ]
    line = remote.as_json(rows)
    assert "\n" not in line
    assert json.loads(line)["rows"][0]["first_audio_s"] == 0.06

"""Servers measured over TCP: ours, one that takes only whole texts, and some that fail."""

from __future__ import annotations

import asyncio
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
from wyoming_k2so.bench import remote, report
from wyoming_k2so.bench.remote import Client, measure
from wyoming_k2so.engine import Samples
from wyoming_k2so.settings.errors import UserError

pytestmark = pytest.mark.usefixtures("logs_restored")

TEXTS = {"short": "One two three.", "long": "One two three. " * 6}


@asynccontextmanager
async def old_server(*, fails: bool = False, leaves: bool = False, voices: bool = True) -> AsyncIterator[int]:
    """Answers a whole text with 0.25 s of 24-bit stereo, in chunks of 1000 samples."""
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


async def test_servers_take_turns_and_are_measured_as_a_client_hears_them() -> None:
    engine = ScriptedEngine(first_audio=0.05, piece_s=1.0)
    listened: list[tuple[int, int]] = []

    def listen(sound: Samples, rate: int) -> str:
        listened.append((len(sound), rate))
        return "One two."

    async with served(engine) as (_, port), old_server() as other:
        clients = [Client(f"127.0.0.1:{port}"), Client(f"tcp://127.0.0.1:{other}")]
        rows = await measure(clients, TEXTS, rounds=2, listen=listen)
    assert [(row["server"], row["text"]) for row in rows] == [
        (client.address, text) for client in clients for text in (*TEXTS, remote.ALL)
    ]
    ours, theirs = rows[0], rows[3]
    assert (ours["streams_text"], theirs["streams_text"]) == (True, False)
    assert 0.05 <= ours["first_audio_s"] <= ours["first_audio_worst_s"]
    assert ours["audio_s"] == pytest.approx(len(TEXTS["short"]) * engine.CHAR_S, abs=0.01)
    assert ours["rtf"] >= 0.05 / ours["audio_s"]
    assert rows[1]["audio_s"] > 5 * ours["audio_s"]
    assert theirs["audio_s"] == 0.25
    assert [row["word_error_rate"] for row in rows[:3]] == [0.3333, 0.8889, 0.6111]
    assert [row["replies"] for row in rows[:3]] == [2, 2, 4]
    assert len(listened) == 2 * 2 * 2
    assert (4_000, 16_000) in listened
    assert sum(text == TEXTS["short"][:-1] or text == TEXTS["short"] for text in engine.said) >= 3, (
        "a warm-up came first"
    )


async def test_first_audio_is_a_whole_chunk() -> None:
    async with served(ScriptedEngine(rtf=0.5, piece_s=0.05)) as (_, port), Client(f"127.0.0.1:{port}") as client:
        heard = await client.speak(TEXTS["long"], None)
    assert heard.first_audio_s >= 0.5 * remote.FIRST_SAMPLES / 16_000
    assert heard.first_audio_s < heard.busy_s


async def test_any_sample_width_is_read() -> None:
    async with old_server() as port, Client(f"127.0.0.1:{port}") as client:
        heard = await client.speak("Hello.", "one")
    assert (len(heard.sound), heard.rate) == (4_000, 16_000)
    np.testing.assert_allclose(heard.sound, 0.5)


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ({"fails": True}, "no breath"),
        ({"leaves": True}, "stopped responding"),
        ({"voices": False}, "is not a text-to-speech server"),
    ],
)
async def test_a_failing_server_is_named(server: dict[str, bool], message: str) -> None:
    async with old_server(**server) as port:
        with pytest.raises(UserError, match=rf"127.0.0.1:{port}.*{message}"):
            await measure([Client(f"127.0.0.1:{port}")], TEXTS, rounds=1)


async def test_an_unknown_voice_is_reported() -> None:
    async with served(ScriptedEngine()) as (_, port):
        with pytest.raises(UserError, match="there is no voice 'nobody'"):
            await measure([Client(f"127.0.0.1:{port}")], TEXTS, rounds=1, voice="nobody")


@pytest.mark.parametrize("address", ["", "host", "host:", ":1", "host:x"])
def test_an_invalid_address_is_rejected(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--server", address]) == 2
    assert "is not an address; use HOST:PORT" in capsys.readouterr().err


def test_an_unreachable_server_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--server", "127.0.0.1:1"]) == 1
    assert capsys.readouterr().err.startswith("wyoming-k2so: cannot reach 127.0.0.1:1: ")


def test_the_table_says_of_how_many_replies_a_slow_one_is() -> None:
    few = {"server": "a:1", "text": "short", "replies": 7, "first_audio_s": 0.06, "first_audio_worst_s": 0.0712}
    many = {"server": "b:2", "text": "all", "replies": 21, "first_audio_s": 0.15, "first_audio_worst_s": 0.4}
    rows = [
        few | {"rtf": 0.081, "audio_s": 2.5, "word_error_rate": 0.02},
        many | {"first_audio_p95_s": 0.3, "rtf": 0.09, "audio_s": 2.5, "word_error_rate": None},
    ]
    head, *lines = report.table(remote.COLUMNS, rows).splitlines()
    assert head.split() == ["server", "text", "first", "audio", "slow", "replies", "RTF", "speech", "misheard"]
    assert [line.split() for line in lines] == [
        ["a:1", "short", "60", "ms", "71", "ms", "(worst", "of", "7)", "0.081", "2.5", "s", "2.0", "%"],
        ["b:2", "all", "150", "ms", "300", "ms", "(p95", "of", "21)", "0.090", "2.5", "s"],
    ]

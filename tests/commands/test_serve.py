"""`serve`, with clients that come over every kind of connection."""

from __future__ import annotations

import asyncio
import fcntl
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from wyoming.audio import AudioStop
from wyoming.error import Error
from wyoming.event import Event, read_event
from wyoming.info import Describe, Info
from wyoming.ping import Pong
from wyoming.tts import Synthesize

from tests.support.program import (
    LONG,
    RATE,
    TIMEOUT_S,
    VOICE,
    client,
    command,
    describe,
    end,
    ended,
    fails,
    free_port,
    get,
    is_speech,
    next_event,
    read_reply,
    serving,
    sound,
    speak,
    started,
)


@pytest.mark.parametrize("arguments", [[], ["serve"]], ids=["the default command", "serve"])
async def test_serve_answers_until_it_is_told_to_stop(arguments: list[str]) -> None:
    with serving(*arguments, "--uri", "tcp://127.0.0.1:0") as (process, uri):
        info = await describe(uri)
        assert info.tts[0].voices[0].name == VOICE
        assert is_speech(await speak(uri, "Hello there."))
        log = end(process, signal.SIGINT)
    assert "Add integration > K2-SO or Wyoming Protocol, host 127.0.0.1, port" in log
    assert f"INFO piper/{VOICE}: " in log
    assert log.endswith("INFO stopped\n")


async def test_figures_can_be_scraped_and_the_log_can_be_json() -> None:
    port = free_port()
    options = ["--metrics-port", str(port), "--log-format", "json", "--zeroconf", "Test"]
    with serving("--uri", "tcp://127.0.0.1:0", *options) as (process, uri):
        assert is_speech(await speak(uri, "Hello there."))
        figures = await asyncio.to_thread(get, f"http://127.0.0.1:{port}/metrics")
        log = [json.loads(line) for line in end(process).splitlines()]
    assert 'k2so_requests_total{engine="piper",outcome="ok"} 1.0' in figures
    assert "k2so_active_streams 0.0" in figures
    assert "announced on the local network" in [entry["message"] for entry in log]
    assert log[-1]["message"] == "stopped"


async def test_a_running_reply_is_cut_short_properly_at_the_end() -> None:
    with serving("--uri", "tcp://127.0.0.1:0") as (process, uri):
        async with client(uri) as connection:
            await connection.write_event(Synthesize(f"Hello there. {LONG}. {LONG}. {LONG}.").event())
            await next_event(connection)
            process.send_signal(signal.SIGTERM)
            events = await read_reply(connection)
            assert await connection.read_event() is None
        assert Error.from_event(events[-2]).text == "the server is shutting down"
        log = ended(process)
    assert "terminate" not in log, "a thread was ended inside a model"


async def test_a_client_that_sends_nonsense_is_told_so_and_served_on() -> None:
    with serving("--uri", "tcp://127.0.0.1:0") as (process, uri):
        async with client(uri) as connection:
            assert connection._writer is not None
            connection._writer.write(b'{"type":"ping","data":{"text":"\\ud83d"}}\n')
            assert Pong.from_event(await next_event(connection)).text == "?"
            connection._writer.write(b'{"type":"ping","data":[]}\n')
            assert Error.from_event(await next_event(connection)).text == "data must be a JSON object"
            speed = b"1" + b"0" * 400
            connection._writer.write(b'{"type":"synthesize","data":{"text":"Hi","context":{"speed":' + speed + b"}}}\n")
            error, stop = await read_reply(connection)
            assert Error.from_event(error).text == "speed must be from 0.5 to 2"
            assert AudioStop.is_type(stop.type)
            await connection.write_event(Describe().event())
            assert Info.is_type((await next_event(connection)).type)
        assert " WARNING bad event from 127.0.0.1:" in end(process)


async def test_settings_come_from_flags_variables_and_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "k2so.toml").write_text(
        'uri = "tcp://nowhere.invalid:1"\nlog_format = "json"\nchunk_samples = 8192\nprebuffer = 2\n'
    )
    monkeypatch.setenv("K2SO_CONFIG", "k2so.toml")
    monkeypatch.setenv("K2SO_URI", "tcp://127.0.0.1:0")
    monkeypatch.setenv("K2SO_CHUNK_SAMPLES", "4096")
    with serving("--chunk-samples", "2048") as (process, uri):
        async with client(uri) as connection:
            await connection.write_event(Synthesize("Hello there.").event())
            chunks = [event for event in await read_reply(connection) if event.payload]
        assert {len(chunk.payload or b"") for chunk in chunks[:-1]} == {2 * 2048}
        assert json.loads(end(process).splitlines()[-1])["message"] == "stopped"


@pytest.mark.parametrize("option", ["--uri", "--metrics-port"])
def test_a_port_in_use_is_one_line_and_status_1(option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        if option == "--uri":
            message = fails(1, "--uri", f"tcp://127.0.0.1:{port}")
            assert message.startswith(f"cannot listen on tcp://127.0.0.1:{port}: ")
            assert message.endswith("; choose another address with --uri")
        else:
            message = fails(1, "--uri", "tcp://127.0.0.1:0", "--metrics-port", str(port))
            assert message.startswith(f"cannot serve metrics on port {port}: ")
        assert "in use" in message


@pytest.mark.parametrize("name", ["k2so.sock", "here/Some:name.sock"])
async def test_a_unix_socket_can_be_served(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with serving("--uri", f"unix://{name}") as (process, uri):
        assert uri == f"unix://{name}"
        assert (await describe(f"unix://{path}")).tts
        end(process)
    assert not path.exists()


def test_a_unix_socket_does_not_replace_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    assert fails(1, "--uri", f"unix://{tmp_path}/file").startswith(f"cannot listen on unix://{tmp_path}/file: ")
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a pipe can be set on Linux only")
def test_standard_input_and_output_can_be_served() -> None:
    with started("--uri", "stdio://") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        # So small that the server still has to write when it has nothing left to do.
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        process.stdin.write(b'{"type":"synthesize","data":{"text":"Hello."}}\n')
        process.stdin.close()
        process.stdin = None
        assert any(b" s of speech" in line for line in process.stderr)
        events: list[Event] = []
        while (event := read_event(cast(BinaryIO, process.stdout))) is not None:
            events.append(event)
        assert ended(process).endswith("INFO stopped\n")
    assert [event.type for event in events if not event.payload] == ["audio-start", "audio-stop"]
    assert AudioStop.from_event(events[-1]).timestamp == round(len(sound(events)) / 2 / RATE * 1000)


@pytest.mark.parametrize("place", ["/dev/null", __file__])
def test_standard_input_must_be_something_that_can_be_waited_for(place: str) -> None:
    with Path(place).open("rb") as source:
        result = subprocess.run(
            command("--uri", "stdio://"), stdin=source, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    assert result.returncode == 1
    assert re.fullmatch(rb"wyoming-k2so: cannot listen on stdio://: .*\n", result.stderr)

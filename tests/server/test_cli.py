"""The command as users type it, in processes of its own."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO, cast
from urllib.request import urlopen

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.event import Event, read_event
from wyoming.info import Describe, Info
from wyoming.ping import Pong
from wyoming.tts import Synthesize

from wyoming_k2so import __version__
from wyoming_k2so.server import ServeError, parse_uri

PATIENCE_S = 60.0
RATE = 22_050
VOICE = "en_US-joe-medium"
LONG = "This sentence goes on and on without a stop and it takes the voice quite a while to say all of it, " * 2

Process = subprocess.Popen[bytes]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but those of the test, and no voices of the user's own."""
    for name in os.environ:
        if name.startswith("K2SO_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.chdir(tmp_path)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "wyoming_k2so", *arguments]


def run(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), input=text, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def fails(status: int, *arguments: str) -> str:
    """The one line that a command says when it fails."""
    result = run(*arguments)
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    program, _, message = line.partition(": ")
    assert program == "wyoming-k2so"
    return message


@contextmanager
def started(*arguments: str) -> Iterator[Process]:
    # Unbuffered: `communicate` would not see what a buffer has read ahead.
    process = subprocess.Popen(
        command(*arguments), bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[Process, str]]:
    """A server that is ready, and its address."""
    with started(*arguments) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(rb"Ready at (\S+) after", line):
                yield process, found[1].decode()
                return
        raise AssertionError("the server ended before it was ready")


def end(process: Process, signal_number: int = signal.SIGTERM) -> str:
    """Stop a server; it must end cleanly. Returns the rest of what it said."""
    process.send_signal(signal_number)
    return ended(process)


def ended(process: Process) -> str:
    """What a process says until it ends cleanly."""
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert b"Traceback" not in err
    return err.decode()


@asynccontextmanager
async def client(uri: str) -> AsyncIterator[AsyncClient]:
    async with asyncio.timeout(PATIENCE_S), AsyncClient.from_uri(uri) as connection:
        yield connection


async def describe(uri: str) -> Info:
    async with client(uri) as connection:
        await connection.write_event(Describe().event())
        return Info.from_event(await next_event(connection))


async def next_event(connection: AsyncClient) -> Event:
    event = await connection.read_event()
    assert event is not None
    return event


async def read_reply(connection: AsyncClient) -> list[Event]:
    events = [await next_event(connection)]
    while not AudioStop.is_type(events[-1].type):
        events.append(await next_event(connection))
    return events


async def speak(uri: str, text: str) -> bytes:
    async with client(uri) as connection:
        await connection.write_event(Synthesize(text).event())
        return sound(await read_reply(connection))


def sound(events: list[Event]) -> bytes:
    return b"".join(event.payload or b"" for event in events if AudioChunk.is_type(event.type))


def is_speech(audio: bytes) -> bool:
    samples = np.frombuffer(audio, "<i2").astype(float)
    return len(samples) > 0.3 * RATE and bool(np.abs(samples).max() > 10_000)


def get(url: str) -> str:
    with urlopen(url, timeout=PATIENCE_S) as answer:
        return str(answer.read(), "utf-8")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---- what is asked for wrongly ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--chunk-samples", "1000"], "--chunk-samples: '1000' is not allowed, it must be one of 2048, 4096, 8192"),
        (["bench", "--rounds", "0"], "--rounds: must be at least 1"),
        (["--config", "nowhere.toml"], "the configuration file nowhere.toml cannot be read: "),
        (["--uri", "tcp://nowhere"], "uri: 'tcp://nowhere' is no address; it must be tcp://HOST:PORT, unix://PATH or"),
        (["--voice", "Zoe"], f"there is no voice 'Zoe'; there are: {VOICE}"),
        (["say", "--language", "fr", "Salut"], "no voice speaks 'fr'; languages: en-US"),
    ],
)
def test_a_bad_value_is_one_line_and_status_2(arguments: list[str], message: str) -> None:
    assert fails(2, *arguments).startswith(message)


def test_an_unknown_variable_is_one_line_and_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K2SO_PRE_BUFFER", "1")
    message = fails(2, "voices")
    assert message.startswith("the environment variable K2SO_PRE_BUFFER is no setting; there are: K2SO_")
    assert "K2SO_PREBUFFER, " in message


def test_a_bad_key_in_the_file_is_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "k2so.toml").write_text("pre_buffer = 1\n")
    message = fails(2, "--config", "k2so.toml")
    assert message.startswith("pre_buffer in k2so.toml is no setting; there are: ")
    assert ", prebuffer, " in message


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("tcp://0.0.0.0:10200", ("tcp", "0.0.0.0", 10200, Path())),
        ("tcp://[::1]:0", ("tcp", "::1", 0, Path())),
        ("unix:///run/k2so.sock", ("unix", "", 0, Path("/run/k2so.sock"))),
        ("unix://Here/a:b?#c", ("unix", "", 0, Path("Here/a:b?#c"))),
        ("stdio://", ("stdio", "", 0, Path())),
    ],
)
def test_addresses(uri: str, parts: tuple[str, str, int, Path]) -> None:
    assert parse_uri(uri) == parts


@pytest.mark.parametrize("uri", ["", "10200", "h:1", "http://h:1", "tcp://h", "tcp://:1", "tcp://h:99999", "unix://"])
def test_what_is_no_address(uri: str) -> None:
    with pytest.raises(ServeError, match=r"is no address; it must be tcp://HOST:PORT, unix://PATH or stdio://"):
        parse_uri(uri)


@pytest.mark.parametrize("arguments", [["--nonsense"], ["dance"]])
def test_an_unknown_argument_is_status_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: wyoming-k2so")
    assert ": error: " in result.stderr.splitlines()[-1]


def test_the_version_and_the_commands_can_be_asked_for() -> None:
    assert run("--version").stdout == f"wyoming-k2so {__version__}\n"
    text = run("--help").stdout
    assert all(name in text for name in ("serve", "say", "bench", "voices"))


# ---- say --------------------------------------------------------------------------------------------------------


def test_say_writes_a_wav_file_with_speech(tmp_path: Path) -> None:
    result = run("say", "The kettle is boiling.", "-o", "out.wav")
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"first sound after \d+\.\d\d s, \d+\.\d s of speech\n", result.stderr)
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        assert is_speech(file.readframes(file.getnframes()))


def test_say_speaks_standard_input_while_it_is_still_typed() -> None:
    with started("say", "-o", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"The first sentence is complete. The s")
        process.stdin.flush()
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        assert readable
        first = os.read(process.stdout.fileno(), 4096)
        assert first
        process.stdin.write("econd one, too: naïve?".encode())
        rest, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert is_speech(first + rest)


def test_say_copes_with_text_that_is_no_utf_8(tmp_path: Path) -> None:
    result = subprocess.run(
        [*command("say", "-o", "out.wav"), b"Hello \xff there."], capture_output=True, timeout=PATIENCE_S, check=False
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out.wav").stat().st_size > RATE


def test_say_without_text_and_without_input_is_told_so() -> None:
    result = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *command("say", "-o", "out.wav")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr == b"wyoming-k2so: there is no text, and standard input is closed\n"


def test_say_into_a_place_that_cannot_be_written_is_status_1() -> None:
    message = fails(1, "say", "Hello.", "-o", "/nowhere/out.wav")
    assert message == "cannot write /nowhere/out.wav: No such file or directory"


def test_an_interrupted_say_ends_quietly() -> None:
    with started("say", "-o", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"Hello there. {LONG}.\n\n{LONG}".encode())
        process.stdin.flush()
        assert process.stdout.read(100)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"terminate" not in err


# ---- voices and bench -------------------------------------------------------------------------------------------


def test_voices_lists_engine_name_and_languages() -> None:
    result = run("voices")
    assert result.returncode == 0
    assert result.stdout.split()[:3] == ["piper", VOICE, "en-US"]


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


# ---- serve ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["serve"]], ids=["the default command", "serve"])
async def test_serve_answers_until_it_is_told_to_stop(arguments: list[str]) -> None:
    with serving(*arguments, "--uri", "tcp://127.0.0.1:0") as (process, uri):
        info = await describe(uri)
        assert info.tts[0].voices[0].name == VOICE
        assert is_speech(await speak(uri, "Hello there."))
        log = end(process, signal.SIGINT)
    assert "Add integration > Wyoming Protocol, host 127.0.0.1, port" in log
    assert f"INFO piper/{VOICE}: " in log
    assert log.endswith("INFO Stopped\n")


async def test_figures_can_be_scraped_and_the_log_can_be_json() -> None:
    port = free_port()
    options = ["--metrics-port", str(port), "--log-format", "json", "--zeroconf", "Test"]
    with serving("--uri", "tcp://127.0.0.1:0", *options) as (process, uri):
        assert is_speech(await speak(uri, "Hello there."))
        figures = await asyncio.to_thread(get, f"http://127.0.0.1:{port}/metrics")
        log = [json.loads(line) for line in end(process).splitlines()]
    assert 'k2so_requests_total{engine="piper",outcome="ok"} 1.0' in figures
    assert "k2so_active_streams 0.0" in figures
    assert "Announced on the local network" in [entry["message"] for entry in log]
    assert log[-1]["message"] == "Stopped"


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
        assert " WARNING Bad event from 127.0.0.1:" in end(process)


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
        assert json.loads(end(process).splitlines()[-1])["message"] == "Stopped"


@pytest.mark.parametrize("option", ["--uri", "--metrics-port"])
def test_a_port_in_use_is_one_line_and_status_1(option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        if option == "--uri":
            message = fails(1, "--uri", f"tcp://127.0.0.1:{port}")
            assert message.startswith(f"cannot serve tcp://127.0.0.1:{port}: ")
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
    assert fails(1, "--uri", f"unix://{tmp_path}/file").startswith(f"cannot serve unix://{tmp_path}/file: ")
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
        assert ended(process).endswith("INFO Stopped\n")
    assert [event.type for event in events if not event.payload] == ["audio-start", "audio-stop"]
    assert AudioStop.from_event(events[-1]).timestamp == round(len(sound(events)) / 2 / RATE * 1000)


@pytest.mark.parametrize("place", ["/dev/null", __file__])
def test_standard_input_must_be_something_that_can_be_waited_for(place: str) -> None:
    with Path(place).open("rb") as source:
        result = subprocess.run(
            command("--uri", "stdio://"), stdin=source, capture_output=True, timeout=PATIENCE_S, check=False
        )
    assert result.returncode == 1
    assert re.fullmatch(rb"wyoming-k2so: cannot serve stdio://: .*\n", result.stderr)

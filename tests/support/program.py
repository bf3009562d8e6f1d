"""Runs the command line in its own processes, and talks to servers that it started."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.request import urlopen

import numpy as np
from wyoming.audio import AudioChunk, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize

TIMEOUT_S = 60.0
RATE = 22_050
VOICE = "en_US-joe-medium"
LONG = "This sentence goes on and on without a stop and it takes the voice quite a while to say all of it, " * 2

Process = subprocess.Popen[bytes]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "wyoming_k2so", *arguments]


def run(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), input=text, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def fails(status: int, *arguments: str) -> str:
    """Run a command that fails with this status; returns its one line of error."""
    result = run(*arguments)
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    program, _, message = line.partition(": ")
    assert program == "wyoming-k2so"
    return message


@contextmanager
def started(*arguments: str) -> Iterator[Process]:
    # A shell lets background processes ignore SIGINT, and their children inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Unbuffered: `communicate` would miss what a buffer has read ahead.
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
    """Start a server and wait until it is ready; yields its process and address."""
    with started(*arguments) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(rb"ready at (\S+) after", line):
                yield process, found[1].decode()
                return
        raise AssertionError("the server ended before it was ready")


def end(process: Process, signal_number: int = signal.SIGTERM) -> str:
    """Stop a server, which must end cleanly. Returns the rest of its standard error."""
    process.send_signal(signal_number)
    return ended(process)


def ended(process: Process) -> str:
    """Wait until a process ends cleanly. Returns the rest of its standard error."""
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    assert b"Traceback" not in err
    return err.decode()


@asynccontextmanager
async def client(uri: str) -> AsyncIterator[AsyncClient]:
    async with asyncio.timeout(TIMEOUT_S), AsyncClient.from_uri(uri) as connection:
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
    with urlopen(url, timeout=TIMEOUT_S) as answer:
        return str(answer.read(), "utf-8")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""The health check, against healthy and unhealthy servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.fakes import ScriptedEngine, make_voice
from tests.support.program import fails, free_port, run, serving
from tests.support.server import served
from wyoming_k2so.server.healthcheck import count_voices


def test_the_command_checks_a_server_on_every_interface() -> None:
    uri = f"tcp://0.0.0.0:{free_port()}"
    assert fails(1, "check", "--uri", uri).startswith(f"no server answers at {uri}: ")
    with serving("--uri", uri, "--engine", "piper"):
        answer = run("check", "--uri", uri)
    assert (answer.returncode, answer.stdout) == (0, f"The server at {uri} speaks in 1 voice.\n")


def test_the_command_checks_a_unix_socket(tmp_path: Path) -> None:
    uri = f"unix://{tmp_path}/k2so.sock"
    assert "no server answers" in fails(1, "check", "--uri", uri)
    with serving("--uri", uri, "--engine", "piper"):
        assert run("check", "--uri", uri).returncode == 0


@pytest.mark.parametrize("uri", ["stdio://", "http://127.0.0.1:80"])
def test_an_address_that_cannot_be_checked_is_an_error(uri: str) -> None:
    assert "tcp://HOST:PORT or unix://PATH" in fails(2, "check", "--uri", uri)


async def test_a_voice_in_two_programs_counts_once() -> None:
    async with served(ScriptedEngine(make_voice("ann"), make_voice("bob"))) as (_, port):
        assert await count_voices(f"tcp://127.0.0.1:{port}") == 2


async def test_a_server_that_is_stuck_or_hangs_up_is_unhealthy() -> None:
    release = asyncio.Event()

    async def stuck(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.close()

    async with await asyncio.start_server(stuck, "127.0.0.1", 0) as server:
        uri = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(TimeoutError):
            await count_voices(uri, timeout_s=0.1)
        release.set()
        with pytest.raises(ConnectionError):
            await count_voices(uri)

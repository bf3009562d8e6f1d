"""A real server process with XTTS beside the embedded voice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from tests.support.client import read_event
from tests.support.server_process import ServerProcess

PATIENCE_S = 100


def start(
    checkpoint: Path, home: Path, engine: str = "auto", *more: str, program: Sequence[str] = ("wyoming_k2so",)
) -> ServerProcess:
    folders = ("--data-dir", str(home / "data"), "--cache-dir", str(home / "cache"))
    return ServerProcess("--engine", engine, "--xtts-checkpoint", str(checkpoint), *folders, *more, program=program)


async def engines(client: AsyncTcpClient) -> dict[str, dict[str, str]]:
    """What the server reports of each engine."""
    await client.write_event(Event("k2so-describe"))
    event = await read_event(client)
    assert event is not None
    return {engine["name"]: engine for engine in event.data["engines"]}


async def settled(client: AsyncTcpClient) -> dict[str, str]:
    """The state of XTTS once it has loaded or failed."""
    deadline = time.monotonic() + PATIENCE_S
    while (state := (await engines(client))["xtts"])["state"] == "loading":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    return state

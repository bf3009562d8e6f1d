"""Checks whether a server is up, as a container's health check does."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from wyoming.client import AsyncClient
from wyoming.info import Describe, Info

TIMEOUT_S = 5.0


async def count_voices(uri: str, timeout_s: float = TIMEOUT_S) -> int:
    """Count the voices that the server at `uri` lists in its answer to `describe`.

    Args:
        uri: the address that the server listens on; one that means every interface is reached on this machine.
        timeout_s: seconds to wait for the answer.

    Raises:
        OSError: no server answers in time.
    """
    async with asyncio.timeout(timeout_s), AsyncClient.from_uri(_here(uri)) as client:
        await client.write_event(Describe().event())
        while event := await client.read_event():
            if Info.is_type(event.type):
                programs = Info.from_event(event).tts
                # A voice may belong to several programs.
                return len({voice.name for program in programs for voice in program.voices})
    raise ConnectionError("the connection was closed without an answer")


def _here(uri: str) -> str:
    parts = urlsplit(uri)
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(parts.hostname or "")  # noqa: S104  read, not bound
    return f"{parts.scheme}://{here}:{parts.port}" if here else uri

"""Asks a server whether it is there, as a container's health check does."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from wyoming.client import AsyncClient
from wyoming.info import Describe, Info

PATIENCE_S = 5.0


async def count_voices(uri: str, patience_s: float = PATIENCE_S) -> int:
    """How many voices the server at `uri` can speak in, by a round trip of `describe`.

    Args:
        uri: what the server was told to serve; an address that means every interface is asked on this machine.

    Raises:
        OSError: nobody serves there, or not in time.
    """
    async with asyncio.timeout(patience_s), AsyncClient.from_uri(_here(uri)) as client:
        await client.write_event(Describe().event())
        while event := await client.read_event():
            if Info.is_type(event.type):
                programs = Info.from_event(event).tts
                # A voice may belong to several programs.
                return len({voice.name for program in programs for voice in program.voices})
    raise ConnectionError("it hung up")


def _here(uri: str) -> str:
    parts = urlsplit(uri)
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(parts.hostname or "")  # noqa: S104  read, not bound
    return f"{parts.scheme}://{here}:{parts.port}" if here else uri

"""What wyoming's own client never does: send raw bytes, and leave with a reset."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

from wyoming.client import AsyncTcpClient


def frame(type: str, data: dict[str, Any]) -> bytes:
    """The bytes of an event, whatever its type and data."""
    body = json.dumps(data).encode()
    return json.dumps({"type": type, "data_length": len(body)}).encode() + b"\n" + body


async def send_raw(client: AsyncTcpClient, frame: bytes) -> None:
    """Send bytes as they are."""
    assert client._writer is not None
    client._writer.write(frame)
    await client._writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection with a TCP reset instead of an orderly end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # on, with a timeout of 0
    writer.close()

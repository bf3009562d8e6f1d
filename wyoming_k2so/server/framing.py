"""Reads events from untrusted clients: Wyoming's framing with a limit on every length.

A frame is a JSON object on one line, then `data_length` bytes of JSON, then `payload_length` bytes. The wyoming package
reads any length and trusts every type; here an invalid frame raises FrameError. To write, use the wyoming package.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from wyoming.event import Event

MAX_LARGE = 2


@dataclass(frozen=True)
class Limits:
    """How large an event may be, in bytes, and how long it may take to arrive."""

    header: int = 64 * 1024
    data: int = 1024 * 1024
    payload: int = 1024 * 1024
    payload_of: Mapping[str, int] = field(default_factory=dict)
    """Payload limits that differ, by event type."""

    timeout_s: float = 30.0
    min_rate: int = 64 * 1024
    """After its header, an event of n bytes must arrive within `timeout_s` + n / `min_rate` seconds."""

    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_LARGE))
    """Held while a payload larger than `payload` is read, to bound the memory for these."""


class FrameError(ValueError):
    """An invalid frame. `fatal`: the start of the next frame is unknown, so the connection must be closed."""

    def __init__(self, message: str, *, fatal: bool) -> None:
        super().__init__(message)
        self.fatal = fatal


async def read_event(reader: asyncio.StreamReader, limits: Limits) -> Event | None:
    """Read one event; None at the end of the connection.

    Create `reader` with `limit=limits.header`.

    Raises:
        FrameError: the frame is malformed, too large or too slow.
    """
    line = await _read_line(reader, limits)
    if line is None:
        return None
    header = _parse(line, "the header", fatal=True)
    data_length = _length(header, "data_length", limits.data)
    event_type = header.get("type")
    limit = limits.payload_of.get(event_type, limits.payload) if isinstance(event_type, str) else limits.payload
    payload_length = _length(header, "payload_length", limit)
    try:
        async with asyncio.timeout(limits.timeout_s + (data_length + payload_length) / limits.min_rate):
            data_bytes = await _read_exactly(reader, data_length, "data")
            async with limits.large if payload_length > limits.payload else nullcontext():
                payload = await _read_exactly(reader, payload_length, "payload")
    except TimeoutError:
        raise FrameError("timed out waiting for the rest of an event", fatal=True) from None

    # The whole frame has been read: an error inside it costs only this event.
    data = header.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise FrameError("data must be a JSON object", fatal=False)
    if data_bytes:
        data = data | _parse(data_bytes, "data", fatal=False)
    if not isinstance(event_type, str):
        raise FrameError("type must be a string", fatal=False)
    return Event(type=event_type, data=data, payload=payload or None)


async def _read_line(reader: asyncio.StreamReader, limits: Limits) -> bytes | None:
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise FrameError("the connection ended inside the header of an event", fatal=True) from None
        return None
    except asyncio.LimitOverrunError:
        raise FrameError(f"the header must be at most {limits.header} bytes", fatal=True) from None


async def _read_exactly(reader: asyncio.StreamReader, length: int, what: str) -> bytes:
    try:
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        raise FrameError(f"the connection ended inside the {what} of an event", fatal=True) from None


def _length(header: dict[str, Any], key: str, limit: int) -> int:
    length = header.get(key)
    if length is None:
        return 0
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise FrameError(f"{key} must be a non-negative whole number", fatal=True)
    if length > limit:
        raise FrameError(f"{key} must be at most {limit}", fatal=True)
    return length


def _parse(text: bytes, what: str, *, fatal: bool) -> dict[str, Any]:
    try:
        value = json.loads(text.decode())
        if b"\\u" in text:
            # An escape can be an unpaired surrogate, which cannot be encoded as UTF-8: replace it with a question mark.
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise FrameError(f"{what} is not valid JSON", fatal=fatal) from None
    if not isinstance(value, dict):
        raise FrameError(f"{what} must be a JSON object", fatal=fatal)
    return value

"""Transports: options of the sockets. tests/e2e and tests/commands cover Unix sockets and stdio in real processes."""

from __future__ import annotations

import asyncio
import socket

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.ping import Ping

from tests.support.client import read_event
from tests.support.fakes import ScriptedEngine
from tests.support.server import served
from wyoming_k2so.server import listener
from wyoming_k2so.server.connection import Connection
from wyoming_k2so.server.context import ServerContext


async def test_the_system_detects_a_client_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = list[asyncio.StreamWriter]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ServerContext) -> Connection:
        accepted.append(writer)
        return Connection(reader, writer, context)

    monkeypatch.setattr(listener, "Connection", accept)
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Ping().event())
        await read_event(client)
        sock = accepted[0].get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        first, then, times = (
            sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
            for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
        )
        assert first + times * then == 120

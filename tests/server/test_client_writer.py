"""Writing to a client that does not read."""

from __future__ import annotations

import json
import socket

import pytest
from wyoming.client import AsyncTcpClient

from tests.support.client import synthesize
from tests.support.fakes import ScriptedEngine
from tests.support.server import served
from tests.support.waiting import until
from wyoming_k2so.server import client_writer


async def test_a_client_that_does_not_read_is_disconnected_and_does_not_delay_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client_writer, "WRITE_TIMEOUT_S", 0.5)
    engine = ScriptedEngine()
    async with served(engine) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        deaf = socket.create_connection(("127.0.0.1", port))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        text = json.dumps({"text": "The same sentence once more. " * 3000})
        deaf.sendall(b'{"type": "synthesize", "data_length": %d}\n%s' % (len(text), text.encode()))
        assert (await synthesize(client, "Hello.")).error is None
        await until(lambda: "read nothing" in caplog.text)
        await until(lambda: engine.open_utterances == 0)
        assert len(engine.said) < 2000  # synthesis paused as well
        deaf.close()

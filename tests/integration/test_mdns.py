"""Discovery over mDNS, with a real server that announces itself and a real Home Assistant that listens."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import ifaddr
import pytest

from .audio_checks import assert_says
from .hass_process import HassProcess, Websocket
from .server_process import ServerProcess
from .user_actions import Entry, entities, finish, remove, speak

SENTENCE = "The kitchen light is on now."
TIMEOUT_S = 30.0

ADDRESSES = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
pytestmark = pytest.mark.skipif(ADDRESSES == ["127.0.0.1"], reason="mDNS is not heard on the loopback interface")


async def discovered(websocket: Websocket) -> dict[str, Any]:
    """The discovery flow of our integration, once Home Assistant has found the server."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            for flow in await websocket.call("config_entries/flow/progress"):
                if (flow["handler"], flow["step_id"]) == ("k2so", "discovery_confirm"):
                    return dict(flow)
            await asyncio.sleep(0.2)


def speak_again(hass: HassProcess, entry: Entry) -> bytes:
    """What is spoken as soon as the server has been found again."""
    deadline = time.monotonic() + TIMEOUT_S
    while (spoken := speak(hass, entry, SENTENCE)).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return spoken.body


async def test_discovers_a_server_and_follows_it_to_a_new_port(
    hass_process: HassProcess, websocket: Websocket, server_python: str, tmp_path: Path
) -> None:
    first, second = (ServerProcess(server_python, tmp_path, "--zeroconf", bind="0.0.0.0") for _ in range(2))
    with first.running():
        flow = await discovered(websocket)
        assert flow["context"]["title_placeholders"]["name"].startswith("K2-SO (")
        entry = finish(hass_process, flow["flow_id"], {})
        assert_says(speak(hass_process, entry, SENTENCE).body, SENTENCE)

    with second.running():
        assert_says(await asyncio.to_thread(speak_again, hass_process, entry), SENTENCE)
        remove(hass_process, entry)
    assert entry.tts not in entities(hass_process, "tts")

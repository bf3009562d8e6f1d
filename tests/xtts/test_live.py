"""Settings of XTTS changed while it speaks: over real sockets, with real models of a tiny checkpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from tests.client import read_event, read_until, synthesize
from wyoming_k2so.catalog import Catalog
from wyoming_k2so.config import Config
from wyoming_k2so.control import Control
from wyoming_k2so.loader import Loader
from wyoming_k2so.metrics import Metrics
from wyoming_k2so.server import Server
from wyoming_k2so.service import Service

from .conftest import TEXT


@pytest.fixture
async def client(config: Config) -> AsyncIterator[AsyncTcpClient]:
    """Connected to a server that speaks by XTTS in full precision."""
    config = replace(config, xtts=replace(config.xtts, seed=1))
    catalog, metrics = Catalog(defaults=config.voice), Metrics()
    loader = Loader(catalog)
    loader.start(config, wait=True)
    server = Server("tcp://127.0.0.1:0", Service(catalog, Control(config, catalog, loader, metrics), metrics))
    async with server.listening() as port, AsyncTcpClient("127.0.0.1", port or 0) as connected:
        connected.port = port
        yield connected


async def configure(client: AsyncTcpClient, **settings: Any) -> Event:
    await client.write_event(Event("k2so-configure", {"settings": settings}))
    while (event := await read_event(client)) is not None:
        if event.type in ("k2so-info", "error"):
            return event
    raise AssertionError("no answer")


def xtts(info: Event) -> dict[str, Any]:
    return next(engine for engine in info.data["engines"] if engine["name"] == "xtts")


async def test_a_switch_of_precision_loads_beside_and_cuts_no_reply(client: AsyncTcpClient) -> None:
    async with AsyncTcpClient("127.0.0.1", client.port) as speaking:
        await speaking.write_event(Event("synthesize", {"text": TEXT * 4}))
        answer = await configure(client, quantization="int8", vocoder_precision="fp32")
        assert answer.type == "k2so-info", answer.data
        assert (xtts(answer)["state"], xtts(answer)["mode"]) == ("ready", "int8")
        reply = await read_until(speaking, "audio-stop")
    assert reply.error is None
    assert (reply.start.rate, reply.seconds > 3) == (24_000, True)
    assert (await synthesize(client, TEXT)).error is None


async def test_a_refused_precision_keeps_the_old_model(client: AsyncTcpClient) -> None:
    answer = await configure(client, quantization="fp16")
    assert (answer.type, answer.data["code"]) == ("error", "failed")
    assert "use bf16 or int8" in answer.data["text"]
    await client.write_event(Event("k2so-describe"))
    info = await read_event(client)
    assert info is not None
    assert (xtts(info)["state"], xtts(info)["mode"], info.data["settings"]["quantization"]) == ("ready", "none", "none")
    assert (await synthesize(client, TEXT)).start.rate == 24_000


async def test_sampling_changes_without_another_model(client: AsyncTcpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await synthesize(client, TEXT)
    assert (await synthesize(client, TEXT)).audio.tolist() == before.audio.tolist()
    monkeypatch.delattr(Loader, "load")  # any load would fail
    limits = {"temperature": 0.2, "top_k": 3, "top_p": 0.5, "repetition_penalty": 2.0, "seed": 7}
    for key, value in limits.items():
        answer = await configure(client, **{key: value})
        assert answer.type == "k2so-info", answer.data
        assert answer.data["settings"][key] == value
        assert {"min", "help"} <= answer.data["allowed"][key].keys()
    assert (await synthesize(client, TEXT)).audio.tolist() != before.audio.tolist()
    answer = await configure(client, **(dict.fromkeys(limits) | {"seed": 1}))
    assert answer.data["settings"]["temperature"] is None
    assert (await synthesize(client, TEXT)).audio.tolist() == before.audio.tolist()
    assert (await configure(client, temperature=9)).data["code"] == "bad-setting"


async def test_chunks_prebuffer_and_engine_change(client: AsyncTcpClient) -> None:
    await configure(client, chunk_samples=8192, prebuffer=2)
    reply = await synthesize(client, TEXT)
    assert {chunk.samples for chunk in reply.chunks[:-1]} == {8192}
    answer = await configure(client, engine="piper")
    assert (answer.data["speaking"], xtts(answer)["state"]) == ("piper", "off")
    assert (await synthesize(client, TEXT)).start.rate == 22_050
    answer = await configure(client, engine="xtts")
    assert (answer.data["speaking"], xtts(answer)["state"]) == ("xtts", "ready")
    assert (await synthesize(client, TEXT)).start.rate == 24_000

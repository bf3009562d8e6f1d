"""XTTS's settings change while it speaks: over real sockets, with real models of a tiny checkpoint."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.tts import SynthesizeChunk, SynthesizeStart, SynthesizeStop

from tests.engines.xtts.support.speaking import TEXT
from tests.support.client import read_event, read_until, synthesize
from tests.support.waiting import until
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.kernels import precision
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.server.context import ServerContext
from wyoming_k2so.server.listener import Listener
from wyoming_k2so.server.live_settings import LiveSettings
from wyoming_k2so.server.metrics import Metrics
from wyoming_k2so.settings.config import Config, StreamConfig
from wyoming_k2so.voices.catalog import Catalog
from wyoming_k2so.voices.engine_loader import EngineLoader
from wyoming_k2so.voices.engine_manager import EngineManager


@asynccontextmanager
async def serving(config: Config, **xtts: Any) -> AsyncIterator[tuple[ServerContext, AsyncTcpClient]]:
    """A server with XTTS and a fixed seed, and a client."""
    config = replace(config, voice=replace(config.voice, seed=1))
    config = config.with_group(replace(config.group(XttsSettings), **xtts))
    catalog, metrics = Catalog(defaults=config.voice), Metrics()
    manager = EngineManager(catalog)
    manager.start(config, wait=True)
    service = ServerContext(catalog, LiveSettings(config, catalog, manager, metrics), metrics)
    server = Listener("tcp://127.0.0.1:0", service)
    async with server.listening() as port, AsyncTcpClient("127.0.0.1", port or 0) as connected:
        connected.port = port
        yield service, connected


@pytest.fixture
async def client(config: Config) -> AsyncIterator[AsyncTcpClient]:
    """Connected to a server with XTTS in full precision."""
    async with serving(config) as (_, connected):
        yield connected


async def configure(client: AsyncTcpClient, **settings: Any) -> Event:
    await client.write_event(Event("k2so-configure", {"settings": settings}))
    while (event := await read_event(client)) is not None:
        if event.type in ("k2so-info", "error"):
            return event
    raise AssertionError("no answer")


def xtts(info: Event) -> dict[str, Any]:
    return next(engine for engine in info.data["engines"] if engine["name"] == "xtts")


# ---- in the middle of a reply -----------------------------------------------------------------------------------

SENTENCES = (
    "The kitchen light is on, and the door is locked.",
    "Outside it is cold, dark and very quiet tonight.",
    "Nobody is in the garden or on the street.",
    "The heating runs until ten in the evening.",
)
CHUNK = 2048
AS_IT_COMES = StreamConfig(chunk_samples=CHUNK, prebuffer=0, early_clause=False, stall_silence=0)


async def alone(client: AsyncTcpClient) -> list[NDArray[np.int16]]:
    """The sound of each sentence as a reply of its own, in the present precision."""
    return [(await synthesize(client, sentence)).audio for sentence in SENTENCES]


async def begin(client: AsyncTcpClient, length: int) -> NDArray[np.int16]:
    """Send the first sentence, of `length` samples, and the beginning of the next; return the sound of the first.

    While text is late, all sound is sent at once, so the last chunk is padded with silence.
    """
    await client.write_event(SynthesizeStart().event())
    await client.write_event(SynthesizeChunk(f"{SENTENCES[0]} {SENTENCES[1][:20]}").event())
    heard = np.zeros(0, np.int16)
    while len(heard) < length and (event := await read_event(client)) is not None:
        if event.type == "audio-chunk":
            heard = np.append(heard, np.frombuffer(event.payload or b"", "<i2"))
    return heard


async def end(client: AsyncTcpClient, look: Callable[[], None] = lambda: None) -> NDArray[np.int16]:
    """Send the rest of the text and return its sound. `look` is called once the first of it has arrived."""
    await client.write_event(SynthesizeChunk(f"{SENTENCES[1][20:]} {' '.join(SENTENCES[2:])}").event())
    first = await read_until(client, "audio-chunk")
    look()
    await client.write_event(SynthesizeStop().event())
    reply = await read_until(client, "synthesize-stopped")
    assert reply.error is None
    return np.concatenate([np.frombuffer(chunk.audio, "<i2") for chunk in (*first.chunks, *reply.chunks)])


@pytest.fixture
def without_garbage_collection() -> Iterator[Callable[[], None]]:
    """Once called, objects are freed exactly when they are no longer referenced."""
    yield gc.disable
    gc.enable()


async def test_a_new_model_speaks_the_rest_of_a_reply(
    config: Config, without_garbage_collection: Callable[[], None]
) -> None:
    async with (
        serving(replace(config, stream=AS_IT_COMES)) as (service, client),
        AsyncTcpClient("127.0.0.1", client.port) as speaking,
    ):
        exact = await alone(client)
        gc.collect()
        without_garbage_collection()
        engine = service.catalog.engines[0]
        assert isinstance(engine, XttsEngine)
        old = [weakref.ref(part) for part in (engine, engine.model, engine.model.gpt, engine.model.vocoder)]
        del engine
        first = await begin(speaking, len(exact[0]))
        answer = await configure(client, quantization="int8")
        assert answer.type == "k2so-info", answer.data
        assert (xtts(answer)["state"], xtts(answer)["mode"]) == ("ready", "int8")
        assert all(ref() is not None for ref in old), "a reply may still need them"

        def freed() -> None:
            assert [ref() for ref in old] == [None] * len(old)

        rest = await end(speaking, freed)
        small = await alone(client)
        last = service.metrics.snapshot()["last"]
    assert not np.array_equal(exact[1], small[1])
    assert np.array_equal(first, np.pad(exact[0], (0, -len(exact[0]) % CHUNK)))
    assert np.array_equal(rest, np.concatenate(small[1:]))
    assert (last["mode"], last["retries"], last["fallbacks"]) == ("int8", 0, 0)


async def test_a_new_model_does_not_cut_a_reply_whose_text_is_complete(client: AsyncTcpClient) -> None:
    async with AsyncTcpClient("127.0.0.1", client.port) as speaking:
        await speaking.write_event(Event("synthesize", {"text": TEXT * 4}))
        answer = await configure(client, quantization="int8", vocoder_precision="fp32")
        assert answer.type == "k2so-info", answer.data
        reply = await read_until(speaking, "audio-stop")
    assert reply.error is None
    assert (reply.start.rate, reply.seconds > 3) == (24_000, True)
    assert (await synthesize(client, TEXT)).error is None


@pytest.mark.parametrize("after_tokens", [0, 20])
async def test_a_segment_with_nan_is_repeated_in_a_safer_precision(
    after_tokens: int, config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda: True)  # the same order of precisions on every machine
    caplog.set_level(logging.INFO)
    async with (
        serving(replace(config, stream=AS_IT_COMES), quantization="int8") as (service, client),
        AsyncTcpClient("127.0.0.1", client.port) as speaking,
    ):
        small = await alone(client)
        first = await begin(speaking, len(small[0]))
        engine = service.catalog.engines[0]
        assert isinstance(engine, XttsEngine)
        with torch.no_grad():  # the model is broken from here on
            engine.model.gpt.code_position.weight[after_tokens:] = torch.nan
        rest = await end(speaking)
        await until(lambda: "1 retries" in caplog.text)
        await client.write_event(Event("k2so-describe"))
        info = await read_event(client)
        assert info is not None
        safer = await alone(client)
        value = service.metrics.registry.get_sample_value
        assert value("k2so_retries_total", {"engine": "xtts"}) == 1
        assert value("k2so_fallbacks_total", {"engine": "xtts"}) == 0
        assert value("k2so_replies_in_safer_mode_total", {"engine": "xtts"}) == 1 + len(SENTENCES)
    assert np.array_equal(first, np.pad(small[0], (0, -len(small[0]) % CHUNK)))
    assert len(rest) == sum(map(len, safer[1:])), "no part of the reply is lost"
    others = np.flatnonzero(rest != np.concatenate(safer[1:]))  # samples that had been sent before
    assert np.array_equal(rest[: len(others)], small[1][: len(others)])
    assert max(others, default=0) < len(safer[1]) / 2
    assert bool(len(others)) == bool(after_tokens)
    assert (xtts(info)["state"], xtts(info)["mode"]) == ("ready", "bf16")
    assert xtts(info)["detail"] == info.data["figures"]["last"]["note"]
    assert xtts(info)["detail"] == "int8 failed: the model produced NaN or infinity"
    assert "XTTS in int8 failed (the model produced NaN or infinity); loading bf16" in caplog.text
    assert "1 retries, in bf16 because int8 failed" in caplog.text


# ---- settings ---------------------------------------------------------------------------------------------------


async def test_a_rejected_precision_keeps_the_old_model(client: AsyncTcpClient) -> None:
    answer = await configure(client, quantization="fp16")
    assert (answer.type, answer.data["code"]) == ("error", "failed")
    assert "use bf16 or int8" in answer.data["text"]
    await client.write_event(Event("k2so-describe"))
    info = await read_event(client)
    assert info is not None
    assert (xtts(info)["state"], xtts(info)["mode"], info.data["settings"]["quantization"]) == ("ready", "none", "none")
    assert info.data["failed"] == {"settings": {"quantization": "fp16"}, "reason": answer.data["text"]}
    assert (await synthesize(client, TEXT)).start.rate == 24_000


@pytest.mark.parametrize(("bf16", "offered"), [(True, ["auto", "fp32", "bf16"]), (False, ["auto", "fp32"])])
async def test_only_vocoder_precisions_that_run_well_are_offered(
    bf16: bool, offered: list[str], config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda: bf16)
    async with serving(config) as (_, client):
        info = await configure(client)
        assert info.data["allowed"]["vocoder_precision"]["choices"] == offered
        assert ["auto", *xtts(info)["vocoder_modes"]] == offered
        answer = await configure(client, vocoder_precision="fp16")
        assert (answer.type, answer.data["code"]) == ("error", "failed")
        assert f"use {offered[-1]}" in answer.data["text"]
        answer = await configure(client, vocoder_precision=offered[-1])
        assert (answer.type, answer.data["failed"]) == ("k2so-info", None)


async def test_a_request_has_its_own_speed_and_language(client: AsyncTcpClient) -> None:
    plain = await synthesize(client, TEXT)
    fast = await synthesize(client, TEXT, context={"speed": 2.0})
    german = await synthesize(client, TEXT, context={"language": "de"})
    assert len(fast.audio) == pytest.approx(len(plain.audio) / 2, rel=0.1)
    assert german.error is None
    assert german.audio.tolist() != plain.audio.tolist()
    assert (await synthesize(client, TEXT)).audio.tolist() == plain.audio.tolist()


async def test_sampling_settings_do_not_reload_the_model(
    client: AsyncTcpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await synthesize(client, TEXT)
    assert (await synthesize(client, TEXT)).audio.tolist() == before.audio.tolist()
    monkeypatch.delattr(EngineLoader, "load")  # any load would fail
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

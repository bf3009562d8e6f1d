"""Replies through a real server: more than it has slots for, texts that pause, voices that fail."""

from __future__ import annotations

import asyncio
import logging
import threading

import numpy as np
import pytest
from wyoming.client import AsyncTcpClient
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop

from tests.support.client import read_until, synthesize, synthesize_stream
from tests.support.fakes import ScriptedEngine, make_voice
from tests.support.server import served, server_config
from tests.support.texts import TWO_SENTENCES
from tests.support.threads import synthesis_threads
from tests.support.waiting import until
from wyoming_k2so.server import admission, reply_queue


async def test_beyond_the_limit_the_fallback_voice_speaks_at_once() -> None:
    gate = threading.Semaphore(0)
    big, small = (
        ScriptedEngine(make_voice("ann"), name="big", gate=gate),
        ScriptedEngine(make_voice("bob"), name="small"),
    )
    config = server_config(max_streams=1)
    async with (
        served(big, small, config=config) as (context, port),
        AsyncTcpClient("127.0.0.1", port) as one,
        AsyncTcpClient("127.0.0.1", port) as other,
    ):
        await one.write_event(Synthesize(TWO_SENTENCES).event())
        await until(lambda: bool(big.said))
        assert (await synthesize(other, "Hello.")).seconds > 0
        assert small.said == ["Hello."]
        assert context.metrics.registry.get_sample_value("k2so_busy_total", {"engine": "big"}) == 1
        for _ in range(9):
            gate.release()
        assert (await read_until(one, "audio-stop")).error is None
        await synthesize(other, "Hello.")
        assert big.said[-1] == "Hello."


async def test_beyond_the_limit_replies_wait_for_a_slot_until_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "SLOT_TIMEOUT_S", 0.2)
    gate = threading.Semaphore(0)
    big, small = (
        ScriptedEngine(make_voice("ann"), name="big", gate=gate),
        ScriptedEngine(make_voice("bob"), name="small"),
    )
    async with (
        served(big, small, config=server_config(max_streams=1, when_busy="wait")) as (_, port),
        AsyncTcpClient("127.0.0.1", port) as one,
        AsyncTcpClient("127.0.0.1", port) as other,
    ):
        await one.write_event(Synthesize("Hello.").event())
        await until(lambda: bool(big.said))
        answer = await synthesize(other, "Hello.")
        assert answer.types == ["error", "audio-stop"]
        assert answer.events[0].data["code"] == "busy"
        await other.write_event(Synthesize("There.").event())
        gate.release()
        gate.release()
        assert (await read_until(one, "audio-stop")).error is None
        assert (await read_until(other, "audio-stop")).error is None
        assert big.said == ["Hello.", "There."]
        assert small.said == []


# ---- texts that pause -----------------------------------------------------------------------------------------


@pytest.fixture
def released_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_queue, "RELEASE_AFTER_S", 0.2)


@pytest.mark.parametrize("when_busy", ["wait", "fallback"])
@pytest.mark.usefixtures("released_soon")
async def test_a_text_that_pauses_lets_other_replies_speak(when_busy: str) -> None:
    big, small = ScriptedEngine(make_voice("ann"), name="big"), ScriptedEngine(make_voice("bob"), name="small")
    async with (
        served(big, small, config=server_config(max_streams=1, when_busy=when_busy)) as (context, port),
        AsyncTcpClient("127.0.0.1", port) as one,
        AsyncTcpClient("127.0.0.1", port) as other,
    ):
        await one.write_event(SynthesizeStart().event())
        await one.write_event(SynthesizeChunk("The first sentence. And").event())
        await read_until(one, "audio-chunk")
        await until(lambda: not context.admission.full("big"))
        assert (await synthesize(other, "Hello.")).error is None
        assert big.said == ["The first sentence.", "Hello."]
        await one.write_event(SynthesizeChunk(" the second one. ").event())
        await one.write_event(SynthesizeStop().event())
        assert (await read_until(one, "synthesize-stopped")).error is None
        assert big.said[2:] == ["And the second one."]
        assert small.said == []


@pytest.mark.usefixtures("released_soon")
async def test_a_text_that_resumes_goes_before_new_replies() -> None:
    gate = threading.Semaphore(1)
    big = ScriptedEngine(make_voice("ann"), name="big", gate=gate)
    async with (
        served(big, config=server_config(max_streams=1, when_busy="wait")) as (context, port),
        AsyncTcpClient("127.0.0.1", port) as one,
        AsyncTcpClient("127.0.0.1", port) as other,
        AsyncTcpClient("127.0.0.1", port) as newcomer,
    ):
        await one.write_event(SynthesizeStart().event())
        await one.write_event(SynthesizeChunk("The first sentence. And").event())
        await read_until(one, "audio-chunk")
        await until(lambda: not context.admission.full("big"))
        await other.write_event(Synthesize("Hello.").event())
        await until(lambda: "Hello." in big.said)
        await newcomer.write_event(Synthesize("Too late.").event())
        await one.write_event(SynthesizeChunk(" the second one. Done.").event())
        await one.write_event(SynthesizeStop().event())
        await asyncio.sleep(0.1)
        assert big.said[1:] == ["Hello."]
        for _ in range(9):
            gate.release()
        for client in (one, other, newcomer):
            assert (await read_until(client, "audio-stop")).error is None
    assert big.said[1:] == ["Hello.", "And the second one.", "Done.", "Too late."]


@pytest.mark.usefixtures("released_soon")
async def test_a_text_that_resumes_gets_an_error_if_no_slot_becomes_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "SLOT_TIMEOUT_S", 0.2)
    gate = threading.Semaphore(1)
    big = ScriptedEngine(make_voice("ann"), name="big", gate=gate)
    async with (
        served(big, config=server_config(max_streams=1)) as (context, port),
        AsyncTcpClient("127.0.0.1", port) as one,
        AsyncTcpClient("127.0.0.1", port) as other,
    ):
        await one.write_event(SynthesizeStart().event())
        await one.write_event(SynthesizeChunk("The first sentence. And").event())
        await read_until(one, "audio-chunk")
        await until(lambda: not context.admission.full("big"))
        await other.write_event(Synthesize("Hello.").event())
        await until(lambda: "Hello." in big.said)
        await one.write_event(SynthesizeChunk(" the second one.").event())
        answer = await read_until(one, "synthesize-stopped")
        assert answer.types[-3:] == ["error", "audio-stop", "synthesize-stopped"]
        assert "busy" in (answer.error or "")
        gate.release()
        assert (await read_until(other, "audio-stop")).error is None
        await until(lambda: not context.admission.full("big"))


# ---- failures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_failed_reply_ends_with_an_error(streaming: bool, caplog: pytest.LogCaptureFixture) -> None:
    engine = ScriptedEngine(fail_at={1: "raise", 2: "raise"})
    with caplog.at_level(logging.INFO, "wyoming_k2so"):
        async with served(engine) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
            answer = await (
                synthesize_stream(client, [TWO_SENTENCES]) if streaming else synthesize(client, TWO_SENTENCES)
            )
            end = ["audio-stop", "synthesize-stopped"] if streaming else ["audio-stop"]
            assert answer.types == ["audio-start", "audio-chunk", "error", *end]
            engine.fail_at = {}
            assert (await synthesize(client, TWO_SENTENCES)).error is None
    failures = [record.message for record in caplog.records if "error" in record.message]
    assert len(failures) == 1
    assert TWO_SENTENCES.split(maxsplit=1)[0] not in "".join(record.message for record in caplog.records)


async def test_the_fallback_voice_finishes_a_reply() -> None:
    engine = ScriptedEngine(fail_at={1: "nan", 2: "raise"})
    fallback = ScriptedEngine(make_voice("other"), name="fallback", rate=8000)
    async with served(engine, fallback) as (context, port), AsyncTcpClient("127.0.0.1", port) as client:
        answer = await synthesize(client, TWO_SENTENCES)
        assert answer.types == ["audio-start", "audio-chunk", "audio-stop"]
        assert fallback.said == ["The second one follows it."]
        assert context.metrics.registry.get_sample_value("k2so_fallbacks_total", {"engine": "scripted"}) == 1
    assert np.abs(answer.audio).max() > 0


async def test_stopping_the_server_ends_waiting_replies_with_an_error() -> None:
    engine, threads = ScriptedEngine(rtf=0.5), synthesis_threads()
    clients = [AsyncTcpClient("127.0.0.1", 0) for _ in range(6)]
    async with served(engine, config=server_config(max_streams=1, when_busy="wait")) as (_, port):
        for client in clients:
            client.port = port
            await client.connect()
            await client.write_event(Synthesize("A reply that takes a while. " * 20).event())
        await until(lambda: bool(engine.said))
    for client in clients:
        assert (await read_until(client, "never")).types[-2:] == ["error", "audio-stop"]
        await client.disconnect()
    await until(lambda: synthesis_threads() <= threads)

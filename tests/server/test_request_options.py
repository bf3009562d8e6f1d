"""Options of a request over TCP (voice, format, buffering), and the errors for invalid ones."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import SelectProgram
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from tests.support.client import read_until, synthesize, synthesize_stream
from tests.support.fakes import ScriptedEngine, make_voice
from tests.support.raw_client import send_raw
from tests.support.server import served
from tests.support.texts import TWO_SENTENCES
from tests.support.waiting import until
from wyoming_k2so.server.speech_job import MAX_TEXT_CHARS
from wyoming_k2so.settings.config import StreamConfig


def two_engines() -> tuple[ScriptedEngine, ScriptedEngine]:
    big = ScriptedEngine(make_voice("ann", "de", speakers=("x", "y")), make_voice("carl", "fr-FR"), name="big")
    return big, ScriptedEngine(make_voice("bob", "en-US"), name="small")


@pytest.mark.parametrize(
    ("voice", "context", "expected"),
    [
        (None, None, ("ann", None, "de", 1.0)),
        (SynthesizeVoice(name="bob"), None, ("bob", None, "en-US", 1.0)),
        (SynthesizeVoice(name="ann", speaker="y"), None, ("ann", "y", "de", 1.0)),
        (SynthesizeVoice(language="en"), None, ("bob", None, "en-US", 1.0)),
        (SynthesizeVoice(language="fr_CA"), None, ("carl", None, "fr-FR", 1.0)),
        (None, {"language": "en-GB", "speed": 1.5, "conversation_id": 3}, ("bob", None, "en-US", 1.5)),
    ],
)
async def test_a_request_chooses_the_voice(
    voice: SynthesizeVoice | None, context: dict[str, object] | None, expected: tuple[object, ...]
) -> None:
    big, small = two_engines()
    async with served(big, small) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        assert (await synthesize(client, "Hello.", voice, context=context)).error is None
    request = (big.requests + small.requests)[0]
    assert (request.voice, request.speaker, request.language, request.speed) == expected


@pytest.mark.parametrize(
    ("voice", "named"),
    [
        (SynthesizeVoice(name="zoe"), ["zoe", "ann", "carl", "bob"]),
        (SynthesizeVoice(name="ann", speaker="z"), ["z", "x, y"]),
        (SynthesizeVoice(language="ja"), ["ja", "de", "en-US", "fr-FR"]),
    ],
)
@pytest.mark.parametrize("streaming", [False, True])
async def test_an_unknown_voice_is_an_error_that_lists_the_choices(
    voice: SynthesizeVoice, named: list[str], streaming: bool
) -> None:
    async with served(*two_engines()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        if streaming:
            answer = await synthesize_stream(client, [TWO_SENTENCES, TWO_SENTENCES], voice)
            assert answer.types == ["error", "audio-stop", "synthesize-stopped"]
        else:
            answer = await synthesize(client, TWO_SENTENCES, voice)
            assert answer.types == ["error", "audio-stop"]
        assert all(name in (answer.error or "") for name in named)
        assert (await synthesize(client, TWO_SENTENCES)).error is None


async def test_rejected_requests_are_counted() -> None:
    async with served(ScriptedEngine()) as (context, port), AsyncTcpClient("127.0.0.1", port) as client:
        await synthesize(client, TWO_SENTENCES, SynthesizeVoice(name="nobody"))
        rejected = context.metrics.registry.get_sample_value(
            "k2so_requests_total", {"engine": "none", "outcome": "refused"}
        )
    assert rejected == 1


async def test_select_program_limits_the_voices_of_a_connection() -> None:
    big, small = two_engines()
    async with served(big, small) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(SelectProgram("small").event())
        await synthesize(client, TWO_SENTENCES)
        assert [request.voice for request in small.requests] == ["bob"]
        assert "ann" in ((await synthesize(client, TWO_SENTENCES, SynthesizeVoice(name="ann"))).error or "")
        await client.write_event(SelectProgram("k2so").event())
        await synthesize(client, TWO_SENTENCES)
        assert [request.voice for request in big.requests] == ["ann"]
        await client.write_event(SelectProgram("none").event())
        answer = await read_until(client, "error")
        assert "small" in (answer.error or "")


async def test_a_request_chooses_its_sample_rate_and_chunk_size() -> None:
    async with served(ScriptedEngine(rate=24_000)) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        context = {"sample_rate": 16_000, "chunk_samples": 8192, "prebuffer": 2}
        answer = await synthesize(client, TWO_SENTENCES, context=context)
        assert answer.start.rate == 16_000
        assert {chunk.samples for chunk in answer.chunks[:-1]} == {8192}
        assert (await synthesize(client, TWO_SENTENCES)).start.rate == 24_000


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("held", [0, 16])
async def test_a_request_chooses_its_prebuffer(held: int, streaming: bool) -> None:
    gate = threading.Semaphore(1)  # enough for the first of two sentences
    engine = ScriptedEngine(gate=gate)
    stream = StreamConfig(chunk_samples=2048, prebuffer=16 - held, early_clause=False, stall_silence=0)
    async with served(engine, stream=stream) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        context = {"prebuffer": held}
        if streaming:
            await client.write_event(SynthesizeStart(context=context).event())
            await client.write_event(SynthesizeChunk(TWO_SENTENCES).event())
            await client.write_event(SynthesizeStop().event())
        else:
            await client.write_event(Synthesize(TWO_SENTENCES, context=context).event())
        await until(lambda: len(engine.said) == 2)
        await client.write_event(Ping("now").event())
        before = await read_until(client, "pong")
        assert bool(before.chunks) == (held == 0)
        gate.release(10)
        after = await read_until(client, "audio-stop")
    sound = np.concatenate([engine.sound(text) for text in engine.said])
    assert len(before.audio) + len(after.audio) == len(sound)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({}, "text"),
        ({"text": 5}, "text must be a string"),
        ({"text": "a", "voice": "bob"}, "voice must be an object"),
        ({"text": "a", "voice": {"name": ["x"]}}, "name must be a string"),
        ({"text": "a", "text_format": "markdown"}, "text, ssml"),
        ({"text": "a", "context": []}, "context must be an object"),
        ({"text": "a", "context": {"speed": 9}}, "from 0.5 to 2"),
        ({"text": "a", "context": {"chunk_samples": 1000}}, "2048, 4096, 8192"),
        ({"text": "a", "context": {"sample_rate": True}}, "whole number"),
        ({"text": "a" * (MAX_TEXT_CHARS + 1)}, "characters"),
    ],
)
async def test_a_bad_request_is_an_error_that_names_the_field(data: dict[str, object], complaint: str) -> None:
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Event("synthesize", data))
        answer = await read_until(client, "audio-stop")
        assert answer.types == ["error", "audio-stop"]
        assert complaint in (answer.error or "")
        assert (await synthesize(client, TWO_SENTENCES)).error is None


@pytest.mark.parametrize("kind", ["synthesize-chunk", "synthesize-stop"])
async def test_events_without_synthesize_start_are_errors(kind: str) -> None:
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Event(kind, {"text": "a"}))
        assert "synthesize-start" in ((await read_until(client, "error")).error or "")


async def test_an_unpaired_surrogate_is_spoken_without_an_error() -> None:
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        data = b'{"text": "Hello \\ud83d there."}'
        await send_raw(client, b'{"type": "synthesize", "data_length": %d}\n%s' % (len(data), data))
        assert (await read_until(client, "audio-stop")).error is None

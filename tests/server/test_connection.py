"""A connection over real TCP: wyoming's own client on one side, a scripted engine on the other."""

from __future__ import annotations

import threading

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop

from tests.support.client import read_event, read_until, synthesize, synthesize_stream
from tests.support.fakes import ScriptedEngine, make_voice
from tests.support.raw_client import send_raw
from tests.support.server import served
from tests.support.texts import TWO_SENTENCES
from tests.support.waiting import until
from wyoming_k2so.server.reply_queue import MAX_WAITING

LONG = TWO_SENTENCES * 100


# ---- information ----------------------------------------------------------------------------------------------


async def test_describe_lists_every_voice_first_and_then_each_engine() -> None:
    one = ScriptedEngine(make_voice("ann", "de-DE", "en-US", speakers=("x", "y")), name="big")
    two = ScriptedEngine(make_voice("bob"), make_voice("eve", "fr"), name="small")
    async with served(one, two) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Describe().event())
        event = await read_event(client)
        assert event is not None
        programs = Info.from_event(event).tts
    assert [program.name for program in programs] == ["k2so", "big", "small"]
    assert [voice.name for voice in programs[0].voices] == ["ann", "bob", "eve"]
    assert [voice.name for voice in programs[2].voices] == ["bob", "eve"]
    assert all(program.supports_synthesize_streaming for program in programs)
    ann, _, eve = programs[0].voices
    assert ann.languages == ["de-DE", "en-US"]
    assert [speaker.name for speaker in ann.speakers or []] == ["x", "y"]
    assert ann.attribution.name
    assert ann.installed
    assert eve.languages == ["fr"]


async def test_ping() -> None:
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Ping("hello").event())
        event = await read_event(client)
        assert event is not None
        assert (event.type, event.data["text"]) == ("pong", "hello")


async def test_unknown_events_are_ignored() -> None:
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Event("something-new", {"a": 1}))
        await client.write_event(Ping().event())
        event = await read_event(client)
        assert event is not None
        assert event.type == "pong"


# ---- speaking ---------------------------------------------------------------------------------------------------


async def test_synthesize() -> None:
    engine = ScriptedEngine()
    async with served(engine) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        answer = await synthesize(client, TWO_SENTENCES)
    assert answer.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert (answer.start.rate, answer.start.width, answer.start.channels) == (16_000, 2, 1)
    assert len(answer.audio) == sum(len(engine.sound(segment)) for segment in engine.said)
    assert {chunk.samples for chunk in answer.chunks[:-1]} == {2048}
    assert [chunk.timestamp for chunk in answer.chunks] == [128 * i for i in range(len(answer.chunks))]
    assert answer.events[-1].data["timestamp"] == round(len(answer.audio) / 16)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_streamed_text_is_spoken_once(size: int) -> None:
    engine = ScriptedEngine()
    pieces = [TWO_SENTENCES[i : i + size] for i in range(0, len(TWO_SENTENCES), size)]
    async with served(engine) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        answer = await synthesize_stream(client, pieces)
    assert answer.types == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]
    assert " ".join(engine.said) == TWO_SENTENCES


async def test_audio_is_sent_while_text_still_arrives() -> None:
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(SynthesizeStart().event())
        await client.write_event(SynthesizeChunk(TWO_SENTENCES).event())
        answer = await read_until(client, "audio-chunk")
        assert answer.types == ["audio-start", "audio-chunk"]
        await client.write_event(SynthesizeStop().event())
        rest = await read_until(client, "synthesize-stopped")
        assert rest.types[-2:] == ["audio-stop", "synthesize-stopped"]


@pytest.mark.parametrize("text", ["", "  ", "🙂"])
async def test_a_text_without_words_gives_an_empty_stream(text: str) -> None:
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        assert (await synthesize(client, text)).types == ["audio-start", "audio-stop"]
        streamed = await synthesize_stream(client, [text])
        assert streamed.types == ["audio-start", "audio-stop", "synthesize-stopped"]


async def test_requests_on_one_connection_are_served_in_order() -> None:
    engine = ScriptedEngine()
    async with served(engine) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Synthesize("Number one.").event())
        await client.write_event(Synthesize("Number two.").event())
        await client.write_event(SynthesizeStart().event())
        await client.write_event(SynthesizeChunk("Number three.").event())
        await client.write_event(SynthesizeStop().event())
        for _ in range(2):
            assert (await read_until(client, "audio-stop")).types == ["audio-start", "audio-chunk", "audio-stop"]
        assert (await read_until(client, "synthesize-stopped")).seconds > 0
    assert engine.said == ["Number one.", "Number two.", "Number three."]


async def test_ssml_in_a_stream() -> None:
    engine = ScriptedEngine()
    async with served(engine) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        answer = await synthesize_stream(
            client, "<speak>One moment.<break time='2s'/>Done it.</speak>", text_format="ssml"
        )
    assert engine.said == ["One moment.", "Done it."]
    assert answer.seconds == pytest.approx(2 + 19 * engine.CHAR_S)


# ---- concurrency and disconnects -----------------------------------------------------------------------------------


async def test_describe_is_answered_while_replies_are_spoken() -> None:
    gate = threading.Semaphore(0)
    engine = ScriptedEngine(gate=gate)
    async with served(engine) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        others = [AsyncTcpClient("127.0.0.1", port) for _ in range(4)]
        for other in (*others, client):
            if other is not client:
                await other.connect()
            await other.write_event(Synthesize(TWO_SENTENCES).event())
        await until(lambda: len(engine.said) == 5)
        await client.write_event(Describe().event())
        answer = await read_until(client, "info")
        assert answer.events[-1].type == "info"
        for _ in range(20):
            gate.release()
        for other in (*others, client):
            assert (await read_until(other, "audio-stop")).seconds > 0
        for other in others:
            await other.disconnect()


async def test_a_disconnect_stops_the_synthesis() -> None:
    engine = ScriptedEngine(rtf=0.1)
    async with served(engine) as (context, port):
        before = threading.active_count()
        client = AsyncTcpClient("127.0.0.1", port)
        await client.connect()
        await client.write_event(Synthesize(LONG).event())
        await read_until(client, "audio-chunk")
        await client.disconnect()
        await until(lambda: engine.open_utterances == 0)
        pieces = engine.pieces
        await until(lambda: threading.active_count() <= before)
        assert engine.speaking == 0
        assert engine.pieces == pieces
        cancelled = context.metrics.registry.get_sample_value(
            "k2so_requests_total", {"engine": "scripted", "outcome": "cancelled"}
        )
        assert cancelled == 1
        assert context.metrics.registry.get_sample_value("k2so_active_streams") == 0


async def test_a_disconnect_in_the_middle_of_a_text_leaks_nothing() -> None:
    engine = ScriptedEngine()
    async with served(engine) as (_, port):
        before = threading.active_count()
        client = AsyncTcpClient("127.0.0.1", port)
        await client.connect()
        await client.write_event(SynthesizeStart().event())
        await client.write_event(SynthesizeChunk("Hello").event())
        await until(lambda: engine.open_utterances == 1)
        await client.disconnect()
        await until(lambda: engine.open_utterances == 0 and threading.active_count() <= before)


async def test_stopping_the_server_ends_replies_with_an_error() -> None:
    gate = threading.Semaphore(1)
    engine = ScriptedEngine(gate=gate)
    client = AsyncTcpClient("127.0.0.1", 0)
    async with served(engine) as (_, port):
        client.port = port
        await client.connect()
        await client.write_event(SynthesizeStart().event())
        await client.write_event(SynthesizeChunk(LONG).event())
        await client.write_event(Describe().event())
        await read_until(client, "audio-chunk")
    gate.release()
    answer = await read_until(client, "synthesize-stopped")
    assert answer.types[-3:] == ["error", "audio-stop", "synthesize-stopped"]
    assert await read_event(client) is None
    await client.disconnect()
    await until(lambda: engine.open_utterances == 0)


async def test_too_many_waiting_replies_close_the_connection() -> None:
    gate = threading.Semaphore(0)
    async with served(ScriptedEngine(gate=gate)) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        for _ in range(MAX_WAITING + 2):
            await client.write_event(Synthesize("Hello.").event())
        answer = await read_until(client, "never")
        assert str(MAX_WAITING) in (answer.error or "")
        gate.release()


# ---- invalid frames ---------------------------------------------------------------------------------------


async def test_a_frame_whose_length_is_unknown_closes_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with served(ScriptedEngine()) as (_, port):
        client = AsyncTcpClient("127.0.0.1", port)
        await client.connect()
        await send_raw(client, b"[]\n")
        assert (await read_until(client, "never")).types == ["error"]
        await client.disconnect()
        async with AsyncTcpClient("127.0.0.1", port) as another:
            assert (await synthesize(another, TWO_SENTENCES)).error is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_an_invalid_event_does_not_close_the_connection() -> None:
    async with served(ScriptedEngine()) as (_, port), AsyncTcpClient("127.0.0.1", port) as client:
        await send_raw(client, b'{"no": "type"}\n{"type": "ping", "data_length": 2}\n[]')
        for _ in range(2):
            assert (await read_until(client, "error")).types == ["error"]
        assert (await synthesize(client, TWO_SENTENCES)).error is None

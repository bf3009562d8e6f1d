"""Reading events from untrusted clients: any input gives an event, the end, or an error that says what is wrong."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.event import Event, async_write_event

from wyoming_k2so.server.framing import MAX_LARGE, FrameError, Limits, read_event

LIMITS = Limits(header=200, data=300, payload=400)


def reader_of(data: bytes, limits: Limits = LIMITS) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=limits.header)
    reader.feed_data(data)
    reader.feed_eof()
    return reader


def frame(header: object, data: bytes = b"", payload: bytes = b"") -> bytes:
    return json.dumps(header).encode() + b"\n" + data + payload


async def read(data: bytes) -> Event | None:
    return await read_event(reader_of(data), LIMITS)


async def test_a_bare_event() -> None:
    assert await read(frame({"type": "ping"})) == Event("ping")


async def test_data_and_payload() -> None:
    data, payload = b'{"text": "\xc3\xa9", "n": 1}', b"\x00\n\xff"
    header = {"type": "t", "data": {"n": 0, "m": 2}, "data_length": len(data), "payload_length": len(payload)}
    assert await read(frame(header, data, payload)) == Event("t", {"n": 1, "m": 2, "text": "é"}, payload)


async def test_events_written_by_wyoming_can_be_read() -> None:
    written = bytearray()

    class Writer:
        def write(self, data: bytes) -> None:
            written.extend(data)

        def writelines(self, pieces: list[bytes]) -> None:
            written.extend(b"".join(pieces))

        async def drain(self) -> None:
            pass

    events = [Event("a"), Event("b", {"text": "Grüße"}), Event("c", {"rate": 1}, b"\x01\x02")]
    for event in events:
        await async_write_event(event, Writer())  # type: ignore[arg-type]
    reader = reader_of(bytes(written))
    assert [await read_event(reader, LIMITS) for _ in range(4)] == [*events, None]


@pytest.mark.parametrize("end", [b"", b" ", b"\r"])
async def test_the_end_of_the_connection_between_events_is_not_an_error(end: bytes) -> None:
    assert await read(end) is None


@pytest.mark.parametrize("header", [{"type": "t", "data": None, "data_length": None, "payload_length": None}])
async def test_null_counts_as_missing(header: object) -> None:
    assert await read(frame(header)) == Event("t")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"{nonsense\n", "the header is not valid JSON", id="not JSON"),
        pytest.param(b"\n", "the header is not valid JSON", id="an empty line"),
        pytest.param(b"\xff\xfe\n", "the header is not valid JSON", id="not UTF-8"),
        pytest.param(b"[" * 199 + b"\n", "the header is not valid JSON", id="brackets"),
        pytest.param(b"[1]\n", "the header must be a JSON object", id="an array"),
        pytest.param(b'"ping"\n', "the header must be a JSON object", id="a string"),
        pytest.param(b"null\n", "the header must be a JSON object", id="null"),
        pytest.param(b"x" * 201, "the header must be at most 200 bytes", id="a long header without an end"),
        pytest.param(b"x" * 201 + b"\n", "the header must be at most 200 bytes", id="a long header"),
        pytest.param(b'{"type": "pi', "the connection ended inside the header", id="half a header"),
        pytest.param(frame({"type": "t", "data_length": "5"}), "data_length must be a non-negative", id="a string"),
        pytest.param(frame({"type": "t", "data_length": 5.0}), "data_length must be a non-negative", id="a fraction"),
        pytest.param(frame({"type": "t", "data_length": True}), "data_length must be a non-negative", id="a boolean"),
        pytest.param(frame({"type": "t", "data_length": -1}), "data_length must be a non-negative", id="negative"),
        pytest.param(b'{"data_length": NaN}\n', "data_length must be a non-negative", id="NaN"),
        pytest.param(
            frame({"type": "t", "payload_length": []}), "payload_length must be a non-negative", id="an array"
        ),
        pytest.param(frame({"type": "t", "payload_length": -4}), "payload_length must be", id="negative payload"),
        pytest.param(frame({"type": "t", "data_length": 301}), "data_length must be at most 300", id="much data"),
        pytest.param(frame({"payload_length": 2**70}), "payload_length must be at most 400", id="a huge payload"),
        pytest.param(frame({"type": "t", "data_length": 9}, b"{}"), "inside the data of an event", id="half data"),
        pytest.param(frame({"type": "t", "payload_length": 9}, b"", b"abc"), "inside the payload", id="half payload"),
    ],
)
async def test_errors_that_close_the_connection(data: bytes, message: str) -> None:
    with pytest.raises(FrameError, match=message) as caught:
        await read(data)
    assert caught.value.fatal


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(frame({}), "type must be a string", id="no type"),
        pytest.param(frame({"type": None}), "type must be a string", id="null type"),
        pytest.param(frame({"type": 3}), "type must be a string", id="a number as type"),
        pytest.param(frame({"type": "t", "data": []}), "data must be a JSON object", id="an array as data"),
        pytest.param(frame({"type": "t", "data": "x"}), "data must be a JSON object", id="a string as data"),
        pytest.param(frame({"type": "t", "data_length": 2}, b"[]"), "data must be a JSON object", id="an array"),
        pytest.param(frame({"type": "t", "data_length": 2}, b"{["), "data is not valid JSON", id="not JSON"),
        pytest.param(frame({"type": "t", "data_length": 2}, b"\xc3\x28"), "data is not valid JSON", id="not UTF-8"),
        pytest.param(frame({"data_length": 2, "payload_length": 3}, b"{}", b"abc"), "type must be", id="with payload"),
    ],
)
async def test_errors_that_cost_one_event(data: bytes, message: str) -> None:
    reader = reader_of(data + frame({"type": "next"}))
    with pytest.raises(FrameError, match=message) as caught:
        await read_event(reader, LIMITS)
    assert not caught.value.fatal
    assert await read_event(reader, LIMITS) == Event("next")


async def test_the_largest_sizes_are_accepted() -> None:
    data = b'{"a":"' + b"x" * 292 + b'"}'
    header = b'{"type":"t","data_length":300,"payload_length":400}'
    event = await read(header.ljust(200) + b"\n" + data + bytes(400))
    assert event is not None
    assert event.data == {"a": "x" * 292}
    assert event.payload == bytes(400)


async def test_an_event_type_may_have_its_own_payload_limit() -> None:
    limits = Limits(payload=4, payload_of={"big": 8})
    reader = reader_of(frame({"type": "big", "payload_length": 8}, b"", bytes(8)), limits)
    assert await read_event(reader, limits) == Event("big", {}, bytes(8))
    for header, most in (({"type": "big"}, 8), ({"type": "small"}, 4), ({"type": ["big"]}, 4), ({}, 4)):
        with pytest.raises(FrameError, match=f"payload_length must be at most {most}"):
            await read_event(reader_of(frame(header | {"payload_length": 9}, b"", bytes(9)), limits), limits)


async def test_a_deeply_nested_object_is_an_error() -> None:
    limits = Limits()
    data = b'{"a":' + b"[" * 500_000
    reader = reader_of(frame({"type": "t", "data_length": len(data)}, data) + frame({"type": "next"}), limits)
    with pytest.raises(FrameError, match="data is not valid JSON"):
        await read_event(reader, limits)
    assert await read_event(reader, limits) == Event("next")


@pytest.mark.parametrize("escape", [rb"\ud83d", rb"\uDE00", rb"\ud83d\ud83d"])
async def test_unpaired_surrogates_become_question_marks(escape: bytes) -> None:
    event = await read(b'{"type": "t' + escape + b'", "data": {"' + escape + b'": ["a' + escape + b'"]}}\n')
    assert event is not None
    marks = "?" * (len(escape) // 6)
    assert event == Event("t" + marks, {marks: ["a" + marks]})


async def test_a_surrogate_pair_and_an_escaped_backslash_are_kept() -> None:
    event = await read(rb'{"type": "t", "data": {"a": "\ud83d\ude00 \\ud83d"}}' + b"\n")
    assert event == Event("t", {"a": "\U0001f600 \\ud83d"})


async def test_the_rest_of_an_event_must_arrive_in_time() -> None:
    limits = Limits(payload=4, payload_of={"big": 8}, timeout_s=0.1, min_rate=100)
    for header in ({"type": "t", "data_length": 2}, {"type": "t", "payload_length": 2}):
        reader = asyncio.StreamReader()
        reader.feed_data(frame(header, b"{"))
        with pytest.raises(FrameError, match="timed out waiting for the rest of an event") as caught:
            await read_event(reader, limits)
        assert caught.value.fatal
    reader = reader_of(frame({"type": "big", "payload_length": 8}, b"", bytes(8)), limits)
    assert await read_event(reader, limits) == Event("big", {}, bytes(8))


async def test_the_number_of_large_payloads_read_at_once_is_limited() -> None:
    limits = Limits(payload=4, payload_of={"big": 8})
    readers = [asyncio.StreamReader() for _ in range(MAX_LARGE + 1)]
    for reader in readers:
        reader.feed_data(frame({"type": "big", "payload_length": 8}))
    *first, late = [asyncio.create_task(read_event(reader, limits)) for reader in readers]
    readers[-1].feed_data(bytes(8))
    _, waiting = await asyncio.wait({late}, timeout=0.05)
    assert waiting
    assert (await read_event(reader_of(frame({"type": "t", "payload_length": 4}, b"", bytes(4))), limits)) is not None
    readers[0].feed_data(bytes(8))
    assert await late == Event("big", {}, bytes(8))
    for task in first:
        task.cancel()


FRAGMENTS = st.sampled_from(
    [
        b'{"type":"t"}\n',
        b'{"type":',
        b'"data_length":',
        b'"payload_length":',
        b'"data":',
        b"{",
        b"}",
        b"\n",
        b"5",
        b"-1",
    ]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(st.binary(max_size=80), FRAGMENTS), max_size=20).map(b"".join))
def test_any_bytes_give_events_the_end_or_an_error(data: bytes) -> None:
    async def read_all() -> None:
        reader = reader_of(data)
        for _ in range(data.count(b"\n") + 1):
            try:
                event = await read_event(reader, LIMITS)
            except FrameError as error:
                if error.fatal:
                    return
            else:
                if event is None:
                    return
                assert isinstance(event.type, str)
                assert isinstance(event.data, dict)
        assert reader.at_eof()

    asyncio.run(read_all())


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b'{"type":"t","payload_length":1000000000}\n', "payload_length must be at most 1048576"),
        (b'{"type":"', "the header must be at most 65536 bytes"),
    ],
)
async def test_the_server_does_not_read_a_flood(start: bytes, message: str) -> None:
    limits, flood = Limits(), 64 * 1024 * 1024
    flooded = asyncio.Event()
    errors: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await read_event(reader, limits)
        except FrameError as error:
            errors.append(str(error))
        await flooded.wait()
        writer.close()

    def send(address: tuple[str, int]) -> int:
        sent = 0
        with socket.create_connection(address) as client, suppress(OSError):
            client.settimeout(0.3)
            client.sendall(start)
            while sent < flood:
                sent += client.send(b"x" * 65536)
        return sent

    async with await asyncio.start_server(serve, "127.0.0.1", 0, limit=limits.header) as server:
        sent = await asyncio.to_thread(send, server.sockets[0].getsockname())
        flooded.set()
    assert errors == [message]
    assert sent < flood, "the server read all of it: the system's socket buffers are far smaller"

"""Hypothesis strategies for malformed frames."""

from __future__ import annotations

import json

from hypothesis import strategies as st

TYPES = ["describe", "ping", "select-program", "synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop"]
TYPES += ["k2so-describe", "k2so-configure", "k2so-add-voice", "k2so-remove-voice", "transcribe", ""]


def line(header: object) -> bytes:
    return json.dumps(header).encode() + b"\n"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
valid = st.sampled_from(
    [
        line({"type": "synthesize", "data": {"text": "Hello.", "voice": {"name": "en_US-joe-medium"}}}),
        line({"type": "synthesize-start", "data": {}}) + line({"type": "synthesize-chunk", "data": {"text": "Hello."}}),
        line({"type": "ping", "data_length": 13}) + b'{"text": "x"}',
        line({"type": "k2so-add-voice", "data": {"name": "x"}, "payload_length": 40}) + b"RIFF" * 10,
    ]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid frame with some bytes changed."""
    frame = bytearray(draw(valid))
    for _ in range(draw(st.integers(1, 4))):
        frame[draw(st.integers(0, len(frame) - 1))] = draw(st.integers(0, 255))
    return bytes(frame)


@st.composite
def cut(draw: st.DrawFn) -> bytes:
    """The beginning of a valid frame."""
    frame = draw(valid)
    return frame[: draw(st.integers(1, len(frame) - 1))]


@st.composite
def wrong_length(draw: st.DrawFn) -> bytes:
    """An invalid length, or one that does not match what follows."""
    key = draw(st.sampled_from(["data_length", "payload_length"]))
    length = draw(values | st.integers(-2, 1 << 41))
    return line({"type": draw(st.sampled_from(TYPES)), key: length}) + draw(st.binary(max_size=60))


@st.composite
def wrong_data(draw: st.DrawFn) -> bytes:
    """An event with arbitrary data, some of it in fields that the server knows."""
    known = st.sampled_from(["text", "voice", "name", "speaker", "language", "context", "settings", "text_format"])
    data = draw(values | st.dictionaries(known, values, max_size=4))
    return line({"type": draw(st.sampled_from(TYPES) | values), "data": data})


nested = st.tuples(st.sampled_from([b"[", b'{"a":']), st.integers(1, 10_000)).map(lambda x: x[0] * x[1] + b"\n")
noise = st.binary(min_size=1, max_size=200).map(lambda content: content + b"\n")

frames = st.one_of(noise, damaged(), cut(), wrong_length(), wrong_data(), nested)

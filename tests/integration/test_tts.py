"""The text-to-speech entity: what it sends to the server, what it returns, and in which format."""

from __future__ import annotations

import asyncio
import io
import struct
import wave
from array import array
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from homeassistant.components import tts
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.k2so import wav

from .audio_checks import assert_says
from .config_entries import add_entry, pass_time
from .fake_server import K2SO, RATE, START, STOP, STOPPED, TENTH, FakeServer, chunk, fake_k2so, info, k2so_info, voice
from .speech_entity import ENTITY, REPLY, SENTENCE, collect, entity, pieces, speak, stream

# ---- speech ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "magic"),
    [
        ({}, b"ID3"),
        ({"preferred_format": "wav"}, b"RIFF"),
        (
            {
                "preferred_format": "wav",
                "preferred_sample_rate": 16000,
                "preferred_sample_channels": 1,
                "preferred_sample_bytes": 2,
            },
            b"RIFF",
        ),
        ({"preferred_format": "flac", "preferred_sample_rate": 48000}, b"fLaC"),
        ({"sample_rate": 16000, "speed": 0.9, "voice": "en_US-joe-medium"}, b"ID3"),
    ],
)
async def test_speaks_a_message(
    home: HomeAssistant, entry: MockConfigEntry, options: dict[str, Any], magic: bytes
) -> None:
    data = await speak(home, REPLY, **options)
    assert data.startswith(magic)
    assert_says(data, REPLY)


async def test_speaks_before_the_text_is_complete(home: HomeAssistant, entry: MockConfigEntry) -> None:
    heard = asyncio.Event()

    async def text() -> AsyncGenerator[str]:
        yield REPLY[:40]
        await asyncio.wait_for(heard.wait(), 20)
        yield REPLY[40:]

    data = b""
    async for piece in await stream(home, text(), "en-US"):
        data += piece
        if len(data) > 5000:
            heard.set()
    assert_says(data, REPLY)


async def test_a_reply_without_streaming_has_a_complete_header(home: HomeAssistant, entry: MockConfigEntry) -> None:
    extension, data = await entity(home).async_get_tts_audio(SENTENCE, "en-US", {})
    assert (extension, data is not None) == ("wav", True)
    with wave.open(io.BytesIO(data or b"")) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert file.getnframes() > file.getframerate()
        assert len(file.readframes(file.getnframes())) == 2 * file.getnframes()
    assert_says(data or b"", SENTENCE)


async def test_the_cache_is_not_used_after_a_change_of_settings(home: HomeAssistant, entry: MockConfigEntry) -> None:
    slow = await speak(home, SENTENCE, preferred_format="wav")
    assert await speak(home, SENTENCE, preferred_format="wav") == slow

    form = await home.config_entries.options.async_init(entry.entry_id)
    await home.config_entries.options.async_configure(form["flow_id"], {"speed": 2.0})
    await home.async_block_till_done(wait_background_tasks=True)

    assert len(await speak(home, SENTENCE, preferred_format="wav")) < len(slow) * 0.75


@pytest.mark.parametrize(("engine", "requests"), [("ready", 1), ("failed", 1), ("idle", 2), ("loading", 2)])
async def test_the_fallback_voice_is_never_cached_while_an_engine_may_return(
    home: HomeAssistant, k2so_server: FakeServer, engine: str, requests: int
) -> None:
    for replies in (5, 6):
        figures = {"replies": replies, "underruns": 0, "fallbacks": 0}
        k2so_server.script["k2so-describe"] = [k2so_info(engines=[{"name": "xtts", "state": engine}], figures=figures)]
        await pass_time(home)
        await speak(home, SENTENCE, preferred_format="wav")
    assert sum(event.type == "synthesize-start" for event in k2so_server.received) == requests


# ---- format ---------------------------------------------------------------------------------------------------------


async def test_ffmpeg_starts_with_the_first_chunk(home: HomeAssistant, k2so_server: FakeServer) -> None:
    """With PCM it would first read 64 KiB, which is two seconds at this rate."""
    k2so_server.script["synthesize-stop"] = [START, *[chunk(TENTH)] * 3]
    result = tts.async_create_stream(home, ENTITY, "en", {})
    result.async_set_message(SENTENCE)

    async with aclosing(result.async_stream_result()) as sound:
        assert len(await asyncio.wait_for(anext(sound), 10)) > 0
    k2so_server.hang_up()
    await home.async_block_till_done(wait_background_tasks=True)


@pytest.mark.parametrize(
    ("options", "converted"),
    [
        ({}, True),
        ({"preferred_format": "mp3"}, True),
        ({"preferred_format": "wav"}, False),
        ({"preferred_format": "wav", "preferred_sample_rate": 16000}, True),
        ({"preferred_format": "wav", "preferred_sample_channels": 2}, True),
        ({"preferred_format": "wav", "preferred_sample_bytes": 2}, True),
        ({"preferred_format": "wav", "preferred_bitrate": 64}, True),
    ],
)
async def test_samples_are_floats_if_ffmpeg_converts_them(
    home: HomeAssistant, k2so_server: FakeServer, options: dict[str, Any], converted: bool
) -> None:
    samples = array("h", [-32768, 0, 16384])
    k2so_server.script["synthesize-stop"] = [START, chunk(samples.tobytes()), STOP, STOPPED]

    data = await collect(await stream(home, **options))

    tag, channels, rate, pace, frame, bits = struct.unpack_from("<HHIIHH", data, 20)
    assert data[:4] + data[8:16] == b"RIFFWAVEfmt "
    assert (tag, channels, rate) == (wav.IEEE_FLOAT if converted else wav.PCM, 1, RATE)
    assert (bits, frame, pace) == ((32, 4, 4 * RATE) if converted else (16, 2, 2 * RATE))
    assert data[-frame * 3 - 8 : -frame * 3 - 4] == b"data"
    assert array("f" if converted else "h", data[-frame * 3 :]).tolist() == (
        [-1.0, 0.0, 0.5] if converted else samples.tolist()
    )


async def test_a_text_without_words_becomes_a_moment_of_silence(home: HomeAssistant, k2so_server: FakeServer) -> None:
    k2so_server.script["synthesize-stop"] = [START, STOP, STOPPED]
    data = await collect(await stream(home, "!!!", preferred_format="wav"))
    assert data == wav.header(RATE, 2, 1, as_float=False) + TENTH


# ---- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "options", "expected"),
    [
        ("de", {}, {"voice": {"language": "de"}, "context": {"language": "de"}}),
        ("de", {"voice": "coco"}, {"voice": {"name": "coco"}, "context": {"language": "de"}}),
        ("de", {"voice": "polly"}, {"voice": {"name": "polly"}, "context": {}}),
        ("en", {"voice": "new"}, {"voice": {"name": "new"}, "context": {"language": "en"}}),
        (
            "en",
            {"voice": "coco", "speaker": "a"},
            {"voice": {"name": "coco", "speaker": "a"}, "context": {"language": "en"}},
        ),
        ("en", {"speed": 1.5}, {"voice": {"language": "en"}, "context": {"language": "en", "speed": 1.5}}),
        (
            "en",
            {"preferred_sample_rate": "16000"},
            {"voice": {"language": "en"}, "context": {"language": "en", "sample_rate": 16000}},
        ),
        ("en", {"preferred_sample_rate": 192_000}, {"voice": {"language": "en"}, "context": {"language": "en"}}),
        (
            "en",
            {"sample_rate": 8000, "preferred_sample_rate": 16000},
            {"voice": {"language": "en"}, "context": {"language": "en", "sample_rate": 8000}},
        ),
    ],
)
async def test_requests_hold_the_voice_and_the_options(
    home: HomeAssistant, k2so_server: FakeServer, language: str, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    await collect(await stream(home, pieces("Good ", "day."), language, **options))

    assert k2so_server["synthesize-start"].data == expected
    assert [event.data["text"] for event in k2so_server.received if event.type == "synthesize-chunk"] == [
        "Good ",
        "day.",
    ]


async def test_sends_the_whole_text_to_a_server_without_streaming(
    home: HomeAssistant, other_server: FakeServer
) -> None:
    other_server.script["describe"] = [info(voice("polly", "en"), streams=False)]
    other_server.script["synthesize"] = [START, chunk(TENTH), STOP]
    await add_entry(home, other_server)

    data = await collect(await stream(home, pieces("Good ", "day."), preferred_format="wav"))

    assert data.endswith(TENTH)
    assert other_server["synthesize"].data["text"] == "Good day."


async def test_keeps_the_default_voice_of_a_server_that_has_no_settings(
    home: HomeAssistant, other_server: FakeServer
) -> None:
    other_server.script["synthesize-stop"] = [START, chunk(TENTH), STOP, STOPPED]
    await add_entry(home, other_server, options={"voice": "coco", "language": "de"})
    assert entity(home).default_language == "de"

    await collect(await stream(home, language="de"))
    assert other_server["synthesize-start"].data["voice"] == {"name": "coco"}
    await collect(await stream(home, language="fr"))
    assert other_server["synthesize-start"].data["voice"] == {"language": "fr"}


async def test_lists_voices_by_language(home: HomeAssistant, k2so_server: FakeServer) -> None:
    speech = entity(home)
    assert speech.supported_languages == ["de", "en"]
    assert speech.default_language == "en"
    assert speech.async_get_supported_voices("en") == [
        tts.Voice("coco", "The voice coco"),
        tts.Voice("polly", "The voice polly"),
    ]
    assert speech.async_get_supported_voices("de") == [tts.Voice("coco", "The voice coco")]
    assert speech.async_get_supported_voices("fr") is None
    assert {"voice", "speaker", "speed", "sample_rate", "preferred_format"} <= set(speech.supported_options or ())


async def test_other_servers_have_no_options_of_k2so_servers(home: HomeAssistant, other_server: FakeServer) -> None:
    await add_entry(home, other_server)
    assert not {"speed", "sample_rate"} & set(entity(home).supported_options or ())
    with pytest.raises(HomeAssistantError, match="speed"):
        await speak(home, SENTENCE, speed=2)


@pytest.mark.parametrize(
    ("settings", "language"),
    [({}, "en"), ({"language": "de"}, "de"), ({"language": "de-AT"}, "de"), ({"voice": "hans"}, "de")],
)
async def test_the_default_language_is_that_of_the_server_or_of_home_assistant(
    home: HomeAssistant, socket_enabled: None, settings: dict[str, str], language: str
) -> None:
    fake = fake_k2so(settings=settings)
    fake.script["describe"] = [info(voice("hans", "de"), voice("polly", "en"), attribution=K2SO)]
    async with fake.listen():
        await add_entry(home, fake)
        assert entity(home).default_language == language


async def test_keeps_languages_while_their_engine_is_missing(home: HomeAssistant, k2so_server: FakeServer) -> None:
    """Otherwise Home Assistant would reject a pipeline in German, and the fallback voice could not speak."""
    k2so_server.script["describe"] = [info(voice("polly", "en"), attribution=K2SO)]
    k2so_server.script["k2so-describe"] = [k2so_info(engines=[{"name": "xtts", "state": "failed"}])]
    await pass_time(home)
    assert entity(home).supported_languages == ["de", "en"]

    k2so_server.script["k2so-describe"] = [k2so_info()]
    await pass_time(home)
    assert entity(home).supported_languages == ["en"]

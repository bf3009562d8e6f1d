"""A Wyoming text-to-speech server over TCP. Knows nothing of config entries and entities.

Each request has a connection of its own: closing it cancels the request. Whatever goes wrong becomes a K2soError here.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from homeassistant.exceptions import HomeAssistantError
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Describe, Info, TtsVoice
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from .const import CONF_ENGINE, DOMAIN

CONNECT_S = 5.0
ANSWER_S = 5.0
# A model may have to be loaded.
CHANGE_S = 300.0
# How long a server that has the whole text may make no sound.
SILENCE_S = 30.0
# Longer than a pipeline may run: when one fails, Home Assistant forgets to end its text.
TEXT_S = 330.0

HOME = "wyoming-k2so"

# The most that a server takes.
MAX_CLIP_BYTES = 16 * 1024 * 1024

CODES = (
    "bad-request",
    "bad-setting",
    "bad-voice",
    "busy",
    "cannot-clone",
    "failed",
    "locked",
    "shutdown",
    "synthesis-failed",
    "unknown-voice",
)
"""What the errors of a server may be; each has a text of its own."""


class K2soError(HomeAssistantError):
    """A request failed; `translation_key` says how."""

    def __init__(self, key: str, **placeholders: str) -> None:
        super().__init__(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)


@dataclass(frozen=True)
class Engine:
    """A speech engine of a K2-SO server."""

    name: str
    state: str
    """loading, ready, idle, failed or off."""

    detail: str
    mode: str | None
    """The precision in use."""

    modes: dict[str, str]
    """Precisions that run well there, and what each costs and gains."""


@dataclass(frozen=True)
class Control:
    """What a K2-SO server tells beyond Wyoming."""

    id: str | None
    """Stays the same when the address changes."""

    instance: str | None
    """Another one after each start."""

    locked: bool
    settings: dict[str, Any]
    allowed: dict[str, dict[str, Any]]
    engines: tuple[Engine, ...]
    speaking: str
    """Name of the engine that speaks where no voice is asked for."""

    figures: dict[str, Any]
    failed: dict[str, Any] | None
    """The last change that could not be made: `settings` that were asked for, and the `reason`."""

    @property
    def wanted(self) -> Iterator[Engine]:
        """The engines that may speak by the settings."""
        chosen = self.settings.get(CONF_ENGINE)
        return (engine for engine in self.engines if chosen in ("auto", engine.name))


@dataclass(frozen=True)
class State:
    """What a server says about itself."""

    program: str
    manufacturer: str
    version: str | None
    streams: bool
    """Takes text in pieces."""

    voices: tuple[TtsVoice, ...]
    control: Control | None
    """None: no K2-SO, but some other Wyoming server."""


class K2soClient:
    """One server."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    async def describe(self) -> State:
        """Ask what there is. Raises K2soError, also when the server cannot speak."""
        async with self._connected() as (reader, writer), asyncio.timeout(ANSWER_S):
            await async_write_event(Describe().event(), writer)
            programs = Info.from_event(await _answer(reader, "info")).tts
            # Like Home Assistant's own integration: the first program is the one that a request gets.
            program = next((program for program in programs if program.installed), None)
            voices = [voice for voice in program.voices if voice.installed and voice.languages] if program else []
            if program is None or not voices:
                raise K2soError("no_voices")
            control = None
            if program.attribution.name == HOME:
                await async_write_event(Event("k2so-describe"), writer)
                control = _control((await _answer(reader, "k2so-info")).data)
            return State(
                program=program.name,
                manufacturer=program.attribution.name,
                version=program.version,
                streams=program.supports_synthesize_streaming,
                voices=tuple(voices),
                control=control,
            )

    async def configure(self, settings: Mapping[str, Any]) -> None:
        """Change settings of a K2-SO server, None to its default. Raises K2soError: nothing has changed."""
        await self._change(Event("k2so-configure", {"settings": dict(settings)}))

    async def add_voice(self, name: str, language: str | None, clip: bytes) -> None:
        """Have a K2-SO server make a voice of an audio file. Raises K2soError: nothing has changed."""
        await self._change(Event("k2so-add-voice", {"name": name, "language": language}, clip))

    async def remove_voice(self, name: str) -> None:
        """Have a K2-SO server remove a voice that was made of a clip. Raises K2soError: nothing has changed."""
        await self._change(Event("k2so-remove-voice", {"name": name}))

    async def _change(self, change: Event) -> None:
        async with self._connected() as (reader, writer), asyncio.timeout(CHANGE_S):
            await async_write_event(change, writer)
            await _answer(reader, "k2so-info")

    async def speak(
        self, text: AsyncIterable[str], voice: SynthesizeVoice | None, context: dict[str, Any], *, streams: bool
    ) -> AsyncGenerator[AudioStart | AudioChunk]:
        """Speak text while it arrives; yields one AudioStart, then sound. Closing the generator cancels the reply."""
        last = SynthesizeStopped if streams else AudioStop
        async with self._connected() as (reader, writer):
            writing = asyncio.create_task(_write_text(writer, text, voice, context, streams=streams))
            started: tuple[int, ...] = ()
            try:
                while not last.is_type((event := await _next(reader, writing)).type):
                    if AudioStart.is_type(event.type):
                        start = AudioStart.from_event(event)
                        if not started:
                            started = _format(start)
                            yield start
                        elif _format(start) != started:
                            raise K2soError("bad_answer")
                    elif AudioChunk.is_type(event.type) and started:
                        chunk = AudioChunk.from_event(event)
                        if _format(chunk) != started or len(chunk.audio) % (chunk.width * chunk.channels):
                            raise K2soError("bad_answer")
                        yield chunk
            finally:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(self.host, self.port)
        except (OSError, ValueError) as error:
            raise K2soError("cannot_connect", address=f"{self.host}:{self.port}") from error
        try:
            yield reader, writer
        except TimeoutError as error:
            raise K2soError("timeout") from error
        except (OSError, EOFError) as error:
            raise K2soError("disconnected") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise K2soError("bad_answer") from error
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


def _format(audio: AudioStart | AudioChunk) -> tuple[int, ...]:
    numbers = audio.rate, audio.width, audio.channels
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise TypeError(numbers)
    return numbers


async def _read(reader: asyncio.StreamReader) -> Event:
    event = await async_read_event(reader)
    if event is None:
        raise EOFError
    if Error.is_type(event.type):
        error = Error.from_event(event)
        key = error.code.replace("-", "_") if error.code in CODES else "server_error"
        raise K2soError(key, reason=error.text)
    return event


async def _answer(reader: asyncio.StreamReader, type: str) -> Event:
    while (event := await _read(reader)).type != type:
        pass
    return event


async def _next(reader: asyncio.StreamReader, writing: asyncio.Task[None]) -> Event:
    """The next event, unless the writing of the text fails before it comes."""
    reading = asyncio.create_task(_read(reader))
    try:
        while not reading.done():
            if writing.done():
                writing.result()
            tasks: set[asyncio.Task[Any]] = {reading} if writing.done() else {reading, writing}
            timeout = SILENCE_S if writing.done() else None
            done, _ = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise TimeoutError
        return reading.result()
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _write_text(
    writer: asyncio.StreamWriter,
    text: AsyncIterable[str],
    voice: SynthesizeVoice | None,
    context: dict[str, Any],
    *,
    streams: bool,
) -> None:
    async def write(event: Event) -> None:
        # Where the server has gone, the reader learns why.
        with suppress(OSError):
            await async_write_event(event, writer)

    if streams:
        await write(SynthesizeStart(voice=voice, context=context).event())
        async for piece in _in_time(text):
            await write(SynthesizeChunk(piece).event())
        await write(SynthesizeStop().event())
    else:
        message = "".join([piece async for piece in _in_time(text)])
        await write(Synthesize(message, voice=voice, context=context).event())


async def _in_time(text: AsyncIterable[str]) -> AsyncGenerator[str]:
    pieces = aiter(text)
    while True:
        try:
            async with asyncio.timeout(TEXT_S):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise K2soError("text_timeout") from error
        except Exception as error:  # whatever it is, it is no fault of the server
            raise K2soError("text_failed", reason=str(error) or type(error).__name__) from error
        yield piece


def _control(data: Mapping[str, Any]) -> Control:
    return Control(
        id=data.get("id"),
        instance=data.get("instance"),
        locked=data["locked"],
        settings=dict(data["settings"]),
        allowed={key: dict(limits) for key, limits in data["allowed"].items()},
        engines=tuple(_engine(engine) for engine in data["engines"]),
        speaking=data["speaking"],
        figures=dict(data["figures"]),
        failed=None if (failed := data.get("failed")) is None else dict(failed),
    )


def _engine(data: Mapping[str, Any]) -> Engine:
    return Engine(data["name"], data["state"], data.get("detail", ""), data.get("mode"), dict(data.get("modes", {})))

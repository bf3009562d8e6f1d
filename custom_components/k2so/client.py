"""A client for Wyoming text-to-speech servers over TCP. It knows nothing of config entries or entities.

Each request uses a connection of its own: closing it cancels the request. Every failure is raised as a K2soError.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Describe, Info
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from .errors import K2soError, from_server, sentence
from .models import K2soInfo, ServerState

CONNECT_S = 5.0
ANSWER_S = 5.0
# The server may have to load a model.
CHANGE_S = 300.0
# How long a server that has the whole text may send nothing.
SILENCE_S = 30.0
# Longer than a pipeline may run: when a pipeline fails, Home Assistant never ends its text.
TEXT_S = 330.0

# Attribution of the programs that K2-SO servers describe.
K2SO_ATTRIBUTION = "wyoming-k2so"

# The largest clip that a K2-SO server accepts.
MAX_CLIP_BYTES = 16 * 1024 * 1024


class K2soClient:
    """Sends requests to one server."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    async def describe(self) -> ServerState:
        """Ask the server what it offers. Raises K2soError, also when it has no voices."""
        async with self._connected() as (reader, writer), asyncio.timeout(ANSWER_S):
            await async_write_event(Describe().event(), writer)
            programs = Info.from_event(await _answer(reader, "info")).tts
            # As in Home Assistant's own integration: a request goes to the first program.
            program = next((program for program in programs if program.installed), None)
            voices = [voice for voice in program.voices if voice.installed and voice.languages] if program else []
            if program is None or not voices:
                raise K2soError("no_voices")
            k2so = None
            if program.attribution.name == K2SO_ATTRIBUTION:
                await async_write_event(Event("k2so-describe"), writer)
                k2so = K2soInfo.from_data((await _answer(reader, "k2so-info")).data)
            return ServerState(
                program=program.name,
                manufacturer=program.attribution.name,
                version=program.version,
                streams=program.supports_synthesize_streaming,
                voices=tuple(voices),
                k2so=k2so,
            )

    async def configure(self, settings: Mapping[str, Any]) -> None:
        """Change settings of a K2-SO server; None resets one to its default.

        Raises K2soError. Unless the connection was lost or timed out, no setting has changed then.
        """
        await self._change(Event("k2so-configure", {"settings": dict(settings)}))

    async def add_voice(self, name: str, language: str | None, clip: bytes) -> None:
        """Clone a voice from an audio file on a K2-SO server. Raises K2soError."""
        await self._change(Event("k2so-add-voice", {"name": name, "language": language}, clip))

    async def remove_voice(self, name: str) -> None:
        """Remove a cloned voice from a K2-SO server. Raises K2soError."""
        await self._change(Event("k2so-remove-voice", {"name": name}))

    async def _change(self, change: Event) -> None:
        async with self._connected() as (reader, writer), asyncio.timeout(CHANGE_S):
            await async_write_event(change, writer)
            await _answer(reader, "k2so-info")

    async def speak(
        self, text: AsyncIterable[str], voice: SynthesizeVoice | None, context: dict[str, Any], *, streams: bool
    ) -> AsyncGenerator[AudioStart | AudioChunk]:
        """Speak text while it arrives.

        Yields one AudioStart, then AudioChunks in the same format. Closing the generator cancels the reply.
        `streams`: the server accepts text in pieces. Raises K2soError.
        """
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
        raise from_server(error.code, error.text)
    return event


async def _answer(reader: asyncio.StreamReader, type: str) -> Event:
    while (event := await _read(reader)).type != type:
        pass
    return event


async def _next(reader: asyncio.StreamReader, writing: asyncio.Task[None]) -> Event:
    """The next event. Raises the error of `writing` when that fails first."""
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
        # When the server has closed the connection, the reader finds out why.
        with suppress(OSError):
            await async_write_event(event, writer)

    if streams:
        await write(SynthesizeStart(voice=voice, context=context).event())
        async for piece in _with_timeout(text):
            await write(SynthesizeChunk(piece).event())
        await write(SynthesizeStop().event())
    else:
        message = "".join([piece async for piece in _with_timeout(text)])
        await write(Synthesize(message, voice=voice, context=context).event())


async def _with_timeout(text: AsyncIterable[str]) -> AsyncGenerator[str]:
    pieces = aiter(text)
    while True:
        try:
            async with asyncio.timeout(TEXT_S):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise K2soError("text_timeout") from error
        except Exception as error:  # the text comes from any integration, and may fail in any way
            raise K2soError("text_failed", reason=sentence(str(error) or type(error).__name__)) from error
        yield piece

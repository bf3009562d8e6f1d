"""A Wyoming server that follows a script. It plays other servers, and K2-SO servers in rare states."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.tts import SynthesizeStopped

RATE = 16000
TENTH = bytes(RATE // 10 * 2)
"""A tenth of a second of silence."""

OTHER = Attribution("Somebody", "")
K2SO = Attribution("wyoming-k2so", "")

START = AudioStart(RATE, 2, 1).event()
STOP = AudioStop().event()
STOPPED = SynthesizeStopped().event()

type Step = Event | bytes | None
"""Sent as it is; None closes the connection."""


def chunk(audio: bytes) -> Event:
    return AudioChunk(RATE, 2, 1, audio).event()


def voice(name: str, *languages: str, installed: bool = True) -> TtsVoice:
    return TtsVoice(name, OTHER, installed, f"The voice {name}", None, languages=list(languages))


def info(*voices: TtsVoice, streams: bool = True, attribution: Attribution = OTHER, version: str = "7") -> Event:
    program = TtsProgram("parrot", attribution, True, None, version, voices=list(voices))
    program.supports_synthesize_streaming = streams
    return Info(tts=[program]).event()


class FakeServer:
    """Answers each type of event with what the script says; the script may be changed at any time."""

    host = "127.0.0.1"

    def __init__(self, script: Mapping[str, Iterable[Step]]) -> None:
        self.script = dict(script)
        self.received: list[Event] = []
        self.connections = 0
        self.refusal: Error | None = None
        """Sent to each client that connects, instead of all answers."""

        self.left = asyncio.Event()
        """Set when a client that had requested speech has disconnected."""

    def __getitem__(self, type: str) -> Event:
        """The last event of that type."""
        return next(event for event in reversed(self.received) if event.type == type)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[FakeServer]:
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            await self.close()

    def hang_up(self) -> None:
        """Close all connections."""
        self._server.close_clients()

    async def close(self) -> None:
        """Close all connections and stop listening."""
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        spoke = False
        with suppress(OSError):
            if self.refusal:
                await async_write_event(self.refusal.event(), writer)
            while (event := await async_read_event(reader)) is not None:
                self.received.append(event)
                spoke |= event.type.startswith("synthesize")
                for step in () if self.refusal else self.script.get(event.type, ()):
                    if step is None:
                        writer.close()
                    elif isinstance(step, bytes):
                        writer.write(step)
                    else:
                        await async_write_event(step, writer)
        writer.close()
        if spoke:
            self.left.set()


def fake_other(*voices: TtsVoice, streams: bool = True) -> FakeServer:
    """A Wyoming server that is not a K2-SO server."""
    voices = voices or (voice("polly", "en"), voice("coco", "de", "en"))
    return FakeServer({Describe().event().type: [info(*voices, streams=streams)]})


def k2so_info(**fields: Any) -> Event:
    """The `k2so-info` event of a server with both engines; `fields` replace its own."""
    data = {
        "id": None,
        "instance": "first",
        "version": "7",
        "locked": False,
        "settings": {"engine": "auto", "quantization": "auto", "voice": None, "language": None, "speed": 1.0},
        "allowed": {
            "engine": {"choices": ["auto", "piper", "xtts"], "help": ""},
            "quantization": {"choices": ["auto", "int8", "none"], "help": ""},
            "speed": {"min": 0.5, "max": 2, "help": ""},
        },
        "engines": [
            {"name": "piper", "state": "ready", "mode": "fp32", "modes": {"fp32": "The only one."}},
            {"name": "xtts", "state": "ready", "mode": "int8", "modes": {"int8": "Fast.", "none": "Slow."}},
        ],
        "speaking": "xtts",
        "figures": {"replies": 5, "errors": 0, "underruns": 2, "retries": 0, "fallbacks": 1, "last": None},
    }
    return Event("k2so-info", data | fields)


def fake_k2so(**fields: Any) -> FakeServer:
    """A K2-SO server; `fields` as for `k2so_info`."""
    voices = voice("polly", "en"), voice("coco", "de", "en")
    answer = [k2so_info(**fields)]
    changes = ("k2so-describe", "k2so-configure", "k2so-add-voice", "k2so-remove-voice")
    return FakeServer({"describe": [info(*voices, attribution=K2SO)]} | dict.fromkeys(changes, answer))

"""How fast any Wyoming text-to-speech server speaks, measured over TCP with wyoming's own client.

Several servers take turns, because the speed of a shared machine drifts.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import chain

import numpy as np
from wyoming.audio import AudioChunk
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from wyoming_k2so.engine import Samples
from wyoming_k2so.reply.stats import AUDIBLE_GAP_S, PlaybackClock
from wyoming_k2so.settings.errors import UserError

from .percentiles import slow, times
from .report import Columns, Row, ms
from .wer import Listener, word_error_rate

FIRST_SAMPLES = 4096
"""How many samples count as first audio."""

PAUSE_S = 0.25
"""Wait before each request, so that none is slowed by what a server still does after its last sample."""

TIMEOUT_S = 120.0
"""Longest wait for an event."""

ALL = "all"

COLUMNS: Columns = {
    "server": "server",
    "text": "text",
    "first audio": lambda row: ms(row["first_audio_s"]),
    "slow replies": lambda row: slow(row, "first_audio"),
    "RTF": lambda row: f"{row['rtf']:.3f}",
    "speech": lambda row: f"{row['audio_s']:.1f} s",
    "misheard": lambda row: "" if row["word_error_rate"] is None else f"{100 * row['word_error_rate']:.1f} %",
}


@dataclass(frozen=True)
class Heard:
    """One reply as a client hears it."""

    first_audio_s: float
    """From the request to the arrival of FIRST_SAMPLES samples, or of all of a shorter reply."""

    busy_s: float
    """From the request to the arrival of the last sample."""

    sound: Samples
    """The first channel."""

    rate: int
    gaps_s: Sequence[float] = ()
    """The pauses heard by a listener who plays the sound as it arrives."""

    @property
    def audio_s(self) -> float:
        """Playing time."""
        return len(self.sound) / self.rate

    @property
    def rtf(self) -> float:
        """Time to the end of the reply per second of speech."""
        return self.busy_s / self.audio_s


class Client:
    """A connection to a server that is measured."""

    def __init__(self, address: str) -> None:
        """`address` is HOST:PORT. Raises ValueError if it is not."""
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"{address!r} is not an address; use HOST:PORT")
        self.address = address
        self._client = AsyncTcpClient(host.strip("[]"), int(port))
        self.streams_text = False

    async def __aenter__(self) -> Client:
        """Connect, and ask the server to describe itself."""
        try:
            await asyncio.wait_for(self._client.connect(), TIMEOUT_S)
            await self._client.write_event(Describe().event())
        except (OSError, TimeoutError) as error:
            raise UserError(f"cannot reach {self.address}: {error or 'no answer'}; is the server running?") from None
        while not Info.is_type((event := await self._read()).type):
            pass
        programs = [program for program in Info.from_event(event).tts if program.installed]
        if not programs:
            raise UserError(f"{self.address} is not a text-to-speech server")
        self.streams_text = bool(programs[0].supports_synthesize_streaming)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.disconnect()

    async def speak(self, text: str, voice: str | None) -> Heard:
        """Request a text and receive its sound. Raises UserError if there is none."""
        chosen = SynthesizeVoice(name=voice) if voice else None
        began = time.monotonic()
        if self.streams_text:
            last = "synthesize-stopped"
            await self._client.write_event(SynthesizeStart(chosen).event())
            await self._client.write_event(SynthesizeChunk(text).event())
            await self._client.write_event(SynthesizeStop().event())
        else:
            last = "audio-stop"
            await self._client.write_event(Synthesize(text, chosen).event())
        first = ended = None
        pieces: list[Samples] = []
        gaps: list[float] = []
        playback = PlaybackClock()
        rate = heard = 0
        while (event := await self._read()).type != last:
            if Error.is_type(event.type):
                raise UserError(f"{self.address}: {Error.from_event(event).text}")
            if not AudioChunk.is_type(event.type):
                continue
            chunk, ended = AudioChunk.from_event(event), time.monotonic()
            rate = chunk.rate
            pieces.append(_samples(chunk))
            heard += len(pieces[-1])
            if (gap := playback.sent(ended, len(pieces[-1]) / rate)) > AUDIBLE_GAP_S:
                gaps.append(gap)
            if first is None and heard >= FIRST_SAMPLES:
                first = ended
        if ended is None or not heard:
            raise UserError(f"{self.address} sent no audio")
        return Heard((first or ended) - began, ended - began, np.concatenate(pieces), rate, gaps)

    async def _read(self) -> Event:
        try:
            event = await asyncio.wait_for(self._client.read_event(), TIMEOUT_S)
        except (OSError, TimeoutError):
            event = None
        if event is None:
            raise UserError(f"{self.address} stopped responding; see its log for the reason")
        return event


async def measure(
    clients: Sequence[Client],
    texts: Mapping[str, str],
    *,
    rounds: int,
    voice: str | None = None,
    listen: Listener | None = None,
) -> list[Row]:
    """Let the servers take turns at speaking each text `rounds` times, after a warm-up.

    There is a row for each server and text, and one for ALL its texts. Figures are means; `rtf` is the time to the end
    of a reply per second of speech, `word_error_rate` None without `listen`.

    Raises:
        UserError: a server failed.
    """
    heard: dict[tuple[str, str], list[Heard]] = {}
    async with AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client)
        for number in range(rounds + 1):
            for name, text in texts.items():
                for client in clients:
                    await asyncio.sleep(PAUSE_S)
                    reply = await client.speak(text, voice)
                    if number:
                        heard.setdefault((client.address, name), []).append(reply)
    rows = []
    for client in clients:
        by_text = {name: heard[client.address, name] for name in texts}
        errors = {
            name: [word_error_rate(texts[name], listen(reply.sound, reply.rate)) for reply in replies] if listen else []
            for name, replies in by_text.items()
        }
        rows += [_row(client, name, replies, errors[name]) for name, replies in by_text.items()]
        rows.append(_row(client, ALL, [*chain(*by_text.values())], [*chain(*errors.values())]))
    return rows


def _row(client: Client, text: str, replies: Sequence[Heard], errors: Sequence[float]) -> Row:
    return {
        "server": client.address,
        "text": text,
        "streams_text": client.streams_text,
        "replies": len(replies),
        **times("first_audio", [reply.first_audio_s for reply in replies], statistics.fmean),
        "rtf": round(statistics.fmean(reply.rtf for reply in replies), 4),
        "audio_s": round(statistics.fmean(reply.audio_s for reply in replies), 2),
        "word_error_rate": round(statistics.fmean(errors), 4) if errors else None,
    }


def _samples(chunk: AudioChunk) -> Samples:
    """The first channel of a chunk (n,), from the upper two bytes of each sample."""
    frames = np.frombuffer(chunk.audio, np.uint8).reshape(-1, chunk.channels, chunk.width)
    if chunk.width == 1:
        return frames[:, 0, 0].view(np.int8).astype(np.float32) / np.float32(128)
    return np.ascontiguousarray(frames[:, 0, -2:]).view("<i2")[:, 0].astype(np.float32) / np.float32(32768)

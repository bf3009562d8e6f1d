"""How fast any Wyoming text-to-speech server speaks, as a client hears it over TCP with wyoming's own client.

Several servers are asked in turns, since the speed of a shared machine drifts.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass

import numpy as np
from wyoming.audio import AudioChunk
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from wyoming_k2so.engine import EngineError, Samples
from wyoming_k2so.reply.stats import AUDIBLE_GAP_S, PlaybackClock

from .local import json_line, percentile

FIRST_SAMPLES = 4096
"""What counts as first audio."""

PAUSE_S = 0.25
"""Before each request, so that none pays for what a server still does after its last sample."""

PATIENCE_S = 120.0
"""Longest wait for an event."""

ALL = "all"

Judge = Callable[[str, Samples, int], float]
"""Word error rate of a text beside its sound at a rate."""


@dataclass(frozen=True)
class Heard:
    """One reply as it arrived."""

    first_audio_s: float
    """From the request until FIRST_SAMPLES samples, or all of a shorter reply, were there."""

    busy_s: float
    """From the request until the last sample was there."""

    sound: Samples
    """The first channel."""

    rate: int
    gaps_s: tuple[float, ...] = ()
    """How long a listener who plays the sound as it comes hears nothing, each time."""

    @property
    def audio_s(self) -> float:
        """Its playing time."""
        return len(self.sound) / self.rate

    @property
    def rtf(self) -> float:
        """Seconds until the end per second of sound."""
        return self.busy_s / self.audio_s


@dataclass(frozen=True)
class Row:
    """A server and one of the texts, or ALL of them. Times in seconds, means over the rounds but for the percentile."""

    server: str
    text: str
    streams_text: bool
    first_audio_s: float
    first_audio_p95_s: float
    rtf: float
    audio_s: float
    word_error_rate: float | None


class Peer:
    """A server being measured."""

    def __init__(self, address: str) -> None:
        """`address` is HOST:PORT. Raises ValueError when it is not."""
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"{address!r} is no address; it must be HOST:PORT")
        self.address = address
        self._client = AsyncTcpClient(host.strip("[]"), int(port))
        self.streams_text = False

    async def __aenter__(self) -> Peer:
        """Connect, and ask what the server is."""
        try:
            await asyncio.wait_for(self._client.connect(), PATIENCE_S)
            await self._client.write_event(Describe().event())
        except (OSError, TimeoutError) as error:
            raise EngineError(f"{self.address} cannot be reached ({error or 'no answer'}); is the server up?") from None
        while not Info.is_type((event := await self._read()).type):
            pass
        programs = [program for program in Info.from_event(event).tts if program.installed]
        if not programs:
            raise EngineError(f"{self.address} is no text-to-speech server")
        self.streams_text = bool(programs[0].supports_synthesize_streaming)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.disconnect()

    async def speak(self, text: str, voice: str | None) -> Heard:
        """Ask for a text and take its sound. Raises EngineError when there is none."""
        wish = SynthesizeVoice(name=voice) if voice else None
        began = time.monotonic()
        if self.streams_text:
            last = "synthesize-stopped"
            await self._client.write_event(SynthesizeStart(wish).event())
            await self._client.write_event(SynthesizeChunk(text).event())
            await self._client.write_event(SynthesizeStop().event())
        else:
            last = "audio-stop"
            await self._client.write_event(Synthesize(text, wish).event())
        first = ended = None
        pieces: list[Samples] = []
        gaps: list[float] = []
        playback = PlaybackClock()
        rate = heard = 0
        while (event := await self._read()).type != last:
            if Error.is_type(event.type):
                raise EngineError(f"{self.address}: {Error.from_event(event).text}")
            if not AudioChunk.is_type(event.type):
                continue
            chunk, ended = AudioChunk.from_event(event), time.monotonic()
            rate = chunk.rate
            pieces.append(_samples(chunk))
            heard += len(pieces[-1])
            gaps.append(playback.sent(ended, len(pieces[-1]) / rate))
            if first is None and heard >= FIRST_SAMPLES:
                first = ended
        if ended is None or not heard:
            raise EngineError(f"{self.address} made no sound")
        audible = tuple(gap for gap in gaps if gap > AUDIBLE_GAP_S)
        return Heard((first or ended) - began, ended - began, np.concatenate(pieces), rate, audible)

    async def _read(self) -> Event:
        try:
            event = await asyncio.wait_for(self._client.read_event(), PATIENCE_S)
        except (OSError, TimeoutError):
            event = None
        if event is None:
            raise EngineError(f"{self.address} does not answer any more; its log may say why")
        return event


async def measure(
    peers: Sequence[Peer],
    texts: Mapping[str, str],
    *,
    rounds: int,
    voice: str | None = None,
    judge: Judge | None = None,
) -> list[Row]:
    """Let the servers speak each text `rounds` times in turns, after a warm-up. Raises EngineError when one fails."""
    heard: dict[tuple[str, str], list[Heard]] = {}
    async with AsyncExitStack() as stack:
        for peer in peers:
            await stack.enter_async_context(peer)
        for number in range(rounds + 1):
            for name, text in texts.items():
                for peer in peers:
                    await asyncio.sleep(PAUSE_S)
                    reply = await peer.speak(text, voice)
                    if number:
                        heard.setdefault((peer.address, name), []).append(reply)
    rows = []
    for peer in peers:
        errors = []
        for name, text in texts.items():
            replies = heard[peer.address, name]
            if judge is not None:
                errors.append([judge(text, reply.sound, reply.rate) for reply in replies])
            rows.append(_row(peer, name, replies, errors[-1] if errors else ()))
        everything = [reply for name in texts for reply in heard[peer.address, name]]
        rows.append(_row(peer, ALL, everything, [error for part in errors for error in part]))
    return rows


def table(rows: Iterable[Row]) -> str:
    """The rows for people."""
    head = f"{'server':24} {'text':7} {'first audio':>11} {'p95':>9} {'RTF':>6} {'speech':>8} {'misheard':>8}"
    lines = [
        f"{r.server:24} {r.text:7} {r.first_audio_s * 1000:8.0f} ms {r.first_audio_p95_s * 1000:6.0f} ms {r.rtf:6.3f} "
        f"{r.audio_s:6.1f} s {'' if r.word_error_rate is None else f'{100 * r.word_error_rate:6.1f} %':>8}"
        for r in rows
    ]
    return "\n".join((head, *lines))


def as_json(rows: Iterable[Row]) -> str:
    """The rows for programs: one line."""
    return json_line({"rows": [asdict(row) for row in rows]})


def _row(peer: Peer, text: str, replies: Sequence[Heard], errors: Sequence[float]) -> Row:
    first = [reply.first_audio_s for reply in replies]
    return Row(
        server=peer.address,
        text=text,
        streams_text=peer.streams_text,
        first_audio_s=round(statistics.fmean(first), 4),
        first_audio_p95_s=round(percentile(first, 0.95), 4),
        rtf=round(statistics.fmean(reply.rtf for reply in replies), 4),
        audio_s=round(statistics.fmean(reply.audio_s for reply in replies), 2),
        word_error_rate=round(statistics.fmean(errors), 4) if errors else None,
    )


def _samples(chunk: AudioChunk) -> Samples:
    """The first channel of a chunk, from its upper bytes: (n,)."""
    frames = np.frombuffer(chunk.audio, np.uint8).reshape(-1, chunk.channels, chunk.width)
    if chunk.width == 1:
        return frames[:, 0, 0].view(np.int8).astype(np.float32) / np.float32(128)
    return np.ascontiguousarray(frames[:, 0, -2:]).view("<i2")[:, 0].astype(np.float32) / np.float32(32768)

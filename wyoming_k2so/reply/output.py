"""The way out of a reply: samples are cut into chunks, held back by the prebuffer, and queued for the reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from wyoming_k2so.audio.chunks import Chunk, Chunker
from wyoming_k2so.engine import AudioFormat
from wyoming_k2so.settings.config import StreamConfig

from .chunk_queue import ChunkQueue
from .prebuffer import Moment, Prebuffer
from .text_input import TextInput, spoken_chars
from .voice_session import Piece

QUEUE_CHUNKS = 64
"""Chunks that may wait for a slow reader: at 4096 samples and 22.05 kHz, 12 s of speech."""


class Output:
    """Where the synthesis thread writes its sound.

    Only the synthesis thread calls the methods, and each of them raises Cancelled once the reader has left. The reader
    takes chunks from `queue` and looks at `format` and `stalled`.
    """

    def __init__(self, prebuffer: Prebuffer, text: TextInput, stream: StreamConfig, clock: Callable[[], float]) -> None:
        self.prebuffer = prebuffer
        self.queue: ChunkQueue[Chunk] = ChunkQueue(QUEUE_CHUNKS)
        self.format: AudioFormat | None = None
        """Known before the first chunk is queued, and at the end of a reply without sound."""

        self.stalled = False
        """The text was late, and no chunk has been made since."""

        self._text = text
        self._stream = stream
        self._clock = clock
        self._chunker: Chunker
        self._held: list[Chunk] = []
        self._begun_chars = 0  # of the text, in segments whose synthesis has begun

    def begin(self, rate: int) -> None:
        """Fix the format: `rate` in samples per second, the rest as the settings say. Before anything else."""
        stream = self._stream
        self.format = AudioFormat(rate, stream.sample_width, stream.channels)
        self._chunker = Chunker(
            self.format,
            stream.chunk_samples,
            silence_before=stream.silence_before,
            silence_after=stream.silence_after,
        )

    def begin_segment(self, text: str) -> None:
        """Note that the synthesis of a segment begins."""
        chars = spoken_chars(text)
        self._begun_chars += chars
        self.prebuffer.segment(chars)

    def write(self, piece: Piece) -> None:
        """Add a piece of the segment's sound; if it is empty, only ask the prebuffer again."""
        self.check()
        if piece.seconds:
            self.prebuffer.made(piece.seconds, piece.took_s)
        self._send(self._chunker.push(piece.samples))

    def pause(self, seconds: float) -> None:
        """Add silence."""
        if seconds:
            self._send(self._chunker.push(np.zeros(round(seconds * self._chunker.format.rate), np.float32)))

    def starved(self, waited_s: float) -> bool:
        """Send what there is, since synthesis has waited `waited_s` for text; True while sound is still held back.

        A chunk that is not full is filled with silence, so that no word waits for text that is late.
        """
        self._send(self._chunker.fill(), starved_s=waited_s)
        self.stalled = True
        return bool(self._held)

    def finish(self) -> None:
        """Send everything: the sound is complete."""
        self._send(self._chunker.flush(), last=True)

    def check(self) -> None:
        """Raise Cancelled once the reader has left."""
        self.queue.check()

    def _send(self, chunks: list[Chunk], *, starved_s: float = 0.0, last: bool = False) -> None:
        """Queue chunks, or hold them back until the prebuffer releases them."""
        for chunk in chunks:
            self._held.append(replace(chunk, after_stall=self.stalled))
            self.stalled = False
        if self._held and (last or self.prebuffer.release(self._moment(starved_s))):
            while self._held:
                self.queue.put(self._held.pop(0))

    def _moment(self, starved_s: float) -> Moment:
        return Moment(
            self._clock(),
            chunks=len(self._held),
            held_s=sum(chunk.seconds for chunk in self._held),
            pending_s=self._chunker.pending_s,
            waiting=max(0, self._text.chars - self._begun_chars),
            complete=self._text.complete,
            starved_s=starved_s,
        )

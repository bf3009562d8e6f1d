"""The reader's side of a reply: chunks as they come, silence while the text is late, and what a listener heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from wyoming_k2so.audio.chunks import Chunk
from wyoming_k2so.settings.config import StreamConfig

from .output import Output
from .stats import AUDIBLE_GAP_S, PlaybackClock, ReplyStats
from .text_input import TextInput


class Reader:
    """Takes the chunks of one reply from its output. Only the reader's thread uses it."""

    def __init__(
        self, output: Output, text: TextInput, stats: ReplyStats, stream: StreamConfig, clock: Callable[[], float]
    ) -> None:
        self._output, self._text, self._stats = output, text, stats
        self._stream = stream
        self._clock = clock
        self._playback = PlaybackClock()
        self._sent_at = 0.0
        self._in_silence = False  # the last chunk was silence of ours

    def poll(self) -> Chunk | None:
        """The next chunk, to be sent at once; None when there is none now."""
        chunk = self._output.queue.poll()
        if chunk is None:
            return self._silence() if self.silence_in() == 0 else None
        chunk = replace(chunk, timestamp_ms=chunk.timestamp_ms + round(self._stats.silence_s * 1000))
        self._count(chunk)
        return chunk

    def silence_in(self) -> float | None:
        """Seconds until `poll` returns silence if no sound arrives before; None: it will not.

        Silence starts `stall_silence` seconds after the last chunk, once the listener has heard everything, and
        continues in real time.
        """
        output, patience, ends = self._output, self._stream.stall_silence, self._playback.ends
        if not patience or ends is None or output.format is None or output.queue.ended:
            return None
        ahead = self._stream.chunk_samples / output.format.rate if self._in_silence else 0.0
        due = max(self._sent_at + (0.0 if self._in_silence else patience), ends - ahead)
        return max(0.0, due - self._clock())

    def __iter__(self) -> Iterator[Chunk]:
        """Take chunks as they come, without silence."""
        for chunk in self._output.queue:
            self._count(chunk)
            yield chunk

    def _silence(self) -> Chunk:
        output, stats = self._output, self._stats
        assert output.format is not None
        audio = bytes(self._stream.chunk_samples * output.format.frame)
        timestamp = round((stats.audio_s + stats.silence_s) * 1000)
        chunk = Chunk(audio, output.format, timestamp, after_stall=output.stalled)
        self._play(chunk)
        stats.silence_s += chunk.seconds
        self._in_silence = True
        return chunk

    def _count(self, chunk: Chunk) -> None:
        stats = self._stats
        if stats.first_audio_s is None and self._text.began_at is not None:
            stats.first_audio_s = self._clock() - self._text.began_at
        self._play(chunk)
        self._in_silence = False
        stats.chunks += 1
        stats.samples += len(chunk.audio) // chunk.format.frame
        stats.audio_s += chunk.seconds

    def _play(self, chunk: Chunk) -> None:
        now = self._clock()
        if self._playback.sent(now, chunk.seconds) > AUDIBLE_GAP_S and not chunk.after_stall:
            self._stats.underruns += 1
        self._sent_at = now

"""One reply: text goes in at one side, chunks of sound come out at the other, a thread between them speaks.

The pipeline knows nothing of sockets or models, nor of what is done when a voice fails: that is in `speaker`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from queue import Empty, SimpleQueue

import numpy as np

from wyoming_k2so.audio.chunks import Chunk, Chunker
from wyoming_k2so.engine import AudioFormat, Samples, reason
from wyoming_k2so.settings.config import StreamConfig
from wyoming_k2so.text import Segment, Segmenter
from wyoming_k2so.voices.catalog import Choice

from .chunk_queue import Cancelled, ChunkQueue
from .failover import Failover
from .prebuffer import AutoPrebuffer, FixedPrebuffer, Moment, Prebuffer, letters
from .speed_model import SpeedModel
from .stats import AUDIBLE_GAP_S, Figures, PlaybackClock
from .watchdog import SYNTHESIS, Watchdog

_LOGGER = logging.getLogger(__name__)

# Chunks that may wait for a slow reader: at 4096 samples and 22.05 kHz, 12 s of speech.
QUEUE_CHUNKS = 64

# When no text came for so long, what has been said so far leaves at once instead of filling a chunk first.
STARVED_AFTER_S = 0.1

# Text that stays out for so long never comes: Home Assistant leaves a stream open when its agent fails half-way.
TEXT_PATIENCE_S = 300.0


class Reply:
    """A reply being spoken. Feed and read it from any thread; it has one reader.

    Read it by iterating, or on an event loop by `notify` and `poll` until `ended`.
    """

    def __init__(
        self,
        choice: Choice,
        fallback: Choice | None = None,
        *,
        stream: StreamConfig | None = None,
        text_format: str = "text",
        pace: SpeedModel | None = None,
        current: Callable[[Choice], Choice] = lambda choice: choice,
        watchdog: Watchdog | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a reply; nothing runs before `start`.

        Args:
            choice: who speaks.
            fallback: who speaks when that fails.
            stream: format, chunk size and prebuffer; the rate that it leaves open is the voice's.
            text_format: "text" or "ssml".
            pace: what the engine's earlier replies taught about its speed; None: nothing yet.
            current: gives a choice by the engine that has taken the place of the chosen one; asked at each segment.
            watchdog: how long a call into an engine may take; None: for ever.
            clock: seconds, for the figures only.
        """
        stream = stream or StreamConfig()
        self.figures = Figures(
            choice.engine.name, choice.request.voice, instead_of=choice.instead_of, mode=choice.engine.mode
        )
        self.format: AudioFormat | None = None
        """Known before the first chunk comes, and at the end of a reply without sound."""

        self._speakers = Failover(
            choice,
            fallback,
            self.figures,
            loudness=stream.loudness,
            current=current,
            watchdog=watchdog,
            clock=clock,
        )
        self._stream = stream
        self._segmenter = Segmenter(
            max_chars=choice.engine.max_chars(choice.request.language),
            language=choice.request.language,
            text_format=text_format,
            early_clause=stream.early_clause,
        )
        self._clock = clock
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self._segments: deque[Segment] = deque()  # read from the text, still to be spoken
        self._read_all = False
        self._text_began: float | None = None
        self._out: ChunkQueue[Chunk] = ChunkQueue(QUEUE_CHUNKS)
        self._prebuffer: Prebuffer = (
            FixedPrebuffer(stream.prebuffer)
            if isinstance(stream.prebuffer, int)
            else AutoPrebuffer(pace or SpeedModel())
        )
        self._held: list[Chunk] = []
        self._letters = 0  # of text that came
        self._begun = 0  # of those, in segments whose synthesis has begun
        self._complete = False
        self._sent_at = 0.0
        self._stalled = False
        self._silent = False
        self._waits_since: float | None = None
        self._due_s = 0.0  # silence before the next text
        self._playback = PlaybackClock()
        self._thread = threading.Thread(target=self._run, name=SYNTHESIS, daemon=True)

    @property
    def engine(self) -> str:
        """Name of the engine that speaks."""
        return self._speakers.names[0]

    @property
    def fallback(self) -> str | None:
        """Name of the engine that speaks when the other cannot."""
        return (*self._speakers.names, None)[1]

    def fall_back(self) -> None:
        """Leave the whole reply to the fallback voice. Before `start`."""
        self._speakers.fall_back()
        if isinstance(self._prebuffer, AutoPrebuffer):
            self._prebuffer = AutoPrebuffer(SpeedModel())  # the other engine's pace is not this one's
        self.figures.yielded = True

    def start(self) -> None:
        """Begin to speak."""
        self._thread.start()

    def feed(self, text: str) -> None:
        """Add a piece of text, cut anywhere. Never blocks."""
        if not text:
            return
        if self._text_began is None and text.strip():
            self._text_began = self._clock()
        self._letters += letters(text)
        self._waits_since = None
        self._texts.put(text)

    def finish(self) -> None:
        """No more text will come."""
        self._complete = True
        self._waits_since = None
        self._texts.put(None)

    def cancel(self) -> None:
        """Stop speaking: the thread ends at the engine's next piece of sound, or sooner if the engine can."""
        if not self._out.ended:
            self.figures.outcome = "cancelled"
        self._out.cancel()
        self._texts.put(None)
        self._speakers.interrupt()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; False when it still runs."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def notify(self, callback: Callable[[], None] | None) -> None:
        """Call `callback`, in whatever thread, when chunks have come or the reply has ended."""
        self._out.notify(callback)

    def poll(self) -> Chunk | None:
        """The next chunk, to be sent at once; None when there is none now."""
        chunk = self._out.poll()
        if chunk is None:
            return self._silence() if self.silence_in() == 0 else None
        chunk = replace(chunk, timestamp_ms=chunk.timestamp_ms + round(self.figures.silence_s * 1000))
        self._account(chunk)
        return chunk

    def silence_in(self) -> float | None:
        """Seconds until `poll` gives silence if no sound comes before; None: it will not.

        Silence begins when nothing came for a while and all words have been heard, and goes on at the pace of speech.
        """
        patience, ends = self._stream.stall_silence, self._playback.ends
        if not patience or ends is None or self.format is None or self.ended:
            return None
        ahead = self._stream.chunk_samples / self.format.rate if self._silent else 0.0
        due = max(self._sent_at + (0.0 if self._silent else patience), ends - ahead)
        return max(0.0, due - self._clock())

    def _silence(self) -> Chunk:
        assert self.format is not None
        figures = self.figures
        audio = bytes(self._stream.chunk_samples * self.format.frame)
        timestamp = round((figures.audio_s + figures.silence_s) * 1000)
        chunk = Chunk(audio, self.format, timestamp, after_stall=self._stalled)
        self._sent(chunk)
        figures.silence_s += chunk.seconds
        self._silent = True
        return chunk

    def _sent(self, chunk: Chunk) -> None:
        now = self._clock()
        if self._playback.sent(now, chunk.seconds) > AUDIBLE_GAP_S and not chunk.after_stall:
            self.figures.underruns += 1
        self._sent_at = now

    @property
    def waiting_s(self) -> float:
        """For how many seconds there has been nothing to say; 0 while there is something."""
        since = self._waits_since
        return 0.0 if since is None else self._clock() - since

    @property
    def ended(self) -> bool:
        """True when there will be no more chunks; `figures.outcome` says how it went."""
        return self._out.ended

    def __iter__(self) -> Iterator[Chunk]:
        """Take chunks as they come."""
        for chunk in self._out:
            self._account(chunk)
            yield chunk

    def _account(self, chunk: Chunk) -> None:
        figures = self.figures
        if figures.first_audio_s is None and self._text_began is not None:
            figures.first_audio_s = self._clock() - self._text_began
        self._sent(chunk)
        self._silent = False
        figures.chunks += 1
        figures.samples += len(chunk.audio) // chunk.format.frame
        figures.audio_s += chunk.seconds

    # ---- the synthesis thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            stream = self._stream
            self.format = AudioFormat(stream.sample_rate or self._speakers.rate(), stream.sample_width, stream.channels)
            self._chunker = Chunker(
                self.format,
                stream.chunk_samples,
                silence_before=stream.silence_before,
                silence_after=stream.silence_after,
            )
            while self._segments or not self._read_all:
                if self._segments:
                    self._speak(self._segments.popleft())
                else:
                    self._read(self._text())
            self._send(self._chunker.flush(), last=True)
        except Cancelled:
            _LOGGER.debug("Cancelled")
        except Exception as error:  # an engine may raise anything; the client must hear of it
            self.figures.outcome = "error"
            self.figures.error = reason(error)
            _LOGGER.debug("The reply ended early", exc_info=error)
        finally:
            if not self.figures.yielded:
                self.figures.mode, self.figures.note = self._speakers.mode, self._speakers.note
            self._prebuffer.end()
            try:
                self._speakers.end()
            finally:
                self._out.close()

    def _text(self) -> str | None:
        """The next piece of text; None: it was the last. Nothing said so far waits for text that is late."""
        try:
            text = self._texts.get(timeout=STARVED_AFTER_S)
        except Empty:
            self._send(self._chunker.fill(), starved_s=STARVED_AFTER_S)
            self._stalled = True
            self._waits_since = self._clock()
            text = self._late_text()
            self._waits_since = None
        self._out.check()
        return text

    def _late_text(self) -> str | None:
        waited = 0.0
        while waited < TEXT_PATIENCE_S:
            # While the prebuffer holds sound back, it is asked again and again.
            patience = STARVED_AFTER_S if self._held else TEXT_PATIENCE_S - waited
            try:
                return self._texts.get(timeout=patience)
            except Empty:
                waited += patience
                self._send([], starved_s=STARVED_AFTER_S + waited)
        _LOGGER.warning("No text came for %d s: the reply ends here", TEXT_PATIENCE_S)
        return None

    def _read(self, text: str | None) -> None:
        self._segments += self._segmenter.flush() if text is None else self._segmenter.feed(text)
        self._read_all = text is None

    def _following(self) -> str | None:
        """The segment after the one that is being spoken, if its text has come."""
        with suppress(Empty):
            while not (self._read_all or any(segment.text for segment in self._segments)):
                self._read(self._texts.get_nowait())
        return next((segment.text for segment in self._segments if segment.text), None)

    def _speak(self, segment: Segment) -> None:
        """Speak a segment and be silent where it asks for that; a pause of its own goes before that of a sentence."""
        self._out.check()
        if segment.text:
            self._pause(self._due_s)
            self._say(segment.text, letters(segment.written))
        self._pause(segment.pause_s)
        self._due_s = self._stream.sentence_pause if segment.ends_sentence else 0.0

    def _pause(self, seconds: float) -> None:
        assert self.format is not None
        if seconds:
            self._emit(np.zeros(round(seconds * self.format.rate), np.float32))

    def _say(self, text: str, written: int) -> None:
        """Speak a text that takes the place of `written` letters of what came."""
        assert self.format is not None
        _LOGGER.debug("Segment: %r", text)
        self._begun += written
        self._prebuffer.segment(letters(text))
        with closing(self._speakers.say(text, self.format.rate, self._following)) as pieces:
            for piece in pieces:
                self._out.check()
                if piece.seconds:
                    self._prebuffer.made(piece.seconds, piece.took_s)
                self._emit(piece.samples)

    def _emit(self, samples: Samples) -> None:
        self._send(self._chunker.push(samples))

    def _send(self, chunks: list[Chunk], *, starved_s: float = 0.0, last: bool = False) -> None:
        """Hand chunks over, or hold them back until the prebuffer lets them go."""
        for chunk in chunks:
            self._held.append(replace(chunk, after_stall=self._stalled))
            self._stalled = False
        if self._held and (last or self._prebuffer.release(self._moment(starved_s))):
            while self._held:
                self._out.put(self._held.pop(0))

    def _moment(self, starved_s: float) -> Moment:
        return Moment(
            self._clock(),
            chunks=len(self._held),
            held_s=sum(chunk.seconds for chunk in self._held),
            pending_s=self._chunker.pending_s,
            waiting=max(0, self._letters - self._begun),
            complete=self._complete,
            starved_s=starved_s,
        )

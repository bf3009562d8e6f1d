"""One reply: text goes in at one side, chunks of sound come out at the other, a thread between them speaks.

The pipeline knows nothing of sockets or models. It keeps the reply alive: a segment that fails is tried once more, then
spoken by the fallback voice in the same audio format, and the reply goes on. A voice that hangs is not tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TypeVar

import numpy as np

from .audio import Chunk, Chunker, Resampler
from .catalog import Choice
from .config import StreamConfig
from .engine import AudioFormat, EngineError, Samples, Utterance
from .handover import Cancelled, Handover
from .loudness import Leveller
from .metrics import AUDIBLE_GAP_S, Figures, PlaybackClock
from .prebuffer import AutoPrebuffer, FixedPrebuffer, Moment, Pace, Prebuffer, letters
from .text import Segment, Segmenter
from .watchdog import SYNTHESIS, Caller, Watchdog

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")

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
        pace: Pace | None = None,
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
            watchdog: how long a call into an engine may take; None: for ever.
            clock: seconds, for the figures only.
        """
        stream = stream or StreamConfig()
        self._engine = choice.engine
        self.figures = Figures(choice.engine.name, choice.request.voice, instead_of=choice.instead_of)
        self.format: AudioFormat | None = None
        """Known before the first chunk comes, and at the end of a reply without sound."""

        self._speakers = [_Speaker(who, watchdog) for who in (choice, fallback) if who]
        self._stream = stream
        self._segmenter = Segmenter(
            max_chars=choice.engine.max_chars(choice.request.language),
            text_format=text_format,
            early_clause=stream.early_clause,
        )
        self._clock = clock
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self._text_began: float | None = None
        self._out: Handover[Chunk] = Handover(QUEUE_CHUNKS)
        self._prebuffer: Prebuffer = (
            FixedPrebuffer(stream.prebuffer) if isinstance(stream.prebuffer, int) else AutoPrebuffer(pace or Pace())
        )
        self._held: list[Chunk] = []
        self._letters = 0  # of text that came
        self._begun = 0  # of those, in segments whose synthesis has begun
        self._complete = False
        self._sent_at = 0.0
        self._stalled = False
        self._silent = False
        self._due_s = 0.0  # silence before the next text
        self._playback = PlaybackClock()
        self._thread = threading.Thread(target=self._run, name=SYNTHESIS, daemon=True)

    @property
    def engine(self) -> str:
        """Name of the engine that speaks."""
        return self._speakers[0].engine

    @property
    def fallback(self) -> str | None:
        """Name of the engine that speaks when the other cannot."""
        return self._speakers[1].engine if len(self._speakers) > 1 else None

    def fall_back(self) -> None:
        """Leave the whole reply to the fallback voice. Before `start`."""
        self._speakers.pop(0)
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
        self._texts.put(text)

    def finish(self) -> None:
        """No more text will come."""
        self._complete = True
        self._texts.put(None)

    def cancel(self) -> None:
        """Stop speaking: the thread ends at the engine's next piece of sound."""
        if not self._out.ended:
            self.figures.outcome = "cancelled"
        self._out.cancel()
        self._texts.put(None)

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
            self.format = AudioFormat(stream.sample_rate or self._voice_rate(), stream.sample_width, stream.channels)
            self._chunker = Chunker(
                self.format,
                stream.chunk_samples,
                silence_before=stream.silence_before,
                silence_after=stream.silence_after,
            )
            for text in self._pieces():
                for segment in self._segmenter.feed(text) if text is not None else self._segmenter.flush():
                    self._speak(segment)
            self._send(self._chunker.flush(), last=True)
        except Cancelled:
            _LOGGER.debug("Cancelled")
        except Exception as error:  # an engine may raise anything; the client must hear of it
            self.figures.outcome = "error"
            self.figures.error = str(error) or type(error).__name__
            _LOGGER.debug("The reply ended early", exc_info=error)
        finally:
            self.figures.mode = self._engine.mode
            for speaker in self._speakers:
                speaker.end()
            self._out.close()

    def _voice_rate(self) -> int:
        """The rate of the first speaker that can be opened."""
        for speaker in self._speakers:
            try:
                return speaker.open().rate
            except Exception as error:  # noqa: BLE001
                _LOGGER.warning("%s cannot start: %s", speaker, str(error) or type(error).__name__)
        raise EngineError(f"{self._speakers[0]} cannot speak, and there is no other voice that can")

    def _pieces(self) -> Iterator[str | None]:
        """Pieces of text as they come, then None. Nothing said so far waits for text that is late."""
        piece: str | None = ""
        while piece is not None:
            try:
                piece = self._texts.get(timeout=STARVED_AFTER_S)
            except Empty:
                self._send(self._chunker.fill(), starved_s=STARVED_AFTER_S)
                self._stalled = True
                piece = self._late_text()
            self._out.check()
            yield piece

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

    def _speak(self, segment: Segment) -> None:
        """Speak a segment and be silent where it asks for that; a pause of its own goes before that of a sentence."""
        if segment.text:
            self._pause(self._due_s)
            self._say(segment.text)
        self._pause(segment.pause_s)
        self._due_s = self._stream.sentence_pause if segment.ends_sentence else 0.0

    def _pause(self, seconds: float) -> None:
        assert self.format is not None
        if seconds:
            self._emit(np.zeros(round(seconds * self.format.rate), np.float32))

    def _say(self, text: str) -> None:
        """Say a text: the voice, the voice once more, the fallback voice."""
        _LOGGER.debug("Segment: %r", text)
        length = letters(text)
        self._begun += length
        self._prebuffer.segment(length)
        voice, *fallback = self._speakers
        heard = 0  # samples of this segment that are on their way already
        for attempt, speaker in enumerate((voice, voice, *fallback)):
            self._out.check()
            if speaker.hung:
                continue
            if attempt == 1:
                self.figures.retries += 1
            if speaker is not voice:
                self.figures.fallbacks += 1
                heard = 0  # another voice has another timing: better to hear some words twice than to lose one
            position = 0
            try:
                with closing(self._samples(speaker, text)) as pieces:
                    for samples in pieces:
                        self._emit(samples[max(0, heard - position) :])
                        position += len(samples)
                        heard = max(heard, position)
                return
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001
                speaker.close()
                _LOGGER.warning("%s failed to speak a segment: %s", speaker, str(error) or type(error).__name__)
        raise EngineError("no voice could speak a part of the reply; the server's log says why")

    def _samples(self, speaker: _Speaker, text: str) -> Generator[Samples]:
        """Sound of a segment at the stream's rate."""
        assert self.format is not None
        began = self._clock()
        utterance = self._timed(speaker.open)
        leveller = speaker.leveller(utterance.rate, self._stream.loudness)
        resampler = Resampler(utterance.rate, self.format.rate)
        produced = 0
        with closing(speaker.say(text)) as sounds:
            while (samples := self._timed(lambda: next(sounds, None))) is not None:
                self._out.check()
                if not np.isfinite(samples).all():
                    raise EngineError("the sound holds values that are no numbers")
                produced += len(samples)
                if len(samples):
                    self._prebuffer.made(len(samples) / utterance.rate, self._clock() - began)
                yield resampler.push(leveller.push(samples) if leveller else samples)
                if len(samples):
                    began = self._clock()
        if not produced:
            raise EngineError("no sound came")
        yield resampler.flush()

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
            waiting=max(0, self._letters - self._begun),
            complete=self._complete,
            starved_s=starved_s,
        )

    def _timed(self, work: Callable[[], T]) -> T:
        began = self._clock()
        try:
            return work()
        finally:
            self.figures.busy_s += self._clock() - began


class _Speaker:
    """A choice and its utterance, opened when first needed and opened anew after a failure."""

    def __init__(self, choice: Choice, watchdog: Watchdog | None) -> None:
        self._choice = choice
        self._utterance: Utterance | None = None
        self._caller = Caller(choice.engine, watchdog)

    def __str__(self) -> str:
        return f"{self._choice.engine.name}/{self._choice.request.voice}"

    @property
    def engine(self) -> str:
        return self._choice.engine.name

    @property
    def hung(self) -> bool:
        """Whether it will never speak again."""
        return self._caller.hung

    def open(self) -> Utterance:
        return self._caller.call(self._open)

    def say(self, segment: str) -> Generator[Samples]:
        """The engine's own sound of a segment."""
        sounds = self._caller.call(lambda: self._open().say(segment))
        try:
            while (samples := self._caller.call(lambda: next(sounds, None))) is not None:
                yield samples
        finally:
            self._caller.clean_up(sounds.close)

    def leveller(self, rate: int, target: float | None) -> Leveller | None:
        return None if target is None else Leveller(self._choice.meter, target, rate)

    def close(self) -> None:
        self._caller.clean_up(self._close)

    def end(self) -> None:
        """Close for good."""
        try:
            self.close()
        finally:
            self._caller.end()

    def _open(self) -> Utterance:
        if self._utterance is None:
            self._utterance = self._choice.engine.open(self._choice.request)
        return self._utterance

    def _close(self) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is not None:
            utterance.close()

"""One reply: text goes in on one side, chunks of sound come out on the other.

Text -> `TextInput` -> segments -> `Synthesis` (the thread that speaks) -> samples -> `Output` -> chunks -> `Reader`.
Knows neither sockets nor models.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from wyoming_k2so.audio.chunks import Chunk
from wyoming_k2so.engine import AudioFormat
from wyoming_k2so.settings.config import StreamConfig
from wyoming_k2so.text import Segmenter
from wyoming_k2so.voices.catalog import Choice

from .failover import Failover
from .output import Output
from .prebuffer import make_prebuffer
from .reader import Reader
from .speed_model import SpeedModel
from .stats import ReplyStats
from .synthesis import Synthesis
from .text_input import TextInput
from .watchdog import Watchdog


class Reply:
    """A reply being spoken. Feed it and cancel it from any thread; it has one reader, in any thread.

    Read it by iterating or, on an event loop, with `notify` and `poll` until `ended`.
    """

    def __init__(
        self,
        choice: Choice,
        fallback: Choice | None = None,
        *,
        stream: StreamConfig | None = None,
        text_format: str = "text",
        speed_model: SpeedModel | None = None,
        current: Callable[[Choice], Choice] = lambda choice: choice,
        watchdog: Watchdog | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a reply; nothing runs before `start`.

        Args:
            choice: who speaks.
            fallback: who speaks when that fails.
            stream: format, chunk size and prebuffer; a rate left open is the voice's.
            text_format: "text" or "ssml".
            speed_model: what earlier replies taught about the engine's speed; None: nothing yet.
            current: turns a choice into one by the engine that has replaced the chosen one; called for each segment.
            watchdog: how long a call into an engine may take; None: forever.
            clock: seconds.
        """
        engine, stream = choice.engine, stream or StreamConfig()
        self.figures = ReplyStats(engine.name, choice.request.voice, instead_of=choice.instead_of, mode=engine.mode)
        segmenter = Segmenter(
            max_chars=engine.max_chars(choice.request.language),
            text_format=text_format,
            early_clause=stream.early_clause,
        )
        self._stream = stream
        self._text = TextInput(segmenter, clock)
        self._voices = Failover(
            choice,
            fallback,
            self.figures,
            loudness=stream.loudness,
            current=current,
            watchdog=watchdog,
            clock=clock,
        )
        self._output = Output(make_prebuffer(stream.prebuffer, speed_model), self._text, stream, clock)
        self._synthesis = Synthesis(self._text, self._voices, self._output, self.figures, stream)
        self._reader = Reader(self._output, self._text, self.figures, stream, clock)

    @property
    def engine(self) -> str:
        """Name of the engine that speaks."""
        return self._voices.engines[0]

    @property
    def fallback(self) -> str | None:
        """Name of the engine that takes over, if there is one."""
        return (*self._voices.engines, None)[1]

    @property
    def format(self) -> AudioFormat | None:
        """Known before the first chunk comes, and at the end of a reply without sound."""
        return self._output.format

    def fall_back(self) -> None:
        """Leave the whole reply to the fallback voice. Before `start`."""
        self._voices.fall_back()
        self._output.prebuffer = make_prebuffer(self._stream.prebuffer, None)  # the model is of the other engine
        self.figures.yielded = True

    def start(self) -> None:
        """Start speaking."""
        self._synthesis.start()

    def feed(self, text: str) -> None:
        """Add a piece of text, cut anywhere. Never blocks."""
        self._text.feed(text)

    def finish(self) -> None:
        """Mark the end of the text."""
        self._text.finish()

    def cancel(self) -> None:
        """Stop speaking. The synthesis thread ends at the engine's next piece of sound, or sooner if the engine can."""
        queue = self._output.queue
        if not queue.ended:
            self.figures.outcome = "cancelled"
        queue.cancel()
        self._text.cancel()
        self._voices.interrupt()

    def join(self, timeout: float) -> bool:
        """Wait for the synthesis thread to end; False when it is still running."""
        return self._synthesis.join(timeout)

    @property
    def waiting_s(self) -> float:
        """For how many seconds there has been nothing to say; 0 while there is something."""
        return self._text.waiting_s

    @property
    def ended(self) -> bool:
        """True when there will be no more chunks; `figures.outcome` says how it went."""
        return self._output.queue.ended

    def notify(self, callback: Callable[[], None] | None) -> None:
        """Call `callback`, in any thread, when chunks have come or the reply has ended; None: stop calling."""
        self._output.queue.notify(callback)

    def poll(self) -> Chunk | None:
        """The next chunk, to be sent at once; None when there is none now."""
        return self._reader.poll()

    def silence_in(self) -> float | None:
        """Seconds until `poll` returns silence if no sound comes before; None: it will not."""
        return self._reader.silence_in()

    def __iter__(self) -> Iterator[Chunk]:
        """Take chunks as they come."""
        return iter(self._reader)

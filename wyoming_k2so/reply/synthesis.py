"""The thread that speaks a reply: it takes segments from the text and writes their sound to the output."""

from __future__ import annotations

import logging
import threading
from contextlib import closing

from wyoming_k2so.engine import reason
from wyoming_k2so.settings.config import StreamConfig
from wyoming_k2so.text import Segment

from .chunk_queue import Cancelled
from .failover import Failover
from .output import Output
from .stats import ReplyStats
from .text_input import TextInput
from .watchdog import SYNTHESIS

_LOGGER = logging.getLogger(__name__)


class Synthesis:
    """Speaks one reply in a thread of its own. `start` and `join` are for others; all the rest runs in the thread."""

    def __init__(
        self, text: TextInput, voices: Failover, output: Output, stats: ReplyStats, stream: StreamConfig
    ) -> None:
        self._text, self._voices, self._output, self._stats = text, voices, output, stats
        self._stream = stream
        self._due_s = 0.0  # silence before the next words
        self._thread = threading.Thread(target=self._run, name=SYNTHESIS, daemon=True)

    def start(self) -> None:
        """Start speaking."""
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Wait for the thread to end; False when it is still running."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        stats, voices = self._stats, self._voices
        try:
            self._speak_all()
        except Cancelled:
            _LOGGER.debug("reply cancelled")
        except Exception as error:  # an engine may raise anything, and the client must be told
            stats.outcome, stats.error = "error", reason(error)
            _LOGGER.debug("reply failed", exc_info=error)
        finally:
            if not stats.yielded:
                stats.mode, stats.note = voices.mode, voices.note
            self._output.prebuffer.end()
            try:
                voices.end()
            finally:
                self._output.queue.close()

    def _speak_all(self) -> None:
        text, output = self._text, self._output
        rate = self._stream.sample_rate or self._voices.rate()
        output.begin(rate)
        while (segment := text.next_segment(output.starved)) is not None:
            output.check()
            self._speak(segment, rate)
        output.finish()

    def _speak(self, segment: Segment, rate: int) -> None:
        """Speak a segment and add the pause it asks for, which replaces the one between sentences."""
        output = self._output
        if segment.text:
            output.pause(self._due_s)
            _LOGGER.debug("segment: %r", segment.text)
            output.begin_segment(segment.text)
            with closing(self._voices.say(segment.text, rate, self._text.look_ahead)) as pieces:
                for piece in pieces:
                    output.write(piece)
        output.pause(segment.pause_s)
        self._due_s = self._stream.sentence_pause if segment.ends_sentence else 0.0

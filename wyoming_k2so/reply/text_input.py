"""The text of a reply: pieces go in as they arrive, segments come out.

Knows nothing of sound.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from wyoming_k2so.text import Segment, Segmenter

_LOGGER = logging.getLogger(__name__)

LATE_AFTER_S = 0.1
"""Text is late when the synthesis thread has waited this long for it."""

TEXT_TIMEOUT_S = 300.0
"""The reply ends when no text arrives for this long: Home Assistant leaves a stream open when its agent fails."""

CHARS_PER_DIGIT = 4
"""A digit is spoken as a word of about this many letters."""

CHARS_PER_IDEOGRAPH = 3
"""The same for a character of a script that has no letters."""

_IDEOGRAPHS_FROM = 0x2E80


def spoken_chars(text: str) -> int:
    """How much there is to speak in a text, counted in letters."""
    return sum(
        CHARS_PER_DIGIT if c.isdigit() else CHARS_PER_IDEOGRAPH if ord(c) >= _IDEOGRAPHS_FROM else 1 for c in text
    )


class TextInput:
    """A queue of text, cut into segments.

    Any thread may call `feed`, `finish` and `cancel`, and read the properties. Only the synthesis thread calls
    `next_segment` and `look_ahead`.
    """

    def __init__(self, segmenter: Segmenter, clock: Callable[[], float]) -> None:
        self._segmenter = segmenter
        self._clock = clock
        self._pieces: SimpleQueue[str | None] = SimpleQueue()  # None: there are no more
        self._segments: deque[Segment] = deque()
        self._segmented_all = False
        self._late_since: float | None = None
        self.began_at: float | None = None
        """When the first text arrived that is not only white space."""

        self.chars = 0
        """How much text has arrived, in `spoken_chars`."""

        self.complete = False
        """No more text will arrive."""

    def feed(self, text: str) -> None:
        """Add a piece of text, cut anywhere. Never blocks."""
        if not text:
            return
        if self.began_at is None and text.strip():
            self.began_at = self._clock()
        self.chars += spoken_chars(text)
        self._late_since = None
        self._pieces.put(text)

    def finish(self) -> None:
        """Mark the end of the text."""
        self.complete = True
        self._late_since = None
        self._pieces.put(None)

    def cancel(self) -> None:
        """Wake the synthesis thread if it is waiting for text."""
        self._pieces.put(None)

    @property
    def waiting_s(self) -> float:
        """For how many seconds there has been nothing to say; 0 while there is something."""
        since = self._late_since
        return 0.0 if since is None else self._clock() - since

    def next_segment(self, late: Callable[[float], bool]) -> Segment | None:
        """Wait for the next segment; None at the end of the text.

        `late` is called with the seconds waited so far when text is late, and again every LATE_AFTER_S as long as it
        returns True.
        """
        while not (self._segments or self._segmented_all):
            self._split(self._next_piece(late))
        return self._segments.popleft() if self._segments else None

    def look_ahead(self) -> str | None:
        """The text of the segment after the one being spoken, if it has arrived."""
        with suppress(Empty):
            while not (self._segmented_all or any(segment.text for segment in self._segments)):
                self._split(self._pieces.get_nowait())
        return next((segment.text for segment in self._segments if segment.text), None)

    def _next_piece(self, late: Callable[[float], bool]) -> str | None:
        waited, timeout = 0.0, LATE_AFTER_S
        try:
            while waited < TEXT_TIMEOUT_S:
                with suppress(Empty):
                    return self._pieces.get(timeout=timeout)
                waited += timeout
                ask_again = late(waited)
                self._late_since = self._late_since or self._clock()
                timeout = LATE_AFTER_S if ask_again else TEXT_TIMEOUT_S - waited
        finally:
            self._late_since = None
        _LOGGER.warning("no text arrived for %d s; ending the reply", TEXT_TIMEOUT_S)
        return None

    def _split(self, text: str | None) -> None:
        self._segments += self._segmenter.flush() if text is None else self._segmenter.feed(text)
        self._segmented_all = text is None

"""The parts of a reply on their way through the GPT: the one that is being said, and the next one ahead of its time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from wyoming_k2so.engines.xtts import guardrails
from wyoming_k2so.engines.xtts.kernels.quant import NotANumber

from .scheduler import Make, Scheduler
from .sequence import Sequence

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """Text that XTTS reads in one go, and where it ends besides at a stop."""

    text: str
    tokens: tuple[int, ...]
    limit: int
    """The most codes that it may take."""

    exact: bool = False
    """It takes no fewer either, whatever the model says: for measuring."""

    stop_loops: bool = True
    """It ends where the model repeats itself."""


class Reading:
    """A part, its decoding, and where that ends."""

    def __init__(self, part: Part, decoding: Sequence, block: int) -> None:
        """`block`: how many codes are looked at in one go."""
        self.part, self.decoding = part, decoding
        self.end: int | None = None
        """How many codes the part has, once that is known."""

        self._block = block
        self._looked = 0

    def look(self) -> None:
        """Search the new codes for the end."""
        decoding = self.decoding
        while self.end is None and (decoding.full or decoding.count >= self._looked + self._block):
            start, self._looked = self._looked, min(self._looked + self._block, decoding.count)
            stop = decoding.stopped_at(start, self._looked)
            if stop is not None:
                self.end = stop + 1
            elif self._looked == decoding.limit or self._loops():
                self.end = self._looked

    def _loops(self) -> bool:
        if self.part.exact or not self.part.stop_loops:
            return False
        late = self.decoding.codes[max(0, self._looked - 60) : self._looked]
        if not guardrails.loop_length(late.tolist()):
            return False
        _LOGGER.debug("The model repeats itself; the segment ends here")
        return True


class Prefetch:
    """Decodes the next part of a reply while the present one is being said."""

    def __init__(self, batch: Scheduler, block: int) -> None:
        self._batch, self._block = batch, block
        self._part: Part | None = None
        self._reading: Reading | None = None

    def expect(self, part: Part | None) -> None:
        """Which part comes next; None: nobody knows."""
        if part == self._part:
            return
        if self._reading is not None:
            self._batch.end(self._reading.decoding)
        self._part, self._reading = part, None

    def take(self, part: Part) -> Reading | None:
        """The reading of a part that is to be said now, as far as it has come; None: it was not begun, or lost."""
        if part != self._part:
            return None
        reading, self._reading, self._part = self._reading, None, None
        return reading if reading is not None and self._batch.keep(reading.decoding) else None

    def along(self, speaking: Sequence, make: Callable[[Part], Make]) -> Sequence | None:
        """What may take a token with the next one of `speaking`. Begins it and reads its text, a piece at each call.

        It is begun once: when it has lost its row, the part waits until it is said.
        """
        if self._part is None:
            return None
        if self._reading is None:
            decoding = self._batch.begin_ahead(make(self._part))
            self._reading = None if decoding is None else Reading(self._part, decoding, self._block)
            return None
        reading = self._reading
        if reading.decoding.unread:
            try:
                self._batch.read_ahead(reading.decoding, speaking)
            except NotANumber:
                self.expect(None)  # it fails once more when it is said, and is heard of then
            return None
        reading.look()
        return reading.decoding if reading.end is None else None

"""Generates a reply's next segment while the present one is being spoken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wyoming_k2so.engines.xtts.kernels.finite import NotFinite

from .scheduler import NewSequence, Scheduler
from .sequence import Sequence


@dataclass(frozen=True)
class Prompt:
    """Text that XTTS reads in one go, and where its speech ends besides at a stop code."""

    text: str
    tokens: tuple[int, ...]
    max_tokens: int
    """The most codes to generate."""

    fixed_length: bool = False
    """Generate exactly `max_tokens` codes: for measuring."""

    stop_loops: bool = True
    """End where the model repeats itself."""


class Prefetch:
    """The next segment of one reply."""

    def __init__(self, scheduler: Scheduler, block: int) -> None:
        """`block`: how many codes to search for the end at a time."""
        self._scheduler, self._block = scheduler, block
        self._prompt: Prompt | None = None
        self._sequence: Sequence | None = None

    def expect(self, prompt: Prompt | None) -> None:
        """Set what comes next; None: unknown."""
        if prompt == self._prompt:
            return
        if self._sequence is not None:
            self._scheduler.remove(self._sequence)
        self._prompt, self._sequence = prompt, None

    def take(self, prompt: Prompt) -> Sequence | None:
        """The sequence of a prompt that is to be spoken now, as far as it has come; None: not begun, or row lost."""
        if prompt != self._prompt:
            return None
        sequence, self._sequence, self._prompt = self._sequence, None, None
        return sequence if sequence is not None and self._scheduler.promote(sequence) else None

    def advance(self, speaking: Sequence, new: Callable[[Prompt], NewSequence]) -> Sequence | None:
        """Begin the next sequence or prefill a piece of it; once that is done, return it, to share a step.

        `speaking` is the sequence being spoken. The next one is begun only once: if it loses its row, its prompt waits
        until it is spoken.
        """
        if self._prompt is None:
            return None
        if self._sequence is None:
            self._sequence = self._scheduler.add_prefetched(new(self._prompt))
            return None
        sequence = self._sequence
        if sequence.prompt_left:
            try:
                self._scheduler.prefill_ahead(sequence, speaking)
            except NotFinite:
                self.expect(None)  # it will fail again, and be reported, when it is spoken
            return None
        sequence.check_end(self._block)
        return sequence if sequence.end is None else None

"""Sequences of several threads share token steps, and take turns at everything else that keeps the processor busy.

A step over the weights costs little more for eight rows than for one. Each reply has its own thread; whichever comes
first runs the step for all that wait. The sequence that runs out of sound first goes first. While no listener is about
to run out, the next segments of replies are generated too, in rows that nobody else needs.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.kernels.finite import NotFinite
from wyoming_k2so.engines.xtts.model.gpt import Gpt
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache

from .sequence import Sequence, decode_one_token

_GATHER_S = 0.005
"""How long a step waits for sequences that have just got a token and will ask for the next one."""

_PREFILL_CHUNK = 32
"""Positions to prefill in one turn while others speak."""

_SLACK_S = 0.5
"""Prefetching waits until every listener has this much sound left."""

_ROW_PATIENCE_S = 20.0

NewSequence = Callable[[KVCache, int], Sequence]
"""Makes a sequence in a row of a cache."""


class Aborted(Exception):
    """Nobody wants the rest of this sequence."""


@dataclass(eq=False)
class _Waiting:
    """A thread that waits for a token or for a turn."""

    sequence: Sequence
    prefetched: Sequence | None = None
    done: bool = False
    error: BaseException | None = None

    @property
    def deadline(self) -> float:
        return self.sequence.deadline


class Scheduler:
    """The rows of one model's KV cache, and the sequences in them."""

    def __init__(self, gpt: Gpt, rows: int, positions: int) -> None:
        """Reserve memory for `rows` sequences of `positions` tokens; only what is used becomes resident."""
        self._gpt = gpt
        self._cache = KVCache(gpt.arch, rows, positions, gpt.device)
        self._free_rows = list(range(rows))
        self._changed = threading.Condition()
        self._busy = False
        self._tokens: list[_Waiting] = []
        self._turns: list[_Waiting] = []
        self._expected: set[Sequence] = set()  # those that will soon ask for a token
        self._speaking: list[Sequence] = []
        self._prefetched: list[Sequence] = []

    def add(self, new: NewSequence) -> Sequence:
        """A sequence in a row of its own, until `remove`. Takes the row of a prefetched one if none is free.

        Raises:
            EngineError: no row became free in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._free_rows or self._prefetched, _ROW_PATIENCE_S):
                raise EngineError(
                    f"all {self._cache.rows} XTTS streams are in use; try again later, or raise --max-streams"
                )
            if not self._free_rows:
                self._remove(self._prefetched[-1])
            return self._add(new, self._speaking)

    def add_prefetched(self, new: NewSequence) -> Sequence | None:
        """A sequence that will be spoken later, in a row that it loses when another one needs it.

        None: no row is free, or a listener is about to run out of sound.
        """
        with self._changed:
            return self._add(new, self._prefetched) if self._free_rows and self._has_slack() else None

    def promote(self, sequence: Sequence) -> bool:
        """A prefetched sequence is spoken now. False: it has lost its row."""
        with self._changed:
            if sequence not in self._prefetched:
                return False
            self._prefetched.remove(sequence)
            self._speaking.append(sequence)
            return True

    def remove(self, sequence: Sequence) -> None:
        """Free the row, unless it was lost."""
        with self._changed:
            self._remove(sequence)

    def abort(self, sequence: Sequence) -> None:
        """Let the thread that waits with this sequence raise Aborted."""
        with self._changed:
            sequence.aborted = True
            self._changed.notify_all()

    def prefill(self, sequence: Sequence) -> None:
        """Process a sequence's prompt: at once if nobody else speaks, else in chunks, so that the others keep up."""
        while sequence.prompt_left:
            with self.exclusive(sequence):
                sequence.prefill(_PREFILL_CHUNK if len(self._speaking) > 1 else None)

    def prefill_ahead(self, prefetched: Sequence, speaking: Sequence) -> None:
        """Process a chunk of a prefetched sequence's prompt, unless a listener is about to run out of sound."""
        with self._changed:
            if not self._has_slack():
                return
        with self.exclusive(speaking):
            if prefetched in self._prefetched:
                prefetched.prefill(_PREFILL_CHUNK)

    @contextmanager
    def exclusive(self, sequence: Sequence) -> Iterator[None]:
        """A turn with the processor to oneself: for a chunk of prefill, or a window of the vocoder. Raises Aborted."""
        waiting = _Waiting(sequence)
        with self._changed:
            self._expected.discard(sequence)
            self._turns.append(waiting)
            self._changed.wait_for(lambda: sequence.aborted or self._is_next(waiting))
            self._turns.remove(waiting)
            if sequence.aborted:
                self._changed.notify_all()
                raise Aborted
            self._busy = True
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def decode(self, sequence: Sequence, prefetched: Sequence | None = None) -> None:
        """Generate the sequence's next code, together with those of all others that wait for theirs.

        `prefetched` gets its next code too, if that makes nobody late. It loses its row if it computes NaN or infinity.

        Raises:
            NotFinite: a sequence that is being spoken computed NaN or infinity.
            Aborted: nobody wants it any more.
        """
        waiting = _Waiting(sequence, prefetched)
        with self._changed:
            self._expected.discard(sequence)
            self._tokens.append(waiting)
            self._changed.notify_all()
            while not waiting.done:
                if sequence.aborted and waiting in self._tokens:
                    self._tokens.remove(waiting)
                    self._changed.notify_all()
                    raise Aborted
                if not self._is_next(waiting):
                    self._changed.wait()
                elif not self._expected:
                    self._step()
                elif not self._changed.wait_for(lambda: not self._expected or not self._is_next(waiting), _GATHER_S):
                    self._expected.clear()  # they are busy with something else, or their readers are slow
            self._expected.add(sequence)
        if waiting.error is not None:
            raise waiting.error

    def _add(self, new: NewSequence, group: list[Sequence]) -> Sequence:
        sequence = new(self._cache, self._free_rows[0])  # the lowest row, so that those in use lie together
        heapq.heappop(self._free_rows)
        group.append(sequence)
        return sequence

    def _remove(self, sequence: Sequence) -> None:
        for group in (self._speaking, self._prefetched):
            if sequence in group:
                group.remove(sequence)
                heapq.heappush(self._free_rows, sequence.row)
        self._expected.discard(sequence)
        self._changed.notify_all()

    def _has_slack(self) -> bool:
        """Whether every listener has sound for a while."""
        soon = time.monotonic() + _SLACK_S
        return all(sequence.deadline > soon for sequence in self._speaking)

    def _is_next(self, waiting: _Waiting) -> bool:
        if self._busy:
            return False
        return waiting is min((*self._turns, *self._tokens), key=lambda other: other.deadline, default=None)

    def _step(self) -> None:
        """One step for all that wait for a token. Called with the lock held; releases it while it computes."""
        batch, self._tokens = self._tokens, []
        sequences = [waiting.sequence for waiting in batch]
        prefetched = [w.prefetched for w in batch if w.prefetched in self._prefetched] if self._has_slack() else []
        self._busy = True
        self._changed.release()
        error: BaseException | None = None
        spoiled = False
        try:
            try:
                self._compute([*sequences, *prefetched])
            except NotFinite:
                if not prefetched:
                    raise
                spoiled = True
                self._compute(sequences)
        except BaseException as caught:  # noqa: BLE001  it goes to all who shared the step
            error = caught
        finally:
            self._changed.acquire()
            self._busy = False
            for sequence in prefetched if spoiled else ():
                self._remove(sequence)
            for waiting in batch:
                waiting.done, waiting.error = True, error
            self._changed.notify_all()

    def _compute(self, sequences: list[Sequence]) -> None:
        decode_one_token(self._gpt, sorted(sequences, key=lambda sequence: sequence.row))

"""Utterances of several threads share token steps, and take turns at everything else that keeps the processor busy.

A step over the weights costs little more for eight rows than for one. Each utterance has a thread of its own; whichever
comes first runs the step for all that wait. Who will run out of sound first goes first. Nothing here knows of sound.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ...engine import EngineError
from .decode import Decoding, decode_one_token
from .model import Gpt, KVCache

_GATHER_S = 0.005
"""How long a step waits for those who have just got their last token and will ask for the next one."""

_ROW_PATIENCE_S = 20.0


@dataclass(eq=False)
class _Wish:
    """A token, or a turn alone."""

    decoding: Decoding
    granted: bool = False
    error: BaseException | None = None

    @property
    def deadline(self) -> float:
        return self.decoding.deadline


class Batch:
    """The rows of one model's cache and those who speak in them."""

    def __init__(self, gpt: Gpt, rows: int, positions: int) -> None:
        """Memory for `rows` utterances of `positions` tokens each, of which only what is used becomes resident."""
        self._gpt = gpt
        self._cache = KVCache(gpt.arch, rows, positions, gpt.device)
        self._free = list(range(rows))
        self._changed = threading.Condition()
        self._busy = False
        self._tokens: list[_Wish] = []
        self._turns: list[_Wish] = []
        self._expected: set[Decoding] = set()

    @property
    def free(self) -> int:
        """Rows that nobody speaks in."""
        return len(self._free)

    @contextmanager
    def row(self) -> Iterator[tuple[KVCache, int]]:
        """A row of the cache, as long as the context is open.

        Raises:
            EngineError: all are taken for too long.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._free, _ROW_PATIENCE_S):
                raise EngineError("XTTS speaks too many replies at once; try again, or raise --max-streams.")
            row = heapq.heappop(self._free)  # the lowest: rows in use lie together
        try:
            yield self._cache, row
        finally:
            with self._changed:
                heapq.heappush(self._free, row)
                self._expected = {decoding for decoding in self._expected if decoding.row != row}
                self._changed.notify_all()

    @contextmanager
    def alone(self, decoding: Decoding) -> Iterator[None]:
        """A turn of one's own: a prefill, or a window of the vocoder."""
        wish = _Wish(decoding)
        with self._changed:
            self._expected.discard(decoding)
            self._turns.append(wish)
            self._changed.wait_for(lambda: self._is_next(wish))
            self._turns.remove(wish)
            self._busy = True
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def advance(self, decoding: Decoding) -> None:
        """Generate the decoding's next code, together with those of all who wait for theirs.

        Raises:
            NotANumber: one of them computed what is no number.
        """
        wish = _Wish(decoding)
        with self._changed:
            self._expected.discard(decoding)
            self._tokens.append(wish)
            self._changed.notify_all()
            gathered = False
            while not wish.granted:
                if not self._is_next(wish):
                    self._changed.wait()
                elif self._expected and not gathered:
                    gathered = True
                    self._changed.wait_for(lambda: not self._expected or not self._is_next(wish), _GATHER_S)
                else:
                    self._step()
            self._expected.add(decoding)
        if wish.error is not None:
            raise wish.error

    def _is_next(self, wish: _Wish) -> bool:
        if self._busy:
            return False
        return wish is min((*self._turns, *self._tokens), key=lambda waiting: waiting.deadline)

    def _step(self) -> None:
        """One step for all that wait for a token. Called with the lock held, which is free while it computes."""
        wishes, self._tokens = self._tokens, []
        self._busy = True
        self._changed.release()
        error: BaseException | None = None
        try:
            decode_one_token(self._gpt, sorted((wish.decoding for wish in wishes), key=lambda decoding: decoding.row))
        except BaseException as caught:  # noqa: BLE001  it goes to all whose step this was
            error = caught
        finally:
            self._changed.acquire()
            self._busy = False
            for wish in wishes:
                wish.granted, wish.error = True, error
            self._changed.notify_all()

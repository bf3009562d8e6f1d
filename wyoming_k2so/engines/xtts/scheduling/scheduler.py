"""Utterances of several threads share token steps, and take turns at everything else that keeps the processor busy.

A step over the weights costs little more for eight rows than for one. Each utterance has a thread of its own; whichever
comes first runs the step for all that wait. Who will run out of sound first goes first. While nobody is about to, what
will be said next is decoded along, in rows that nobody else needs. Nothing here knows of sound.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.kernels.quant import NotANumber
from wyoming_k2so.engines.xtts.model.gpt import Gpt, KVCache

from .sequence import Sequence, decode_one_token

_GATHER_S = 0.005
"""How long a step waits for those who have just got their last token and will ask for the next one."""

_CHUNK = 32
"""Positions of a text that are read in one turn while somebody else speaks."""

_LEISURE_S = 0.5
"""Work ahead waits until everyone who speaks has sound for so long."""

_ROW_PATIENCE_S = 20.0

Make = Callable[[KVCache, int], Sequence]
"""Makes a decoding in a row of a cache."""


@dataclass(eq=False)
class _Wish:
    """A token, or a turn alone."""

    decoding: Sequence
    ahead: Sequence | None = None
    granted: bool = False
    error: BaseException | None = None

    @property
    def deadline(self) -> float:
        return self.decoding.deadline


class Abandoned(Exception):
    """Nobody wants the rest of what is being decoded."""


class Scheduler:
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
        self._expected: set[Sequence] = set()
        self._speaking: list[Sequence] = []
        self._ahead: list[Sequence] = []

    @property
    def free(self) -> int:
        """Rows that nobody speaks in."""
        return len(self._free)

    def begin(self, make: Make) -> Sequence:
        """A decoding in a row of its own, until `end`.

        Raises:
            EngineError: all rows are taken for too long.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._free or self._ahead, _ROW_PATIENCE_S):
                raise EngineError("XTTS speaks too many replies at once; try again, or raise --max-streams.")
            if not self._free:
                self._leave(self._ahead[-1])
            return self._enter(make, self._speaking)

    def begin_ahead(self, make: Make) -> Sequence | None:
        """A decoding of what will be said later, in a row that it loses when someone else needs it.

        None: no row is free, or somebody is in a hurry.
        """
        with self._changed:
            return self._enter(make, self._ahead) if self._free and self._at_leisure() else None

    def keep(self, decoding: Sequence) -> bool:
        """Now a decoding that was begun ahead is being said. False: it has lost its row."""
        with self._changed:
            if decoding not in self._ahead:
                return False
            self._ahead.remove(decoding)
            self._speaking.append(decoding)
            return True

    def end(self, decoding: Sequence) -> None:
        """Give the row back, unless it was lost."""
        with self._changed:
            self._leave(decoding)

    def abandon(self, decoding: Sequence) -> None:
        """Whoever waits for a turn of this decoding does so no longer, but raises Abandoned."""
        with self._changed:
            decoding.abandoned = True
            self._changed.notify_all()

    def read(self, decoding: Sequence) -> None:
        """Read a decoding's text: at once if nobody else speaks, else in turns, so that the others keep up."""
        while decoding.unread:
            with self.alone(decoding):
                decoding.read(_CHUNK if len(self._speaking) > 1 else decoding.unread)

    def read_ahead(self, decoding: Sequence, speaking: Sequence) -> None:
        """Read a piece of the text of a decoding begun ahead of the one that speaks now, if nobody is in a hurry."""
        with self._changed:
            if not self._at_leisure():
                return
        with self.alone(speaking):
            if decoding in self._ahead:
                decoding.read(_CHUNK)

    @contextmanager
    def alone(self, decoding: Sequence) -> Iterator[None]:
        """A turn of one's own: a piece of text to read, or a window of the vocoder. Raises Abandoned."""
        wish = _Wish(decoding)
        with self._changed:
            self._expected.discard(decoding)
            self._turns.append(wish)
            self._changed.wait_for(lambda: decoding.abandoned or self._is_next(wish))
            self._turns.remove(wish)
            if decoding.abandoned:
                self._changed.notify_all()
                raise Abandoned
            self._busy = True
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def advance(self, decoding: Sequence, ahead: Sequence | None = None) -> None:
        """Generate the decoding's next code, together with those of all who wait for theirs.

        `ahead`: one begun ahead, which gets its next code too if that makes nobody late. It loses its row when what it
        computes is no number.

        Raises:
            NotANumber: a decoding that is being said computed what is no number.
            Abandoned: nobody wants it any more.
        """
        wish = _Wish(decoding, ahead)
        with self._changed:
            self._expected.discard(decoding)
            self._tokens.append(wish)
            self._changed.notify_all()
            while not wish.granted:
                if decoding.abandoned and wish in self._tokens:
                    self._tokens.remove(wish)
                    self._changed.notify_all()
                    raise Abandoned
                if not self._is_next(wish):
                    self._changed.wait()
                elif not self._expected:
                    self._step()
                elif not self._changed.wait_for(lambda: not self._expected or not self._is_next(wish), _GATHER_S):
                    self._expected.clear()  # they are busy with something else, or their readers are slow
            self._expected.add(decoding)
        if wish.error is not None:
            raise wish.error

    def _enter(self, make: Make, group: list[Sequence]) -> Sequence:
        decoding = make(self._cache, self._free[0])  # the lowest row: those in use lie together
        heapq.heappop(self._free)
        group.append(decoding)
        return decoding

    def _leave(self, decoding: Sequence) -> None:
        for group in (self._speaking, self._ahead):
            if decoding in group:
                group.remove(decoding)
                heapq.heappush(self._free, decoding.row)
        self._expected.discard(decoding)
        self._changed.notify_all()

    def _at_leisure(self) -> bool:
        """Whether everyone has sound for a while."""
        soon = time.monotonic() + _LEISURE_S
        return all(decoding.deadline > soon for decoding in self._speaking)

    def _is_next(self, wish: _Wish) -> bool:
        if self._busy:
            return False
        return wish is min((*self._turns, *self._tokens), key=lambda waiting: waiting.deadline, default=None)

    def _step(self) -> None:
        """One step for all that wait for a token. Called with the lock held, which is free while it computes."""
        wishes, self._tokens = self._tokens, []
        decodings = [wish.decoding for wish in wishes]
        ahead = [wish.ahead for wish in wishes if wish.ahead in self._ahead] if self._at_leisure() else []
        self._busy = True
        self._changed.release()
        error: BaseException | None = None
        spoiled = False
        try:
            try:
                self._compute([*decodings, *ahead])
            except NotANumber:
                if not ahead:
                    raise
                spoiled = True
                self._compute(decodings)
        except BaseException as caught:  # noqa: BLE001  it goes to all whose step this was
            error = caught
        finally:
            self._changed.acquire()
            self._busy = False
            for decoding in ahead if spoiled else ():
                self._leave(decoding)
            for wish in wishes:
                wish.granted, wish.error = True, error
            self._changed.notify_all()

    def _compute(self, decodings: list[Sequence]) -> None:
        decode_one_token(self._gpt, sorted(decodings, key=lambda decoding: decoding.row))

"""A prebuffer that holds back as much as the measured speed of the engine asks for.

Pure: times are passed in, and nothing here waits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from .prebuffer import Moment
from .speed_model import SpeedModel
from .stats import AUDIBLE_GAP_S

MAX_HOLD_S = 20.0
"""No reply is held back for longer, although it will have gaps: clients give up when a server is silent for 30 s."""

LATE_TEXT_S = 1.0
"""When the engine is slower than speech and the text is late: how long to wait for more before releasing."""

_CHAR_S = 0.065
"""Seconds of speech per character, for a voice that has not spoken yet."""

_SEGMENT_CHARS = 80
"""Expected length of the segments that waiting text will become."""

_MORE_TEXT = 1.5
"""While text is arriving: how much more to expect, relative to what has arrived."""

_HORIZON_S = 300.0
"""How much speech to plan for."""

_SAFETY = 2.7
"""How many standard deviations worse than expected to plan for."""

_LENGTH_SPREAD = 0.1
"""Standard deviation of the length of speech, relative to the length predicted from the text."""

_DRIFT = 0.25
"""Share of the speed's variance that is drift; the rest is independent from piece to piece."""

_DRIFT_S = 5.0
"""Seconds of sound for which a drift lasts."""

_UNSURE = 0.25
"""Standard deviation of a speed measured over one second of sound or less, relative to it."""

_NOTHING_S = 0.01


class AutoPrebuffer:
    """Releases sound once it is likely to last until the end of the reply, at the speed that is measured.

    It decides again for each segment. A segment is held back if playback has run dry, or is all but certain to run dry
    within it, so that the pause falls between sentences.
    """

    def __init__(self, model: SpeedModel) -> None:
        self._model = model
        self._chars = 0  # in segments that have begun
        self._segment_chars = 0
        self._made: list[float] = []  # seconds of sound in the segment's pieces so far
        self._first_piece_s = 0.0
        self._holding = True
        self._dry = True  # the listener hears nothing
        self._asked: float | None = None  # when this hold began
        self._ends = -math.inf  # when the listener will have heard everything that was released

    def begin_segment(self, chars: int) -> None:
        """Learn from the last segment, and hold this one back if need be."""
        if self._made and self._segment_chars:
            self._model.char_s.add(sum(self._made) / self._segment_chars, self._segment_chars)
        self._model.speaking.add(self)
        self._chars += chars
        self._segment_chars = chars
        self._made = []
        self._holding, self._dry, self._asked = True, False, self._asked if self._holding else None

    def add_piece(self, sound_s: float, took_s: float) -> None:
        """Learn the speed."""
        if sound_s > 0:
            self._model.learn(self._made, sound_s, took_s, following=self._chars > self._segment_chars)
            if not self._made:
                self._first_piece_s = took_s
            self._made.append(sound_s)

    def release(self, moment: Moment) -> bool:
        """Whether playback would last; if so, everything up to the end of the segment is released."""
        if self._holding:
            self._holding = not self._lasts(moment)
        if not self._holding:
            self._ends = max(moment.now, self._ends) + moment.held_s
        return not self._holding

    def end(self) -> None:
        """Stop counting this reply as being spoken."""
        self._model.speaking.discard(self)

    def _lasts(self, moment: Moment) -> bool:
        if moment.starved_s:
            self.end()
            return (self._model.rtf.mean or 0.0) <= 1 or moment.starved_s >= LATE_TEXT_S
        if self._asked is None:
            self._asked = moment.now
        if moment.now - self._asked >= MAX_HOLD_S:
            return True
        self._dry = self._dry or moment.now >= self._ends
        ahead = moment.held_s + max(0.0, self._ends - moment.now)
        return ahead >= self._needed(moment, _SAFETY if self._dry else -1.0)

    def _needed(self, moment: Moment, safety: float) -> float:
        """Seconds of sound that must be there for playback to begin now and last.

        Plans the rest of the reply piece by piece. Each chunk has to be full before those ahead of it have been heard;
        the result is the most that one of them would come too late, `safety` standard deviations worse than expected.
        """
        model, chunk_s = self._model, moment.held_s / moment.chunks
        first_piece_s = self._first_piece_s if model.first_piece_s.mean is None else model.first_piece_s.mean
        rtf, speed_variance = self._rtf(), model.rtf.variance
        noise, drift = (1 - _DRIFT) * speed_variance, _DRIFT * speed_variance
        unsure = (_UNSURE * rtf / (1 + model.rtf.weight)) ** 2
        slower = max(rtf - 1, 0.0)
        needed, work_s, made_s, later_s, variance = -math.inf, 0.0, moment.pending_s, 0.0, 0.0

        def late(chunks: float) -> float:
            lasting = (drift * min(later_s, _DRIFT_S) + unsure * later_s) * later_s
            return work_s + safety * math.sqrt(variance + lasting) - chunks * chunk_s

        index = len(self._made)
        for length_s, unmade_s in self._segments(moment):
            left_s = unmade_s
            while left_s > _NOTHING_S:
                piece_s = min(model.piece_s(index), left_s)
                if index:
                    work_s += rtf * piece_s
                    later_s += piece_s
                    variance += noise * piece_s**2
                else:
                    work_s += first_piece_s
                full = made_s // chunk_s
                made_s += piece_s
                if made_s // chunk_s > full:
                    needed = max(needed, late(full))
                left_s -= piece_s
                index += 1
            variance += (_LENGTH_SPREAD * slower * length_s) ** 2
            index = 0
        return max(needed, late(made_s // chunk_s)) - AUDIBLE_GAP_S

    def _segments(self, moment: Moment) -> Iterator[tuple[float, float]]:
        """Seconds of speech in this segment and the expected ones, and how many of them are still to be made."""
        char_s = self._model.char_s.mean or _CHAR_S
        length_s = char_s * self._segment_chars
        yield length_s, max(0.0, length_s - sum(self._made))
        more = float(moment.waiting_chars)
        if not moment.complete:
            more += _MORE_TEXT * (self._chars + more)
        more = min(more, _HORIZON_S / char_s)
        for start in range(0, round(more), _SEGMENT_CHARS):
            length_s = char_s * min(_SEGMENT_CHARS, more - start)
            yield length_s, length_s

    def _rtf(self) -> float:
        """As learnt or, before the engine's second piece of sound, that of the first."""
        rtf = self._model.rtf.mean
        return self._first_piece_s / (sum(self._made) or self._model.piece_s(0)) if rtf is None else rtf

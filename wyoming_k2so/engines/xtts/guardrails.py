"""Guardrails against sounds that XTTS invents: plain punctuation, a token budget, an end to loops, a trimmed tail.

Each works by itself and can be switched off; none needs the model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from wyoming_k2so.engine import Samples

_SECONDS_PER_TOKEN = 1024 / 22050

_CHARS_PER_SECOND = {"zh": 4.5, "ja": 6.5, "ko": 5.5, "hi": 11.0, "ar": 10.0}
"""Slow, careful speech by language; 12 elsewhere."""

_QUOTES = re.compile(r"[\"“”„«»‹›`´\[\](){}<>*_~|\\^]+")
_DASHES = re.compile(r"\s*(?:-*[—–―](?:\s*[-—–―](?!\d))*|(?<=\s)-+(?=\s)|--+)\s*")
_ENDS = re.compile(r"[.!?。！？…]*[!?！？][.!?。！？…]*")
_DOTS = re.compile(r"[.…]{2,}|…")
_STRAY = re.compile(
    r"[^\w\s.,;:!?'’\-—–―…。，、！？；：・%&@#°$€£+=/।؟،؛\u0300-\u036f\u0900-\u0983\u093c-\u094d\u0951-\u0957]"
)
_SPACES = re.compile(r"\s+")
_SPACE_BEFORE = re.compile(r"\s+(?=[.,;:!?。！？…])")
_START = re.compile(r"^[\s.,;:!?。，、！？；：-]+")
_TWICE = re.compile(r"([,;:])[,;:]+")
_DANGLING = re.compile(r"[\s,;:，、；：-]+$")
_FULL_STOP = {"zh": "。", "ja": "。", "hi": "।"}


def plain(text: str, language: str) -> str:
    """Keep words and plain punctuation, and end with a mark, so that the model knows where to stop.

    Drops quotes and brackets, turns dashes into commas, `?!"` into `?` and several dots into one.
    """
    text = _QUOTES.sub(" ", text)
    text = _STRAY.sub(" ", text)
    text = _DASHES.sub(", ", text)
    text = _SPACE_BEFORE.sub("", _SPACES.sub(" ", text)).strip()
    text = _DOTS.sub(".", text)
    text = _ENDS.sub(lambda match: next(mark for mark in match[0] if mark in "!?！？"), text)
    text = _START.sub("", text)
    text = _TWICE.sub(r"\1", text)
    text = _DANGLING.sub("", text)
    if text and text[-1] not in ".!?。！？।؟":
        text += _FULL_STOP.get(language.partition("-")[0], ".")
    return text


def expected_seconds(text: str, language: str) -> float:
    """How long `text` takes in slow, careful speech at normal speed. Digits and symbols count as words."""
    chars = sum(6 if char.isdigit() or char in "%&@#°$€£+=" else 1 for char in text)
    return chars / _CHARS_PER_SECOND.get(language.partition("-")[0], 12.0)


def token_budget(text: str, language: str) -> int:
    """The most tokens that `text` can plausibly need: twice slow speech, plus a second."""
    return math.ceil((2 * expected_seconds(text, language) + 1) / _SECONDS_PER_TOKEN)


def loop_length(codes: Sequence[int]) -> int:
    """How many codes at the end repeat earlier ones; 0 if there is no loop.

    A loop is a pattern of up to 12 codes that occurs at least four times in a row and takes at least 24 codes (1.1 s).
    """
    for period in range(1, 13):
        repeats = max(4, math.ceil(24 / period))
        span = period * repeats
        if len(codes) < span:
            continue
        tail = codes[-span:]
        if all(tail[index] == tail[index + period] for index in range(span - period)):
            return span - period
    return 0


class TailTrimmer:
    """Holds back silence until sound follows it, so that trailing silence can be dropped; ends at a late pause.

    Times are those of the sound as played. Once there has been as much sound as the text can need, a long pause is the
    end: what XTTS says after it was not in the text.
    """

    _FRAME = 256  # the vocoder's hop, so that nothing waits for the rest of a frame

    def __init__(
        self, rate: int, *, expected_s: float, keep_s: float = 0.15, pause_s: float = 0.35, floor: float = 0.004
    ) -> None:
        """`expected_s`: a pause of `pause_s` after it is the end; `floor`: the RMS below which a frame is silent."""
        self._expected = int(expected_s * rate)
        self._keep, self._pause = int(keep_s * rate), int(pause_s * rate)
        self._floor = floor
        self._held: list[Samples] = []
        self._silent = 0  # samples held back
        self._passed = 0  # samples returned
        self._rest: Samples = np.zeros(0, np.float32)
        self.ended = False
        """Whether the text has been spoken, so that the rest can be dropped."""

    @property
    def heard(self) -> bool:
        """Whether there has been any sound."""
        return self._passed > 0

    def feed(self, samples: Samples) -> Samples:
        """Take samples and return those that can be played now."""
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // self._FRAME * self._FRAME
        self._rest = samples[whole:]
        out: list[Samples] = []
        frames = samples[:whole].reshape(-1, self._FRAME)
        loud = np.sqrt((frames**2).mean(axis=1)) > self._floor
        for frame, is_loud in zip(frames, loud, strict=True):
            if self.ended:
                break
            if not is_loud:
                self._held.append(frame)
                self._silent += len(frame)
                continue
            if self._silent >= self._pause and self._passed >= self._expected:
                self.ended = True
                break
            out += [*self._held, frame]
            self._passed += self._silent + len(frame)
            self._held, self._silent = [], 0
        return np.concatenate(out) if out else np.zeros(0, np.float32)

    def finish(self) -> Samples:
        """Return the end of the sound, with a short silence at most."""
        if not self.ended and len(self._rest) and float(np.sqrt((self._rest**2).mean())) > self._floor:
            out = [*self._held, self._rest]
        else:
            out = [np.concatenate([*self._held, np.zeros(0, np.float32)])[: self._keep]]
        self._held, self._rest = [], np.zeros(0, np.float32)
        return np.concatenate(out) if out else np.zeros(0, np.float32)

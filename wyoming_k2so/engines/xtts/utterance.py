"""One reply in one voice: segments in, sound out as the GPT's latents come."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from wyoming_k2so.engine import EngineError, Request, Samples
from wyoming_k2so.engines.xtts.model.gpt import KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.scheduling.prefetch import Part, Prefetch, Reading
from wyoming_k2so.engines.xtts.scheduling.scheduler import Make
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence
from wyoming_k2so.engines.xtts.scheduling.vocoder_stream import VocoderStream
from wyoming_k2so.engines.xtts.settings import XttsSettings

from . import guardrails
from .kernels import quant

if TYPE_CHECKING:
    from wyoming_k2so.engines.xtts.weights.loading import Model

    from .engine import Prepared, XttsEngine

_PROMPT_S = 0.3
"""Those who speak may get so much sound in hand before a newcomer is helped to the first."""

_NOTHING: Samples = np.zeros(0, np.float32)


class XttsUtterance:
    """The state of one request."""

    def __init__(
        self,
        model: Model,
        voice: Prepared,
        request: Request,
        *,
        settings: XttsSettings,
        sampling: Sampling,
        engine: XttsEngine,
    ) -> None:
        self._model, self._voice, self._request = model, voice, request
        self._settings, self._sampling, self._engine = settings, sampling, engine
        self._seed = secrets.randbits(62) if request.seed is None else request.seed
        self._batch = engine.batch
        # Looking at the codes waits for the device: on CUDA, only once per window.
        self._block = min(settings.vocoder_windows) if model.device.type == "cuda" else 1
        self._ahead = Prefetch(engine.batch, self._block)
        self._runs_dry: float | None = None
        """When the listener will have heard all sound so far; None before there is any."""

        self._reading: Reading | None = None
        self._closed = False

    @property
    def rate(self) -> int:
        """Samples per second."""
        return self._model.architecture.output_sample_rate

    def say(self, segment: str) -> Generator[Samples]:
        """Yield a segment's sound. Pieces may be empty: they come once per token, so that a caller can cancel.

        Raises:
            EngineError: the segment cannot be spoken.
        """
        silent = True
        for part in self._parts(segment):
            silent = False
            yield from self._say(part)
        if silent:
            yield np.zeros(self.rate // 10, np.float32)

    def expect(self, segment: str) -> None:
        """Tell what will be said next: it is decoded along with what is being said now."""
        if not self._closed:
            self._ahead.expect(next(self._parts(segment), None))

    def say_exactly(self, segment: str, count: int) -> Generator[Samples]:
        """Yield the sound of exactly `count` codes, whatever the model would stop at: for measuring."""
        yield from self._generate(self._exactly(segment, count))

    def expect_exactly(self, segment: str, count: int) -> None:
        """Tell what `say_exactly` will be asked for next."""
        self._ahead.expect(self._exactly(segment, count))

    def interrupt(self) -> None:
        """A reply that speaks along with others may wait long for its turn, and need not any more."""
        self._closed = True
        if (reading := self._reading) is not None:
            self._batch.abandon(reading.decoding)

    def close(self) -> None:
        """Refuse further segments."""
        self._closed = True
        self._ahead.expect(None)

    def _parts(self, segment: str) -> Iterator[Part]:
        """What XTTS reads one by one; nothing where there are no words."""
        settings, language = self._settings, self._request.language
        text = guardrails.plain(segment, language) if settings.plain_punctuation else segment
        if not any(character.isalnum() for character in text):
            return
        for tokens, piece in self._split(text, language):
            limit = self._model.architecture.max_new_tokens
            if settings.token_budget:
                limit = min(limit, guardrails.token_budget(piece, language))
            yield Part(piece, tuple(tokens), limit, stop_loops=settings.stop_loops)

    def _split(self, text: str, language: str) -> Iterator[tuple[list[int], str]]:
        """The text and its tokens, in halves where it has more tokens than XTTS reads (numbers grow when read out)."""
        tokens = self._model.tokenizer.encode(text, language)
        if len(tokens) <= self._model.architecture.gpt_max_text_tokens:
            yield tokens, text
            return
        space = text.rfind(" ", 1, len(text) // 2 + 1)
        cut = space if space > 0 else len(text) // 2
        if not cut:
            raise EngineError("This text is too long for XTTS; put spaces into it.")
        yield from self._split(text[:cut].strip(), language)
        yield from self._split(text[cut:].strip(), language)

    def _say(self, part: Part) -> Generator[Samples]:
        sound = self._generate(part)
        if not self._settings.trim_tail:
            yield from sound
            return
        expected_s = guardrails.expected_seconds(part.text, self._request.language) / self._request.speed
        trimmer = guardrails.TailTrimmer(self.rate, expected_s=expected_s)
        for piece in sound:
            yield trimmer.feed(piece) if len(piece) else piece
            if trimmer.ended:
                sound.close()
                break
        if not trimmer.heard:
            raise EngineError("XTTS made no sound of this segment; another seed or another voice may.")
        yield trimmer.finish()

    def _generate(self, part: Part) -> Generator[Samples]:
        """Sound as the vocoder makes it; an empty piece after each block of codes that fills no window."""
        self._check_wanted()
        model = self._model
        windows = self._settings.vocoder_windows
        stream = VocoderStream(
            model.vocoder, self._voice.timbre, model.architecture, windows=windows, speed=self._request.speed
        )
        reading = self._ahead.take(part) or Reading(part, self._batch.begin(self._make(part)), self._block)
        self._reading = reading
        try:
            self._check_wanted()
            yield from self._decode(reading, stream)
        except quant.NotANumber as error:
            self._engine.distrust(model, str(error))
            raise EngineError(f"XTTS in {model.mode} failed: {error}.") from error
        finally:
            self._reading = None
            self._batch.end(reading.decoding)

    def _decode(self, reading: Reading, stream: VocoderStream) -> Generator[Samples]:
        batch, decoding, block = self._batch, reading.decoding, self._block
        now = time.monotonic()
        decoding.deadline = now + _PROMPT_S if self._runs_dry is None else max(now, self._runs_dry)
        batch.read(decoding)
        start = 0
        while start != reading.end:
            while reading.end is None and decoding.count < start + block and not decoding.full:
                batch.advance(decoding, self._ahead.along(decoding, self._make))
            reading.look()
            stop = min(start + block, decoding.count if reading.end is None else reading.end)
            latents, start = decoding.latents[start:stop], stop
            ended = start == reading.end
            if not (ended or stream.due(len(latents))):
                stream.feed(latents)
                yield _NOTHING
                continue
            with batch.alone(decoding):
                pieces = [stream.feed(latents), stream.finish() if ended else None]
            for piece in pieces:
                if piece is not None:
                    samples = _numpy(piece)
                    self._runs_dry = max(self._runs_dry or 0.0, time.monotonic()) + len(samples) / self.rate
                    decoding.deadline = self._runs_dry
                    yield samples

    def _check_wanted(self) -> None:
        if self._closed:
            raise EngineError("The reply is over; begin another.")

    def _make(self, part: Part) -> Make:
        model = self._model

        def make(cache: KVCache, row: int) -> Sequence:
            generator = self._generator(part.text)
            decoding = Sequence(model.gpt, cache, row, self._sampling, generator, limit=part.limit, exact=part.exact)
            decoding.begin(self._voice.prefix, torch.tensor(part.tokens, device=model.device))
            return decoding

        return make

    def _exactly(self, segment: str, count: int) -> Part:
        return Part(segment, tuple(self._model.tokenizer.encode(segment, self._request.language)), count, exact=True)

    def _generator(self, text: str) -> torch.Generator:
        """Random numbers that depend on the reply's seed and the segment: spoken once more, it sounds the same."""
        digest = hashlib.sha256(f"{self._seed}\0{text}".encode()).digest()
        return torch.Generator(self._model.device).manual_seed(int.from_bytes(digest[:7], "big"))


def _numpy(samples: Tensor) -> Samples:
    array: Samples = samples.float().cpu().numpy()
    if not np.isfinite(array).all():
        raise quant.NotANumber
    return array

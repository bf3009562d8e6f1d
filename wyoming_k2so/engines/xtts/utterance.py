"""One reply in one voice: segments in, sound out as the GPT's latents come."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...config import XttsConfig
from ...engine import EngineError, Request, Samples
from . import hygiene, quant
from .decode import Decoding
from .sampling import Sampling
from .stream import VocoderStream

if TYPE_CHECKING:
    from .engine import Prepared, XttsEngine
    from .loading import Model

_LOGGER = logging.getLogger(__name__)

_NOTHING: Samples = np.zeros(0, np.float32)


class XttsUtterance:
    """The state of one request."""

    def __init__(
        self,
        model: Model,
        voice: Prepared,
        request: Request,
        *,
        settings: XttsConfig,
        sampling: Sampling,
        engine: XttsEngine,
    ) -> None:
        self._model, self._voice, self._request = model, voice, request
        self._settings, self._sampling, self._engine = settings, sampling, engine
        seed = settings.seed if request.seed is None else request.seed
        self._seed = secrets.randbits(62) if seed is None else seed
        self._batch = engine.batch
        self._runs_dry = 0.0
        """When the listener will have heard all sound so far; before there is any, at once."""

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
        language = self._request.language
        text = hygiene.plain(segment, language) if self._settings.plain_punctuation else segment
        if not any(character.isalnum() for character in text):
            yield np.zeros(self.rate // 10, np.float32)
            return
        for tokens, part in self._split(text, language):
            yield from self._say(tokens, part, language)

    def say_exactly(self, segment: str, count: int) -> Generator[Samples]:
        """Yield the sound of exactly `count` codes, whatever the model would stop at: for measuring."""
        tokens = self._model.tokenizer.encode(segment, self._request.language)
        yield from self._generate(tokens, self._generator(segment), count, exact=True)

    def close(self) -> None:
        """Refuse further segments."""
        self._closed = True

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

    def _say(self, tokens: list[int], text: str, language: str) -> Generator[Samples]:
        settings, speed = self._settings, self._request.speed
        limit = self._model.architecture.max_new_tokens
        if settings.token_budget:
            limit = min(limit, hygiene.token_budget(text, language))
        sound = self._generate(tokens, self._generator(text), limit)
        if not settings.trim_tail:
            yield from sound
            return
        expected_s = hygiene.expected_seconds(text, language) / speed
        trimmer = hygiene.TailTrimmer(self.rate, expected_s=expected_s)
        for piece in sound:
            yield trimmer.feed(piece) if len(piece) else piece
            if trimmer.ended:
                sound.close()
                break
        if not trimmer.heard:
            raise EngineError("XTTS made no sound of this segment; another seed or another voice may.")
        yield trimmer.finish()

    def _generate(
        self, tokens: list[int], generator: torch.Generator, limit: int, *, exact: bool = False
    ) -> Generator[Samples]:
        """Sound as the vocoder makes it; an empty piece after each block of codes that fills no window."""
        if self._closed:
            raise EngineError("The reply is over; begin another.")
        self._engine.check_open()
        model = self._model
        windows = self._settings.vocoder_windows
        stream = VocoderStream(
            model.vocoder, self._voice.timbre, model.architecture, windows=windows, speed=self._request.speed
        )
        with self._batch.row() as (cache, row):
            decoding = Decoding(model.gpt, cache, row, self._sampling, generator, limit=limit, exact=exact)
            try:
                yield from self._decode(decoding, tokens, stream, exact=exact)
            except quant.NotANumber as error:
                self._engine.distrust(model, str(error))
                raise EngineError(f"XTTS in {model.mode} failed: {error}.") from error

    def _decode(
        self, decoding: Decoding, tokens: list[int], stream: VocoderStream, *, exact: bool
    ) -> Generator[Samples]:
        device, batch = self._model.device, self._batch
        # Looking at the codes waits for the device: on CUDA, only once per window.
        block = min(self._settings.vocoder_windows) if device.type == "cuda" else 1
        decoding.deadline = self._runs_dry
        with batch.alone(decoding):
            decoding.prefill(self._voice.prefix, torch.tensor(tokens, device=device))
        start, ended = 0, False
        while not ended:
            while decoding.count < start + block and not decoding.full:
                batch.advance(decoding)
            stop = decoding.stopped_at(start)
            end = decoding.count if stop is None else stop + 1
            ended = stop is not None or decoding.full or (not exact and self._loops(decoding, end))
            latents, start = decoding.latents[start:end], end
            if not (ended or stream.due(len(latents))):
                stream.feed(latents)
                yield _NOTHING
                continue
            with batch.alone(decoding):
                pieces = [stream.feed(latents), stream.finish() if ended else None]
            for piece in pieces:
                if piece is not None:
                    samples = _numpy(piece)
                    self._runs_dry = max(self._runs_dry, time.monotonic()) + len(samples) / self.rate
                    decoding.deadline = self._runs_dry
                    yield samples

    def _loops(self, decoding: Decoding, end: int) -> bool:
        if not self._settings.stop_loops or not hygiene.loop_length(decoding.codes[max(0, end - 60) : end].tolist()):
            return False
        _LOGGER.debug("The model repeats itself; the segment ends here")
        return True

    def _generator(self, text: str) -> torch.Generator:
        """Random numbers that depend on the reply's seed and the segment: spoken once more, it sounds the same."""
        digest = hashlib.sha256(f"{self._seed}\0{text}".encode()).digest()
        return torch.Generator(self._model.device).manual_seed(int.from_bytes(digest[:7], "big"))


def _numpy(samples: Tensor) -> Samples:
    array: Samples = samples.float().cpu().numpy()
    if not np.isfinite(array).all():
        raise quant.NotANumber
    return array

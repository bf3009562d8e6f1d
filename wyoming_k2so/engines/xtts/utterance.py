"""One reply in one voice: segments in, sound out as the GPT's latents come. Knows nothing of the engine."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Generator, Iterator

import numpy as np
import torch
from torch import Tensor

from wyoming_k2so.engine import EngineError, Request, Samples
from wyoming_k2so.engines.xtts.kernels.finite import NotFinite
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.xtts import XttsModel
from wyoming_k2so.engines.xtts.scheduling.prefetch import Prefetch, Prompt
from wyoming_k2so.engines.xtts.scheduling.scheduler import NewSequence, Scheduler
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence
from wyoming_k2so.engines.xtts.scheduling.vocoder_stream import VocoderStream
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.voices.prepared import PreparedVoice

from . import guardrails

_FIRST_SOUND_S = 0.3
"""The deadline of a new reply: others go first only while they have less sound left than this."""

_NOTHING: Samples = np.zeros(0, np.float32)


class XttsUtterance:
    """The state of one request."""

    def __init__(
        self,
        model: XttsModel,
        voice: PreparedVoice,
        request: Request,
        *,
        settings: XttsSettings,
        sampling: Sampling,
        scheduler: Scheduler,
        on_failure: Callable[[str], None],
    ) -> None:
        """`on_failure` is called with the reason when the model produces NaN or infinity."""
        self._model, self._voice, self._request = model, voice, request
        self._settings, self._sampling, self._scheduler = settings, sampling, scheduler
        self._on_failure = on_failure
        self._seed = secrets.randbits(62) if request.seed is None else request.seed
        # Looking at the codes waits for the device: on CUDA, do so only once per window.
        self._block = min(settings.vocoder_windows) if model.device.type == "cuda" else 1
        self._prefetch = Prefetch(scheduler, self._block)
        self._sound_until: float | None = None
        """When the listener will have heard all sound so far; None before there is any."""

        self._sequence: Sequence | None = None
        self._closed = False

    @property
    def rate(self) -> int:
        """Samples per second."""
        return self._model.architecture.output_sample_rate

    def say(self, segment: str) -> Generator[Samples]:
        """Yield a segment's sound. Pieces may be empty: there is one per token, so that the caller can cancel.

        Raises:
            EngineError: the segment cannot be spoken.
        """
        silent = True
        for prompt in self._prompts(segment):
            silent = False
            yield from self._say(prompt)
        if silent:
            yield np.zeros(self.rate // 10, np.float32)

    def expect(self, segment: str) -> None:
        """Announce the next segment: it is generated along with the present one."""
        if not self._closed:
            self._prefetch.expect(next(self._prompts(segment), None))

    def say_exactly(self, segment: str, count: int) -> Generator[Samples]:
        """Yield the sound of exactly `count` codes, ignoring stop codes: for measuring."""
        yield from self._generate(self._exactly(segment, count))

    def expect_exactly(self, segment: str, count: int) -> None:
        """Announce the next `say_exactly`."""
        self._prefetch.expect(self._exactly(segment, count))

    def interrupt(self) -> None:
        """Let `say` raise soon, even while it waits for its turn among other replies."""
        self._closed = True
        if (sequence := self._sequence) is not None:
            self._scheduler.abort(sequence)

    def close(self) -> None:
        """Refuse further segments."""
        self._closed = True
        self._prefetch.expect(None)

    def _prompts(self, segment: str) -> Iterator[Prompt]:
        """What XTTS reads one by one; nothing if there are no words."""
        settings, language = self._settings, self._request.language
        text = guardrails.plain(segment, language) if settings.plain_punctuation else segment
        if not any(character.isalnum() for character in text):
            return
        for tokens, piece in self._split(text, language):
            most = self._model.architecture.max_new_tokens
            if settings.token_budget:
                most = min(most, guardrails.token_budget(piece, language))
            yield Prompt(piece, tuple(tokens), most, stop_loops=settings.stop_loops)

    def _split(self, text: str, language: str) -> Iterator[tuple[list[int], str]]:
        """The text and its tokens, in halves if they are more than XTTS reads (numbers grow when spelled out)."""
        tokens = self._model.tokenizer.encode(text, language)
        if len(tokens) <= self._model.architecture.gpt_max_text_tokens:
            yield tokens, text
            return
        space = text.rfind(" ", 1, len(text) // 2 + 1)
        cut = space if space > 0 else len(text) // 2
        if not cut:
            raise EngineError("a word in this text is too long for XTTS; put spaces into it")
        yield from self._split(text[:cut].strip(), language)
        yield from self._split(text[cut:].strip(), language)

    def _say(self, prompt: Prompt) -> Generator[Samples]:
        sound = self._generate(prompt)
        if not self._settings.trim_tail:
            yield from sound
            return
        expected_s = guardrails.expected_seconds(prompt.text, self._request.language) / self._request.speed
        trimmer = guardrails.TailTrimmer(self.rate, expected_s=expected_s)
        for piece in sound:
            yield trimmer.feed(piece) if len(piece) else piece
            if trimmer.ended:
                sound.close()
                break
        if not trimmer.heard:
            raise EngineError("XTTS produced only silence for this segment; try another seed or voice")
        yield trimmer.finish()

    def _generate(self, prompt: Prompt) -> Generator[Samples]:
        """Sound as the vocoder makes it, and an empty piece for each block of codes that does not fill a window."""
        self._check_open()
        model = self._model
        windows = self._settings.vocoder_windows
        stream = VocoderStream(
            model.vocoder, self._voice.timbre, model.architecture, windows=windows, speed=self._request.speed
        )
        sequence = self._prefetch.take(prompt) or self._scheduler.add(self._new_sequence(prompt))
        self._sequence = sequence
        try:
            self._check_open()
            yield from self._decode(sequence, stream)
        except NotFinite as error:
            self._on_failure(str(error))
            raise EngineError(f"XTTS in {model.mode} failed: {error}") from error
        finally:
            self._sequence = None
            self._scheduler.remove(sequence)

    def _decode(self, sequence: Sequence, stream: VocoderStream) -> Generator[Samples]:
        scheduler, block = self._scheduler, self._block
        now = time.monotonic()
        sequence.deadline = now + _FIRST_SOUND_S if self._sound_until is None else max(now, self._sound_until)
        scheduler.prefill(sequence)
        start = 0
        while start != sequence.end:
            while sequence.end is None and sequence.count < start + block and not sequence.full:
                scheduler.decode(sequence, self._prefetch.advance(sequence, self._new_sequence))
            sequence.check_end(block)
            stop = min(start + block, sequence.count if sequence.end is None else sequence.end)
            latents, start = sequence.latents[start:stop], stop
            ended = start == sequence.end
            if not (ended or stream.due(len(latents))):
                stream.feed(latents)
                yield _NOTHING
                continue
            with scheduler.exclusive(sequence):
                pieces = [stream.feed(latents), stream.finish() if ended else None]
            for piece in pieces:
                if piece is not None:
                    samples = _numpy(piece)
                    self._sound_until = max(self._sound_until or 0.0, time.monotonic()) + len(samples) / self.rate
                    sequence.deadline = self._sound_until
                    yield samples

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError("this utterance is closed; open another one")

    def _new_sequence(self, prompt: Prompt) -> NewSequence:
        model = self._model

        def new(cache: KVCache, row: int) -> Sequence:
            sequence = Sequence(
                model.gpt,
                cache,
                row,
                self._sampling,
                self._generator(prompt.text),
                max_tokens=prompt.max_tokens,
                fixed_length=prompt.fixed_length,
                stop_loops=prompt.stop_loops,
            )
            sequence.start(self._voice.prefix, torch.tensor(prompt.tokens, device=model.device))
            return sequence

        return new

    def _exactly(self, segment: str, count: int) -> Prompt:
        tokens = self._model.tokenizer.encode(segment, self._request.language)
        return Prompt(segment, tuple(tokens), count, fixed_length=True)

    def _generator(self, text: str) -> torch.Generator:
        """Random numbers that depend on the reply's seed and the segment, so that it sounds the same when repeated."""
        digest = hashlib.sha256(f"{self._seed}\0{text}".encode()).digest()
        return torch.Generator(self._model.device).manual_seed(int.from_bytes(digest[:7], "big"))


def _numpy(samples: Tensor) -> Samples:
    array: Samples = samples.float().cpu().numpy()
    if not np.isfinite(array).all():
        raise NotFinite
    return array

"""From a checkpoint to a model that runs: in the precision asked for, or in the next safer one that passes its test."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts import guardrails
from wyoming_k2so.engines.xtts.kernels import quant
from wyoming_k2so.engines.xtts.model.gpt import Gpt, KVCache, load_gpt
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.model.vocoder import Vocoder, load_vocoder
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token
from wyoming_k2so.engines.xtts.scheduling.vocoder_stream import VocoderStream
from wyoming_k2so.engines.xtts.settings import XttsSettings

from .calibration import CalibrationTexts, speak_passages
from .checkpoint import Architecture, Checkpoint, Weights
from .convert import PROBE, Passage, build, convert, teacher_forced
from .memory import check_room, free_memory
from .out_of_memory import explain_out_of_memory
from .weight_cache import Damaged, Store, Stored

_LOGGER = logging.getLogger(__name__)

AGREEMENT = 0.98
"""Least cosine between latents and their float32 reference. int8 has 0.999, bf16 0.9999; a broken layer near 0."""

_VOICES = 8
"""Built-in speakers that calibration listens to."""

_PROBE_CODES = 12
_PROBE_TEXT = "The light is on."

Progress = Callable[[str, float], None]
"""Told what is being done and the share of it that is."""


class Unfit(EngineError):
    """A model did not pass its self-test; the message says why."""


@dataclass(frozen=True)
class Model:
    """The parts that every utterance shares."""

    architecture: Architecture
    tokenizer: TextTokenizer
    gpt: Gpt
    vocoder: Vocoder
    mode: str = "none"
    """One of quant.MODES: the GPT's."""

    probe: dict[str, Tensor] = field(default_factory=dict)
    """What the self-test compares with; empty at full precision."""

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.gpt.device

    @property
    def bytes(self) -> int:
        """Memory of the weights."""
        return quant.weight_bytes(self.gpt) + quant.weight_bytes(self.vocoder)


class Models:
    """Loads one checkpoint in any precision that the device runs well."""

    def __init__(
        self, checkpoint: Checkpoint, settings: XttsSettings, device: torch.device, cache: Path, sampling: Sampling
    ) -> None:
        """`cache`: folder for converted weights, made when needed."""
        self.checkpoint, self.device = checkpoint, device
        self.weights: Weights = checkpoint.weights()
        self.fingerprint = checkpoint.fingerprint()
        self._tokenizer = TextTokenizer(checkpoint.vocab)
        self._settings, self._sampling = settings, sampling
        self._store = Store(cache, self.fingerprint)

    def load(self, progress: Progress | None = None) -> tuple[Model, str]:
        """The model as configured, or the next safer one that passes the self-test, and why it is not as asked.

        Raises:
            EngineError: a precision was asked for that the device cannot run well, the checkpoint is damaged, or no
                precision passes.
        """
        mode = quant.resolve(self._settings.quantization, self.device)
        dtype = quant.resolve_vocoder(self._settings.vocoder_precision, self.device)
        return self._first_fit(mode, dtype, "", progress)

    def load_safer(self, model: Model, why: str) -> tuple[Model, str]:
        """The next safer model after one that failed in use. Raises EngineError when there is none."""
        mode = quant.safer(model.mode, self.device)
        if mode is None and model.vocoder.dtype == torch.float32:
            raise EngineError("XTTS fails even in full precision; check the checkpoint, or use --engine piper.")
        note = f"{model.mode} failed: {why}"
        _LOGGER.warning("XTTS in %s failed (%s); loading %s", model.mode, why, mode or "a float32 vocoder")
        return self._first_fit(mode or "none", torch.float32, note, None)

    def _first_fit(
        self, mode: str | None, dtype: torch.dtype, note: str, progress: Progress | None
    ) -> tuple[Model, str]:
        while mode is not None:
            model = self._make(mode, dtype, progress)
            try:
                self_test(model, self._sampling)
            except Unfit as error:
                del model
                free_memory()
                note = f"{mode} failed its self-test: {error}"
                mode, dtype = quant.safer(mode, self.device), torch.float32
                _LOGGER.warning("XTTS %s%s", note, f"; loading {mode}" if mode else "")
                continue
            return model, note
        raise EngineError(f"XTTS makes no sound from this checkpoint ({note}); use another, or --engine piper.")

    def _make(self, mode: str, dtype: torch.dtype, progress: Progress | None) -> Model:
        arch, tokenizer = self.checkpoint.architecture, self._tokenizer
        check_room(arch.weight_bytes(tokenizer.size, 1 if mode.startswith("int8") else 4 if mode == "none" else 2))
        gpt: Gpt
        with explain_out_of_memory():
            if mode == "none":
                gpt, probe = load_gpt(self.weights, arch, tokenizer.size), dict[str, Tensor]()
            else:
                gpt, probe = self._converted(mode, progress)
            vocoder = load_vocoder(self.weights, arch).prepare(dtype, self.device)
            free_memory()
            return Model(arch, tokenizer, gpt.prepare(self.device), vocoder, mode=mode, probe=probe)

    def _converted(self, mode: str, progress: Progress | None) -> tuple[Gpt, dict[str, Tensor]]:
        """The GPT and its probe, from the store or made and stored."""
        calibrated = mode == "int8-calibrated"
        texts = CalibrationTexts(self._settings.calibrate) if calibrated else None
        key = f"{mode}-{texts.digest}" if texts else mode
        try:
            if (stored := self._store.open(key)) is not None:
                return self._built(stored)
        except (Damaged, KeyError, ValueError) as error:
            _LOGGER.warning("The stored %s weights cannot be used and are made again: %s", mode, error)
        _LOGGER.info("Making %s weights from the checkpoint; the next start is quicker", mode)
        arch = self.checkpoint.architecture
        prompts = [latents for latents, _ in self.checkpoint.speakers().values()][:_VOICES] or [self._any_prompt()]
        samples: list[Passage] = []
        if texts is not None:
            plain, _ = self._converted("int8", progress)
            report = None if progress is None else lambda share: progress("listening", share)
            samples = speak_passages(plain, self._tokenizer, texts, prompts, self._sampling, report)
            del plain
        tensors = convert(
            self.weights,
            arch,
            self._tokenizer.size,
            mode,
            probe=self._probe(prompts[0]),
            samples=samples,
            progress=None if progress is None else lambda share: progress("converting", share),
        )
        del samples
        stored = self._store.save(key, tensors)
        if stored is None:
            return self._from_memory(tensors)
        del tensors
        free_memory()
        return self._built(stored)

    def _built(self, stored: Stored) -> tuple[Gpt, dict[str, Tensor]]:
        gpt = build(stored.names, stored.take, self.checkpoint.architecture, self._tokenizer.size, stored.view)
        probe = {name: stored.take(name) for name in stored.names if name.startswith(PROBE)}
        stored.forget()
        return gpt, probe

    def _from_memory(self, tensors: dict[str, Tensor]) -> tuple[Gpt, dict[str, Tensor]]:
        probe = {name: tensors.pop(name) for name in list(tensors) if name.startswith(PROBE)}
        gpt = build(list(tensors), tensors.pop, self.checkpoint.architecture, self._tokenizer.size)
        free_memory()
        return gpt, probe

    def _probe(self, prompt: Tensor) -> Passage:
        """A short passage. Its codes are arbitrary: any context tells a broken layer from a good one."""
        arch = self.checkpoint.architecture
        generator = torch.Generator().manual_seed(0)
        codes = torch.randint(0, arch.gpt_start_audio_token, (_PROBE_CODES,), generator=generator)
        codes[0] = arch.gpt_start_audio_token
        return Passage(prompt, torch.tensor(self._tokenizer.encode(_PROBE_TEXT, "en")), codes)

    def _any_prompt(self) -> Tensor:
        channels = self.checkpoint.architecture.gpt_n_model_channels
        return torch.randn(32, channels, generator=torch.Generator().manual_seed(0))


def agreement(gpt: Gpt, probe: dict[str, Tensor]) -> float:
    """Mean cosine between the latents of the probe and their float32 reference."""
    parts = {name.removeprefix(PROBE): tensor.to(gpt.device) for name, tensor in probe.items()}
    latents = teacher_forced(gpt, Passage(parts["prompt"], parts["text"], parts["codes"]))
    return float(torch.cosine_similarity(latents, parts["latents"]).mean())


def self_test(model: Model, sampling: Sampling) -> None:
    """Let the model say something. Raises Unfit when it is not fit to speak.

    It also warms up: the first call of each kernel is slower than the rest.
    """
    try:
        samples = _say_something(model, sampling)
    except quant.NotANumber as error:
        raise Unfit(str(error)) from error
    if float(samples.square().mean().sqrt()) < 1e-4:
        raise Unfit("its sound is silence")


@torch.inference_mode()
def _say_something(model: Model, sampling: Sampling) -> Tensor:
    arch, device = model.architecture, model.device
    if model.probe and not (found := agreement(model.gpt, model.probe)) >= AGREEMENT:
        raise Unfit(f"its latents agree with full precision only to {found:.3f}")
    prompt = model.probe.get(f"{PROBE}prompt", torch.randn(32, arch.gpt_n_model_channels)).to(device)
    text = torch.tensor(model.tokenizer.encode(_PROBE_TEXT, "en"), device=device)
    cache = KVCache(arch, 1, len(prompt) + len(text) + 40, device)
    decoding = Sequence(model.gpt, cache, 0, sampling, torch.Generator(device).manual_seed(0), limit=30, exact=True)
    decoding.prefill(model.gpt.prefix(prompt), text)
    while not decoding.full:
        decode_one_token(model.gpt, [decoding])
    if model.probe and guardrails.loop_length(decoding.codes.tolist()):  # the reference itself may loop
        raise Unfit("it repeats itself")
    timbre = model.vocoder.timbre(torch.full((arch.d_vector_dim, 1), arch.d_vector_dim**-0.5, device=device))
    stream = VocoderStream(model.vocoder, timbre, arch, windows=(7,), speed=1.0)
    first = cast("Tensor", stream.feed(decoding.latents[:10]))
    rest = cast("Tensor", stream.finish())
    samples = torch.cat([first, rest]).float()
    quant.check_numbers(samples)
    return samples

"""From a checkpoint to a model: in the precision asked for, or in the next safer one that passes the self-test."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.kernels import heap, precision
from wyoming_k2so.engines.xtts.model.gpt import Gpt
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.tokenizer import TextTokenizer
from wyoming_k2so.engines.xtts.model.torch_gpt import load_gpt
from wyoming_k2so.engines.xtts.model.vocoder import load_vocoder
from wyoming_k2so.engines.xtts.model.xtts import XttsModel
from wyoming_k2so.engines.xtts.settings import XttsSettings

from .calibration import CalibrationTexts, speak_passages
from .checkpoint import Checkpoint
from .convert import PROBE, Passage, build, convert
from .memory import check_memory
from .out_of_memory import explain_out_of_memory
from .self_test import TEXT, Unfit, self_test
from .weight_cache import CachedWeights, Damaged, WeightCache

_LOGGER = logging.getLogger(__name__)

_VOICES = 8
"""Built-in speakers for calibration."""

_PROBE_CODES = 12

Progress = Callable[[str, float], None]
"""Called with the step in progress and the share of it that is done."""


class ModelLoader:
    """Loads one checkpoint in any precision that the device runs well."""

    def __init__(
        self, checkpoint: Checkpoint, settings: XttsSettings, device: torch.device, cache: Path, sampling: Sampling
    ) -> None:
        """`cache`: folder for converted weights, created when needed."""
        self.checkpoint, self._device = checkpoint, device
        self.weights = checkpoint.weights()
        self.fingerprint = checkpoint.fingerprint()
        self._tokenizer = TextTokenizer(checkpoint.vocab)
        self._settings, self._sampling = settings, sampling
        self._cache = WeightCache(cache, self.fingerprint)

    def load(self, progress: Progress | None = None) -> tuple[XttsModel, str]:
        """The model as configured, or the next safer one that passes its self-test and the reason for it.

        Raises:
            EngineError: the device does not run the configured precision well, the checkpoint is damaged, or no
                precision passes.
        """
        mode = precision.resolve(self._settings.quantization, self._device)
        dtype = precision.resolve_vocoder(self._settings.vocoder_precision, self._device)
        return self._first_fit(mode, dtype, "", progress)

    def load_safer(self, model: XttsModel, why: str) -> tuple[XttsModel, str]:
        """The next safer model after one that failed in use, and the reason. Raises EngineError if there is none."""
        mode = precision.safer(model.mode, self._device)
        if mode is None and model.vocoder.dtype == torch.float32:
            raise EngineError("XTTS fails even in full precision; check the checkpoint, or use --engine piper")
        _LOGGER.warning("XTTS in %s failed (%s); loading %s", model.mode, why, mode or "a float32 vocoder")
        return self._first_fit(mode or "none", torch.float32, f"{model.mode} failed: {why}", None)

    def _first_fit(
        self, mode: str | None, dtype: torch.dtype, note: str, progress: Progress | None
    ) -> tuple[XttsModel, str]:
        while mode is not None:
            model = self._make(mode, dtype, progress)
            try:
                self_test(model, self._sampling)
            except Unfit as error:
                del model
                heap.trim()
                note = f"{mode} failed its self-test: {error}"
                mode, dtype = precision.safer(mode, self._device), torch.float32
                _LOGGER.warning("XTTS in %s%s", note, f"; loading {mode}" if mode else "")
                continue
            return model, note
        raise EngineError(f"XTTS cannot speak with this checkpoint ({note}); use another checkpoint, or --engine piper")

    def _make(self, mode: str, dtype: torch.dtype, progress: Progress | None) -> XttsModel:
        arch, tokenizer = self.checkpoint.architecture, self._tokenizer
        check_memory(arch.weight_bytes(tokenizer.size, 1 if mode.startswith("int8") else 4 if mode == "none" else 2))
        gpt: Gpt
        with explain_out_of_memory():
            if mode == "none":
                gpt, probe = load_gpt(self.weights, arch, tokenizer.size), dict[str, Tensor]()
            else:
                gpt, probe = self._converted(mode, progress)
            vocoder = load_vocoder(self.weights, arch).prepare(dtype, self._device)
            heap.trim()
            return XttsModel(arch, tokenizer, gpt.prepare(self._device), vocoder, mode=mode, probe=probe)

    def _converted(self, mode: str, progress: Progress | None) -> tuple[Gpt, dict[str, Tensor]]:
        """The GPT and its probe, from the cache or converted now."""
        calibrated = mode == "int8-calibrated"
        texts = CalibrationTexts(self._settings.calibrate) if calibrated else None
        key = f"{mode}-{texts.digest}" if texts else mode
        try:
            if (cached := self._cache.open(key)) is not None:
                return self._from_cache(cached)
        except (Damaged, KeyError, ValueError) as error:
            _LOGGER.warning("cannot use the cached %s weights, converting them again: %s", mode, error)
        _LOGGER.info("converting the checkpoint to %s; the next start will be faster", mode)
        arch = self.checkpoint.architecture
        prompts = [latents for latents, _ in self.checkpoint.speakers().values()][:_VOICES] or [self._any_prompt()]
        samples: list[Passage] = []
        if texts is not None:
            plain, _ = self._converted("int8", progress)
            report = None if progress is None else lambda share: progress("calibrating", share)
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
        cached = self._cache.save(key, tensors)
        if cached is None:
            return self._from_memory(tensors)
        del tensors
        heap.trim()
        return self._from_cache(cached)

    def _from_cache(self, cached: CachedWeights) -> tuple[Gpt, dict[str, Tensor]]:
        gpt = build(cached.names, cached.take, self.checkpoint.architecture, self._tokenizer.size, cached.view)
        probe = {name: cached.take(name) for name in cached.names if name.startswith(PROBE)}
        cached.drop_pages()
        return gpt, probe

    def _from_memory(self, tensors: dict[str, Tensor]) -> tuple[Gpt, dict[str, Tensor]]:
        probe = {name: tensors.pop(name) for name in list(tensors) if name.startswith(PROBE)}
        gpt = build(list(tensors), tensors.pop, self.checkpoint.architecture, self._tokenizer.size)
        heap.trim()
        return gpt, probe

    def _probe(self, prompt: Tensor) -> Passage:
        """A short passage. Its codes are arbitrary: any context tells a broken layer from a good one."""
        arch = self.checkpoint.architecture
        generator = torch.Generator().manual_seed(0)
        codes = torch.randint(0, arch.gpt_start_audio_token, (_PROBE_CODES,), generator=generator)
        codes[0] = arch.gpt_start_audio_token
        return Passage(prompt, torch.tensor(self._tokenizer.encode(TEXT, "en")), codes)

    def _any_prompt(self) -> Tensor:
        channels = self.checkpoint.architecture.gpt_n_model_channels
        return torch.randn(32, channels, generator=torch.Generator().manual_seed(0))

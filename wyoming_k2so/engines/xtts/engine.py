"""XTTS-v2 as an engine: puts checkpoint, voices, decoder and vocoder together. Knows nothing of sockets or chunks."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import torch
from torch import Tensor

from wyoming_k2so.engine import Attribution, EngineError, Request, Voice
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.vocoder import Timbre
from wyoming_k2so.engines.xtts.scheduling.scheduler import Scheduler
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.voices.encoder import Cloner, Conditioning
from wyoming_k2so.engines.xtts.voices.store import VoiceStore
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint, Defaults
from wyoming_k2so.engines.xtts.weights.loading import Model, Models, Progress
from wyoming_k2so.engines.xtts.weights.out_of_memory import explain_out_of_memory
from wyoming_k2so.engines.xtts.weights.source import checkpoint_folder
from wyoming_k2so.settings.config import Config

from .kernels import quant
from .utterance import XttsUtterance

_LOGGER = logging.getLogger(__name__)

_VOICES_KEPT = 16
"""Voices whose prompt stays in memory, 8 MB each."""


@dataclass(frozen=True)
class Prepared:
    """A voice, ready to speak."""

    prefix: Tensor
    """(L, 2, H, P, D): the GPT's keys and values of the conditioning latents."""

    timbre: Timbre


class XttsEngine:
    """A loaded checkpoint and its voices."""

    name = "xtts"
    description = "Coqui XTTS-v2, a multilingual model that clones voices"
    version = version("coqui-tts")
    attribution = Attribution("Coqui", "https://huggingface.co/coqui/XTTS-v2")

    def __init__(
        self,
        model: Model,
        store: VoiceStore,
        languages: Sequence[str],
        settings: XttsSettings,
        sampling: Sampling,
        models: Models | None = None,
        note: str = "",
        rows: int = 8,
    ) -> None:
        """`models`: where a safer model comes from when this one fails; `rows`: replies spoken at once."""
        self.model, self.sampling, self.note = model, sampling, note
        self._models = models
        self._failure: str | None = None
        self._stepping_down = threading.Lock()
        self._store, self._settings = store, settings
        self._languages = tuple(_tag(language) for language in languages)
        self._prepared: OrderedDict[str, tuple[object, Prepared]] = OrderedDict()
        self._lock = threading.Lock()
        self._rows = rows
        self._batch = self._new_batch()

    @classmethod
    @explain_out_of_memory()
    def load(cls, config: Config, progress: Progress | None = None) -> XttsEngine:
        """Find or fetch the checkpoint and load it. Takes seconds to minutes; call it off the event loop.

        Raises:
            ConsentNeeded: the checkpoint must be fetched and its licence was not agreed to.
            EngineError: it cannot be loaded.
        """
        settings = config.group(XttsSettings)
        checkpoint = Checkpoint(checkpoint_folder(config))
        device = _device(settings.device)
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        cache = config.engines.cache_dir.expanduser()
        sampling = _sampling(settings, checkpoint.defaults)
        models = Models(checkpoint, settings, device, cache / "xtts-quantized", sampling)
        model, note = models.load(progress)
        data = config.engines.data_dir.expanduser()
        store = VoiceStore(
            checkpoint.speakers(),
            (settings.voices_dir or data / "voices-xtts").expanduser(),
            cache=cache / "xtts-voices",
            cloner=Cloner(models.weights, checkpoint.architecture, checkpoint.defaults),
            fingerprint=models.fingerprint,
            languages=checkpoint.languages,
        )
        engine = cls(
            model,
            store,
            checkpoint.languages,
            settings,
            sampling,
            models,
            note,
            rows=config.server.max_streams,
        )
        if not engine.voices():
            raise EngineError(f"{checkpoint.folder} has no speakers; add speakers_xtts.pth, or clips in --voices-dir.")
        engine._warm_up()
        return engine

    @property
    def mode(self) -> str:
        """The GPT's precision."""
        return self.model.mode

    @property
    def modes(self) -> Mapping[str, str]:
        """What this device runs well."""
        return {mode.name: mode.note for mode in quant.modes(self.model.device) if mode.runs}

    @property
    def vocoder_modes(self) -> Mapping[str, str]:
        """Of the vocoder's precisions, likewise."""
        return {mode.name: mode.note for mode in quant.vocoder_modes(self.model.device) if mode.runs}

    def voices(self) -> Sequence[Voice]:
        """Cloned voices, then the checkpoint's own speakers."""
        clones = self._store.clones()
        names = {clone.name for clone in clones}
        return [
            *(self._voice(clone.name, clone.language, "cloned from your clips") for clone in clones),
            *(self._voice(name, None, "XTTS speaker") for name in self._store.built_in() if name not in names),
        ]

    def add_voice(self, name: str, language: str | None, clip: bytes) -> None:
        """Clone a voice from a clip. Takes seconds. Raises EngineError: it cannot be made, and nothing has changed."""
        self._store.add(name, language, clip)

    def remove_voice(self, name: str) -> None:
        """Remove a cloned voice. Raises EngineError: it cannot be removed."""
        self._store.remove(name)

    @property
    def cloner(self) -> Cloner:
        """What measures voices."""
        return self._store.cloner

    def conditioning(self, voice: str) -> Conditioning:
        """What the model knows of a voice. Raises EngineError when there is no such voice."""
        return self._store.conditioning(voice)

    def max_chars(self, language: str) -> int:
        """Coqui's limit for the language."""
        return self.model.tokenizer.max_chars(language)

    def open(self, request: Request) -> XttsUtterance:
        """Begin a reply. Cloning a voice that was never used before takes seconds here.

        Raises:
            EngineError: the voice cannot be used.
        """
        if self._failure is not None:
            self._step_down()
        model = self.model
        try:
            prepared = self._prepare(request.voice, model)
        except quant.NotANumber as error:
            self.distrust(model, str(error))
            self._step_down()
            model = self.model
            prepared = self._prepare(request.voice, model)
        return XttsUtterance(model, prepared, request, settings=self._settings, sampling=self.sampling, engine=self)

    def adjust(self, config: Config) -> None:
        """Speak with these settings of sampling from the next reply on."""
        self._settings = config.group(XttsSettings)
        if self._models is not None:
            self.sampling = _sampling(config.group(XttsSettings), self._models.checkpoint.defaults)

    def distrust(self, model: Model, why: str) -> None:
        """Note that a model computed what is no number: the next reply gets a safer one."""
        if model is self.model and self._models is not None:
            self._failure = why

    def _step_down(self) -> None:
        with self._stepping_down:
            if self._failure is None or self._models is None:
                return
            model, note = self._models.load_safer(self.model, self._failure)
            with self._lock:
                self._prepared.clear()
                self.model, self.note, self._failure = model, note, None
                self._batch = self._new_batch()

    @property
    def batch(self) -> Scheduler:
        """Where the model's replies meet."""
        return self._batch

    def _new_batch(self) -> Scheduler:
        arch = self.model.architecture
        positions = 32 + arch.gpt_max_text_tokens + 2 + arch.gpt_max_audio_tokens
        return Scheduler(self.model.gpt, self._rows, positions)

    def _prepare(self, name: str, model: Model) -> Prepared:
        conditioning = self._store.conditioning(name)
        with self._lock:
            kept = self._prepared.get(name)
            if kept is not None and kept[0] is conditioning:
                self._prepared.move_to_end(name)
                return kept[1]
        if not (conditioning.latents.isfinite().all() and conditioning.embedding.isfinite().all()):
            raise EngineError(f"The voice '{name}' holds values that are no numbers; make it again from other clips.")
        prefix = model.gpt.prefix(conditioning.latents.to(model.device))
        quant.check_numbers(prefix)
        prepared = Prepared(prefix, model.vocoder.timbre(conditioning.embedding.to(model.device)))
        with self._lock:
            if model is not self.model:
                return prepared
            self._prepared[name] = (conditioning, prepared)
            while len(self._prepared) > _VOICES_KEPT:
                self._prepared.popitem(last=False)
        return prepared

    def _voice(self, name: str, language: str | None, description: str) -> Voice:
        own = _tag(language) if language else self._languages[0]
        languages = (own, *(other for other in self._languages if other != own))
        return Voice(name, languages, description, self.attribution, language=language and own, version=self.version)

    def _warm_up(self) -> None:
        """Speak once into the void: the first call of each kernel is slower than the rest."""
        voice = next(iter(self._store.built_in()), None)
        if voice is None:
            return
        utterance = self.open(Request(voice, self._languages[0], seed=0))
        for piece in utterance.say("Ready."):
            if len(piece):
                break
        utterance.close()


def _device(wanted: str) -> torch.device:
    if wanted == "cuda" and not torch.cuda.is_available():
        raise EngineError("There is no CUDA device that torch can use; install a driver, or use --device cpu.")
    use_cuda = wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if use_cuda else "cpu")


def _sampling(settings: XttsSettings, defaults: Defaults) -> Sampling:
    def chosen(name: str) -> float:
        value = getattr(settings, name)
        return float(getattr(defaults, name) if value is None else value)

    return Sampling(
        chosen("temperature"), int(chosen("top_k")), chosen("top_p"), chosen("repetition_penalty"), settings.greedy
    )


def _tag(language: str) -> str:
    """Coqui's spelling -> BCP 47: `zh-cn` -> `zh-CN`."""
    base, _, region = language.replace("_", "-").partition("-")
    return f"{base.lower()}-{region.upper()}" if region else base.lower()

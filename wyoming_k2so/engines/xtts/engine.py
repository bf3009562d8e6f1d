"""XTTS-v2 behind the engine seam: puts model, voices and scheduler together. Knows nothing of sockets or chunks."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import torch

from wyoming_k2so.engine import Attribution, EngineError, Request, Voice
from wyoming_k2so.engines.xtts.kernels import precision
from wyoming_k2so.engines.xtts.kernels.finite import NotFinite
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.xtts import XttsModel
from wyoming_k2so.engines.xtts.scheduling.scheduler import Scheduler
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.voices.encoder import Conditioning, VoiceEncoder
from wyoming_k2so.engines.xtts.voices.prepared import PreparedVoices
from wyoming_k2so.engines.xtts.voices.store import VoiceStore
from wyoming_k2so.engines.xtts.weights.checkpoint import Checkpoint, Defaults
from wyoming_k2so.engines.xtts.weights.loading import ModelLoader, Progress
from wyoming_k2so.engines.xtts.weights.out_of_memory import explain_out_of_memory
from wyoming_k2so.engines.xtts.weights.source import checkpoint_folder
from wyoming_k2so.settings.config import Config

from .utterance import XttsUtterance


@dataclass(frozen=True)
class _Loaded:
    """A model, and what belongs to no other one."""

    model: XttsModel
    voices: PreparedVoices
    scheduler: Scheduler


class XttsEngine:
    """A loaded checkpoint and its voices."""

    name = "xtts"
    description = "Coqui XTTS-v2, a multilingual model that clones voices"
    version = version("coqui-tts")
    attribution = Attribution("Coqui", "https://huggingface.co/coqui/XTTS-v2")

    def __init__(
        self,
        model: XttsModel,
        store: VoiceStore,
        languages: Sequence[str],
        settings: XttsSettings,
        sampling: Sampling,
        loader: ModelLoader | None = None,
        note: str = "",
        rows: int = 8,
    ) -> None:
        """`loader`: loads a safer model if this one fails; `rows`: how many replies may speak at once."""
        self.sampling, self.note = sampling, note
        self._store, self._settings, self._loader, self._rows = store, settings, loader, rows
        self._languages = tuple(_tag(language) for language in languages)
        self._failure: str | None = None
        self._stepping_down = threading.Lock()
        self._loaded = self._with(model)

    @classmethod
    @explain_out_of_memory()
    def load(cls, config: Config, progress: Progress | None = None) -> XttsEngine:
        """Find or download the checkpoint and load it. Takes seconds to minutes; call it off the event loop.

        Raises:
            ConsentNeeded: the checkpoint must be downloaded, and its licence has not been accepted.
            EngineError: it cannot be loaded.
        """
        settings = config.group(XttsSettings)
        checkpoint = Checkpoint(checkpoint_folder(config))
        device = _device(settings.device)
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        cache = config.engines.cache_dir.expanduser()
        sampling = _sampling(settings, checkpoint.defaults)
        loader = ModelLoader(checkpoint, settings, device, cache / "xtts-quantized", sampling)
        model, note = loader.load(progress)
        data = config.engines.data_dir.expanduser()
        store = VoiceStore(
            checkpoint.speakers(),
            (settings.voices_dir or data / "voices-xtts").expanduser(),
            cache=cache / "xtts-voices",
            encoder=VoiceEncoder(loader.weights, checkpoint.architecture, checkpoint.defaults),
            fingerprint=loader.fingerprint,
            languages=checkpoint.languages,
        )
        rows = config.server.max_streams
        engine = cls(model, store, checkpoint.languages, settings, sampling, loader, note, rows)
        if not engine.voices():
            raise EngineError(
                f"checkpoint {checkpoint.folder} has no speakers; add speakers_xtts.pth to it, or clips to --voices-dir"
            )
        engine._warm_up()
        return engine

    @property
    def model(self) -> XttsModel:
        """The model that speaks now."""
        return self._loaded.model

    @property
    def mode(self) -> str:
        """The GPT's precision."""
        return self.model.mode

    @property
    def modes(self) -> Mapping[str, str]:
        """The precisions that this device runs well, each with what it costs and gains."""
        return {mode.name: mode.note for mode in precision.modes(self.model.device) if mode.supported}

    @property
    def vocoder_modes(self) -> Mapping[str, str]:
        """The same for the vocoder."""
        return {mode.name: mode.note for mode in precision.vocoder_modes(self.model.device) if mode.supported}

    def voices(self) -> Sequence[Voice]:
        """Cloned voices, then the checkpoint's speakers."""
        clones = self._store.clones()
        names = {clone.name for clone in clones}
        return [
            *(self._voice(clone.name, clone.language, "cloned from your clips") for clone in clones),
            *(self._voice(name, None, "XTTS speaker") for name in self._store.built_in() if name not in names),
        ]

    def add_voice(self, name: str, language: str | None, clip: bytes) -> None:
        """Clone a voice from a clip. Takes seconds. Raises EngineError if that fails; nothing has changed then."""
        self._store.add(name, language, clip)

    def remove_voice(self, name: str) -> None:
        """Remove a cloned voice. Raises EngineError if that fails."""
        self._store.remove(name)

    @property
    def encoder(self) -> VoiceEncoder:
        """Computes the conditioning of voices, and speaker embeddings."""
        return self._store.encoder

    def conditioning(self, voice: str) -> Conditioning:
        """The conditioning of a voice. Raises EngineError if there is no such voice."""
        return self._store.conditioning(voice)

    def max_chars(self, language: str) -> int:
        """Coqui's limit for the language."""
        return self.model.tokenizer.max_chars(language)

    def open(self, request: Request) -> XttsUtterance:
        """Begin a reply. The first use of a cloned voice takes seconds.

        Raises:
            EngineError: the voice cannot be used.
        """
        if self._failure is not None:
            self._step_down()
        loaded = self._loaded
        try:
            return self._open(loaded, request)
        except NotFinite as error:
            self._report(loaded, str(error))
            self._step_down()
            return self._open(self._loaded, request)

    def adjust(self, config: Config) -> None:
        """Use these sampling settings from the next reply on."""
        self._settings = config.group(XttsSettings)
        if self._loader is not None:
            self.sampling = _sampling(config.group(XttsSettings), self._loader.checkpoint.defaults)

    def _with(self, model: XttsModel) -> _Loaded:
        arch = model.architecture
        positions = 32 + arch.gpt_max_text_tokens + 2 + arch.gpt_max_audio_tokens
        return _Loaded(model, PreparedVoices(self._store, model), Scheduler(model.gpt, self._rows, positions))

    def _open(self, loaded: _Loaded, request: Request) -> XttsUtterance:
        return XttsUtterance(
            loaded.model,
            loaded.voices.get(request.voice),
            request,
            settings=self._settings,
            sampling=self.sampling,
            scheduler=loaded.scheduler,
            on_failure=partial(self._report, loaded),
        )

    def _report(self, loaded: _Loaded, why: str) -> None:
        """A model produced NaN or infinity: the next reply gets a safer one."""
        if loaded is self._loaded and self._loader is not None:
            self._failure = why

    def _step_down(self) -> None:
        with self._stepping_down:
            if self._failure is None or self._loader is None:
                return
            model, self.note = self._loader.load_safer(self.model, self._failure)
            self._loaded, self._failure = self._with(model), None

    def _voice(self, name: str, language: str | None, description: str) -> Voice:
        own = _tag(language) if language else self._languages[0]
        languages = (own, *(other for other in self._languages if other != own))
        return Voice(name, languages, description, self.attribution, language=language and own, version=self.version)

    def _warm_up(self) -> None:
        """Speak a little and discard it: the first call of each kernel is slower than the rest."""
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
        raise EngineError("torch finds no CUDA device; install a driver, or use --device cpu")
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

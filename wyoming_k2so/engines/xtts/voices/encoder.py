"""From clips of a voice to what XTTS needs to speak in it, through Coqui's encoders.

The encoders are imported, and their weights copied from the checkpoint's mapped file, when a voice is cloned; they are
freed afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
import torchaudio
from torch import Tensor, nn
from torchaudio.functional import resample

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts.model.architecture import Architecture
from wyoming_k2so.engines.xtts.model.weight_reader import init_empty_weights
from wyoming_k2so.engines.xtts.weights.checkpoint import Defaults, Weights

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")

_RATE = 22050
_ENCODER_RATE = 16000
_SHORTEST_S = 1.0
_SHORTEST_PIECE_S = 0.33
_LONGEST_S = 600.0
_SILENT_PEAK = 0.003
_CLIPPED_SHARE = 0.01
_COMMON_DIVISOR = 50


@dataclass(frozen=True)
class Conditioning:
    """A voice as the model takes it."""

    latents: Tensor
    """(32, C), the GPT's prompt."""

    embedding: Tensor
    """(D, 1), the vocoder's condition."""


def read_clip(path: Path, longest_s: float | None = None) -> Tensor:
    """Decode a clip to mono float32 (1, n) at 22.05 kHz; only the first `longest_s` seconds when given.

    Raises:
        EngineError: the clip cannot be used; the message is the reason.
    """
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            # Resampling between rates without a large common divisor would take gigabytes.
            if math.gcd(rate, _RATE) < _COMMON_DIVISOR:
                raise EngineError(f"{path.name} has a sample rate of {rate} Hz; export it with 44100 or 48000 Hz")
            seconds = min(file.frames / rate, longest_s or _LONGEST_S)
            data = file.read(int(seconds * rate) + rate, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError, ValueError) as error:
        raise EngineError(f"{path.name} is not readable audio; use wav, flac, ogg or mp3") from error
    mono = data.mean(axis=1)
    _check(mono, rate, path)
    audio = torch.from_numpy(mono)[None]
    if rate != _RATE:
        audio = resample(audio, rate, _RATE)
    return audio.clamp_(-1, 1)


def _check(mono: np.ndarray[Any, np.dtype[np.float32]], rate: int, path: Path) -> None:
    if len(mono) < _SHORTEST_S * rate:
        raise EngineError(f"{path.name} is shorter than a second; record at least 6 seconds of speech")
    if not np.isfinite(mono).all():
        raise EngineError(f"{path.name} contains NaN or infinity; export it again")
    level = np.abs(mono)
    peak = float(level.max())
    if peak < _SILENT_PEAK:
        raise EngineError(f"{path.name} is silent; record it again, closer to the microphone")
    if peak > 0.1 and float((level >= 0.999 * peak).mean()) > _CLIPPED_SHARE:
        raise EngineError(f"{path.name} is clipped; record it again at a lower level")


class VoiceEncoder:
    """Computes conditioning with the checkpoint's encoders, equal to Coqui's get_conditioning_latents."""

    def __init__(self, weights: Weights, arch: Architecture, defaults: Defaults) -> None:
        self._weights, self._arch, self._defaults = weights, arch, defaults
        self._encoder: nn.Module | None = None  # kept for `embedding` alone

    @property
    def recipe(self) -> str:
        """The settings that the result depends on, beside clips and weights."""
        return repr((self._defaults.gpt_cond_len, self._defaults.gpt_cond_chunk_len, self._defaults.max_ref_len))

    @torch.inference_mode()
    def clone(self, clips: Sequence[Path]) -> Conditioning:
        """The conditioning of a voice from its clips, in their order. Takes seconds.

        Raises:
            EngineError: a clip cannot be used, or the checkpoint has no encoders.
        """
        audios = []
        for clip in clips:
            audio = read_clip(clip, self._defaults.max_ref_len)[:, : _RATE * self._defaults.max_ref_len]
            if self._defaults.sound_norm_refs:
                audio = audio / audio.abs().max() * 0.75
            audios.append(audio)
        encoder = self._speaker_encoder()
        embeddings = [encoder(resample(audio, _RATE, _ENCODER_RATE), l2_norm=True) for audio in audios]  # (1, D)
        latents = self._latents(torch.cat(audios, 1))
        return Conditioning(latents, torch.stack(embeddings).mean(0).t().contiguous())

    @torch.inference_mode()
    def embedding(self, sound: Tensor, rate: int) -> Tensor:
        """The speaker embedding (D,) of a sound (n,)."""
        if self._encoder is None:
            self._encoder = self._speaker_encoder()
        found: Tensor = self._encoder(resample(sound[None], rate, _ENCODER_RATE), l2_norm=True)[0]
        return found

    def _latents(self, audio: Tensor) -> Tensor:
        """The mean over chunks of the perceiver's latents (32, C)."""
        if self._defaults.gpt_cond_len > 0:
            audio = audio[:, : _RATE * self._defaults.gpt_cond_len]
        chunks = torch.split(audio, _RATE * self._defaults.gpt_cond_chunk_len, dim=1)
        encoder, perceiver = self._conditioning_encoder()
        spectrum = _mel_spectrogram()
        norms = self._weights.copy("mel_stats", (80,))[:, None]
        return torch.stack(
            [
                perceiver(encoder(spectrum(chunk).clamp(min=1e-5).log() / norms).transpose(1, 2))[0]
                for chunk in chunks
                if chunk.shape[1] >= _RATE * _SHORTEST_PIECE_S
            ]
        ).mean(0)

    def _conditioning_encoder(self) -> tuple[nn.Module, nn.Module]:
        from TTS.tts.layers.tortoise.autoregressive import ConditioningEncoder  # noqa: PLC0415 - imports transformers
        from TTS.tts.layers.xtts.perceiver_encoder import PerceiverResampler  # noqa: PLC0415

        channels = self._arch.gpt_n_model_channels
        with init_empty_weights():
            encoder = ConditioningEncoder(80, channels, num_attn_heads=self._arch.gpt_n_heads)
            perceiver = PerceiverResampler(
                dim=channels, depth=2, dim_context=channels, num_latents=32, dim_head=64, heads=8, ff_mult=4
            )
        return self._fill(encoder, "gpt.conditioning_encoder."), self._fill(perceiver, "gpt.conditioning_perceiver.")

    def _speaker_encoder(self) -> nn.Module:
        from TTS.encoder.models.resnet import ResNetSpeakerEncoder  # noqa: PLC0415

        spectrum = {
            "fft_size": 512,
            "win_length": 400,
            "hop_length": 160,
            "sample_rate": _ENCODER_RATE,
            "preemphasis": 0.97,
            "num_mels": 64,
        }
        encoder = ResNetSpeakerEncoder(
            input_dim=64, proj_dim=self._arch.d_vector_dim, log_input=True, use_torch_spec=True, audio_config=spectrum
        )
        return self._fill(encoder, "hifigan_decoder.speaker_encoder.")

    def _fill(self, module: nn.Module, prefix: str) -> nn.Module:
        try:
            module.load_state_dict(self._weights.state_dict(prefix), assign=True)
        except RuntimeError as error:
            raise EngineError(
                "the checkpoint has no complete voice encoder; use a full checkpoint to clone voices"
            ) from error
        return module.eval()


def _mel_spectrogram() -> nn.Module:
    """The spectrogram that XTTS's conditioning encoder was trained on."""
    spectrum: nn.Module = torchaudio.transforms.MelSpectrogram(
        sample_rate=_RATE, n_fft=2048, hop_length=256, win_length=1024, f_min=0, f_max=8000, n_mels=80, norm="slaney"
    )
    return spectrum

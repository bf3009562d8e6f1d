"""What a precision costs in quality: a model beside the float32 one with the same weights, on the same passages.

Every metric has a loss, 0 for no difference, that is compared with one limit. The measures are functions of tensors, so
that each can be tested on a case made worse on purpose. N: codes, V: size of the code book, C: channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence as AnySequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torchaudio
from torch import Tensor

from wyoming_k2so.engine import EngineError, Samples
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.xtts import XttsModel
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token
from wyoming_k2so.engines.xtts.scheduling.vocoder_stream import VocoderStream
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.weights.convert import Passage, teacher_forced
from wyoming_k2so.settings.config import Config

_RATE = 24000


@dataclass(frozen=True)
class Metric:
    """One measure, over all passages."""

    name: str
    value: float
    loss: float
    """Share lost; 0 for none."""


@dataclass
class Comparison:
    """What `compare` found."""

    mode: str
    note: str
    metrics: list[Metric] = field(default_factory=list)
    pairs: list[tuple[Samples, Samples]] = field(default_factory=list)
    """The same codes by float32 and by `mode`, at `rate`."""

    spoken: list[tuple[str, Samples, Samples]] = field(default_factory=list)
    """A text and both models' own readings of it."""

    rate: int = _RATE


# ---- measures ---------------------------------------------------------------------------------------------------


def token_agreement(expected: Tensor, found: Tensor) -> Metric:
    """How often the likeliest next code is the same; logits (N, V)."""
    same = float((expected.argmax(1) == found.argmax(1)).float().mean())
    return Metric("next-token agreement", same, 1 - same)


def divergence(expected: Tensor, found: Tensor) -> Metric:
    """Mean Kullback-Leibler divergence in nats of the codes' distributions, as a share of the mean entropy."""
    p, q = expected.double().log_softmax(1), found.double().log_softmax(1)
    value = float((p.exp() * (p - q)).sum(1).mean())
    entropy = float(-(p.exp() * p).sum(1).mean())
    return Metric("KL divergence", value, value / max(entropy, 1e-9))


def latent_cosine(expected: Tensor, found: Tensor) -> Metric:
    """Mean cosine of latents (N, C)."""
    value = float(torch.cosine_similarity(expected, found).mean())
    return Metric("latent cosine", value, 1 - value)


def spectral_distance(expected: Tensor, found: Tensor) -> Metric:
    """Mean difference of log-mel spectrograms in dB of two sounds (n,); the loss is its share of a 60 dB range."""
    spectrum = torchaudio.transforms.MelSpectrogram(_RATE, n_fft=1024, hop_length=256, n_mels=80, power=2.0)
    count = min(len(expected), len(found))
    mels = [10 * spectrum(sound[:count].float()).clamp(min=1e-8).log10() for sound in (expected, found)]
    value = float((mels[0] - mels[1]).abs().mean())
    return Metric("mel distance (dB)", value, value / 60)


def similarity(expected: Tensor, found: Tensor) -> Metric:
    """Cosine of two speaker embeddings (D,)."""
    value = float(torch.cosine_similarity(expected, found, dim=0))
    return Metric("speaker similarity", value, 1 - value)


# ---- the comparison ---------------------------------------------------------------------------------------------


def compare(config: Config, texts: AnySequence[str], *, free_runs: bool = True) -> Comparison:
    """Load both precisions and compare them on `texts` (English).

    Raises:
        EngineError: one of them cannot be loaded, or the configuration asks for float32 itself.
    """
    other = XttsEngine.load(config)
    if (other.mode, other.model.vocoder.dtype) == ("none", torch.float32):
        raise EngineError("There is nothing to compare: choose a --quantization other than none.")
    full = replace(config.group(XttsSettings), quantization="none", vocoder_precision="fp32")
    reference = XttsEngine.load(config.with_group(full))
    return compare_models(reference, other, texts, free_runs=free_runs)


def compare_models(
    reference: XttsEngine, other: XttsEngine, texts: AnySequence[str], *, free_runs: bool = True
) -> Comparison:
    """Compare two loaded engines of the same checkpoint; the first is the reference."""
    result = Comparison(other.mode, other.note)
    voice = reference.voices()[0].name
    conditioning = reference.conditioning(voice)
    found: dict[str, list[Metric]] = {}
    for index, text in enumerate(texts):
        passage, count = _speak(reference.model, conditioning.latents, text, reference.sampling, index)
        latents = [teacher_forced(engine.model.gpt, passage)[:count] for engine in (reference, other)]
        logits = [
            engine.model.gpt.code_head(latent) for engine, latent in zip((reference, other), latents, strict=True)
        ]
        sounds = [
            _sound(engine.model, conditioning.embedding, latent)
            for engine, latent in zip((reference, other), latents, strict=True)
        ]
        metrics = [
            token_agreement(*logits),
            divergence(*logits),
            latent_cosine(*latents),
            spectral_distance(*sounds),
            similarity(*(reference.encoder.embedding(sound, _RATE) for sound in sounds)),
        ]
        for metric in metrics:
            found.setdefault(metric.name, []).append(metric)
        result.pairs.append((sounds[0].numpy(), sounds[1].numpy()))
        if free_runs:
            readings = [
                _sound(
                    engine.model,
                    conditioning.embedding,
                    _speak_latents(engine.model, conditioning.latents, text, engine.sampling, index),
                ).numpy()
                for engine in (reference, other)
            ]
            result.spoken.append((text, readings[0], readings[1]))
    for name, values in found.items():
        result.metrics.append(
            Metric(name, float(np.mean([m.value for m in values])), float(np.mean([m.loss for m in values])))
        )
    return result


@torch.inference_mode()
def _decode(model: XttsModel, prompt: Tensor, text: str, sampling: Sampling, seed: int) -> tuple[Tensor, Sequence]:
    """Let a model speak: its text tokens, and what it generated."""
    tokens = torch.tensor(model.tokenizer.encode(text, "en"), device=model.device)
    limit = min(math.ceil(1.45 * len(text)) + 10, model.architecture.max_new_tokens)
    cache = KVCache(model.architecture, 1, len(prompt) + len(tokens) + limit + 1, model.device)
    generator = torch.Generator(model.device).manual_seed(seed)
    sequence = Sequence(model.gpt, cache, 0, sampling, generator, max_tokens=limit)
    sequence.start(model.gpt.prefix(prompt.to(model.device)), tokens)
    sequence.prefill()
    sequence.check_end()
    while sequence.end is None:
        decode_one_token(model.gpt, [sequence])
        sequence.check_end()
    return tokens, sequence


def _speak(model: XttsModel, prompt: Tensor, text: str, sampling: Sampling, seed: int) -> tuple[Passage, int]:
    tokens, sequence = _decode(model, prompt, text, sampling, seed)
    start = torch.tensor([model.architecture.gpt_start_audio_token], device=model.device)
    codes = torch.cat([start, sequence.codes[: sequence.count - 1]])
    return Passage(prompt.to(model.device), tokens, codes), sequence.count


def _speak_latents(model: XttsModel, prompt: Tensor, text: str, sampling: Sampling, seed: int) -> Tensor:
    _, sequence = _decode(model, prompt, text, sampling, seed)
    return sequence.latents[: sequence.count]


@torch.inference_mode()
def _sound(model: XttsModel, embedding: Tensor, latents: Tensor) -> Tensor:
    timbre = model.vocoder.timbre(embedding.to(model.device))
    stream = VocoderStream(model.vocoder, timbre, model.architecture, windows=(28,), speed=1.0)
    pieces = [stream.feed(piece) for piece in torch.split(latents, 28)]
    pieces.append(stream.finish())
    return torch.cat([piece for piece in pieces if piece is not None]).float().cpu()

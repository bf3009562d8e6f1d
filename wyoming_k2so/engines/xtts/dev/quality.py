"""How much quality a precision costs: a model against the float32 one with the same weights, on the same passages.

Every metric has a loss, 0 for no difference, so that one limit holds for all. The metrics are functions of tensors, so
that each can be tested on a case made worse on purpose. N: codes, V: size of the code book, C: channels.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence as AnySequence
from dataclasses import dataclass, field, replace

import torch
import torchaudio
from torch import Tensor

from wyoming_k2so.engine import Samples
from wyoming_k2so.engines.xtts.engine import XttsEngine
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token
from wyoming_k2so.engines.xtts.scheduling.vocoder_stream import VocoderStream
from wyoming_k2so.engines.xtts.settings import XttsSettings
from wyoming_k2so.engines.xtts.weights.convert import Passage, teacher_forced
from wyoming_k2so.settings.config import Config
from wyoming_k2so.settings.errors import UserError

_RATE = 24000


@dataclass(frozen=True)
class Metric:
    """One metric, of one passage or the mean of all."""

    name: str
    value: float
    loss: float
    """Share of the quality that is lost; 0 for none."""


@dataclass
class Comparison:
    """The result of `compare`."""

    mode: str
    note: str
    metrics: list[Metric] = field(default_factory=list)
    pairs: list[tuple[Samples, Samples]] = field(default_factory=list)
    """The sound of the same codes by float32 and by `mode`, at `rate`."""

    spoken: list[tuple[str, Samples, Samples]] = field(default_factory=list)
    """Texts, each with the sound of the codes that float32 and that `mode` sampled themselves."""

    rate: int = _RATE


# ---- metrics ----------------------------------------------------------------------------------------------------


def token_agreement(expected: Tensor, found: Tensor) -> Metric:
    """How often the most likely next code is the same; logits (N, V)."""
    same = float((expected.argmax(1) == found.argmax(1)).float().mean())
    return Metric("next-token agreement", same, 1 - same)


def divergence(expected: Tensor, found: Tensor) -> Metric:
    """Mean Kullback-Leibler divergence of the codes' distributions in nats; logits (N, V).

    The loss is its share of the mean entropy.
    """
    p, q = expected.double().log_softmax(1), found.double().log_softmax(1)
    value = float((p.exp() * (p - q)).sum(1).mean())
    entropy = float(-(p.exp() * p).sum(1).mean())
    return Metric("KL divergence", value, value / max(entropy, 1e-9))


def latent_cosine(expected: Tensor, found: Tensor) -> Metric:
    """Mean cosine of latents (N, C)."""
    value = float(torch.cosine_similarity(expected, found).mean())
    return Metric("latent cosine", value, 1 - value)


def spectral_distance(expected: Tensor, found: Tensor) -> Metric:
    """Mean difference of the log-mel spectrograms of two sounds (n,) in dB; the loss is its share of a 60 dB range."""
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
        EngineError: one of them cannot be loaded.
        UserError: the configured precision is float32 itself.
    """
    other = XttsEngine.load(config)
    if (other.mode, other.model.vocoder.dtype) == ("none", torch.float32):
        raise UserError("there is nothing to compare: choose a --quantization other than none")
    full = replace(config.group(XttsSettings), quantization="none", vocoder_precision="fp32")
    reference = XttsEngine.load(config.with_group(full))
    return compare_models(reference, other, texts, free_runs=free_runs)


def compare_models(
    reference: XttsEngine, other: XttsEngine, texts: AnySequence[str], *, free_runs: bool = True
) -> Comparison:
    """Compare two loaded engines of the same checkpoint; the first is the reference."""
    result = Comparison(other.mode, other.note)
    engines = (reference, other)
    voice = reference.conditioning(reference.voices()[0].name)
    passages: list[list[Metric]] = []
    for seed, text in enumerate(texts):
        passage, own = _sample(reference, voice.latents, text, seed)
        latents = [teacher_forced(engine.model.gpt, passage) for engine in engines]
        logits = [engine.model.gpt.code_head(these) for engine, these in zip(engines, latents, strict=True)]
        sounds = [_sound(engine, voice.embedding, these) for engine, these in zip(engines, latents, strict=True)]
        metrics = [
            token_agreement(*logits),
            divergence(*logits),
            latent_cosine(*latents),
            spectral_distance(*sounds),
            similarity(*(reference.encoder.embedding(sound, _RATE) for sound in sounds)),
        ]
        passages.append(metrics)
        result.pairs.append((sounds[0].numpy(), sounds[1].numpy()))
        if free_runs:
            _, theirs = _sample(other, voice.latents, text, seed)
            full, free = _sound(reference, voice.embedding, own), _sound(other, voice.embedding, theirs)
            result.spoken.append((text, full.numpy(), free.numpy()))
    for values in zip(*passages, strict=True):
        value, loss = statistics.fmean(m.value for m in values), statistics.fmean(m.loss for m in values)
        result.metrics.append(Metric(values[0].name, value, loss))
    return result


@torch.inference_mode()
def _sample(engine: XttsEngine, prompt: Tensor, text: str, seed: int) -> tuple[Passage, Tensor]:
    """Let a model speak a text: the passage, and the latents of its codes (N, C)."""
    model = engine.model
    prompt = prompt.to(model.device)
    tokens = torch.tensor(model.tokenizer.encode(text, "en"), device=model.device)
    limit = min(math.ceil(1.45 * len(text)) + 10, model.architecture.max_new_tokens)
    cache = KVCache(model.architecture, 1, len(prompt) + len(tokens) + limit + 1, model.device)
    generator = torch.Generator(model.device).manual_seed(seed)
    sequence = Sequence(model.gpt, cache, 0, engine.sampling, generator, max_tokens=limit)
    sequence.start(model.gpt.prefix(prompt), tokens)
    sequence.prefill()
    sequence.check_end()
    while sequence.end is None:
        decode_one_token(model.gpt, [sequence])
        sequence.check_end()
    start = torch.tensor([model.architecture.gpt_start_audio_token], device=model.device)
    codes = torch.cat([start, sequence.codes[: sequence.count - 1]])
    return Passage(prompt, tokens, codes), sequence.latents[: sequence.count]


@torch.inference_mode()
def _sound(engine: XttsEngine, embedding: Tensor, latents: Tensor) -> Tensor:
    """Latents (N, C) as sound (n,), decoded in windows."""
    model = engine.model
    stream = VocoderStream(
        model.vocoder, model.vocoder.timbre(embedding.to(model.device)), model.architecture, windows=(28,), speed=1.0
    )
    pieces = [stream.feed(piece) for piece in torch.split(latents, 28)]
    pieces.append(stream.finish())
    return torch.cat([piece for piece in pieces if piece is not None]).float().cpu()

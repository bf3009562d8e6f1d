"""The self-test of a loaded model: does it speak, and as it would in full precision?"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from wyoming_k2so.engine import EngineError
from wyoming_k2so.engines.xtts import guardrails
from wyoming_k2so.engines.xtts.kernels.finite import NotFinite, check_finite
from wyoming_k2so.engines.xtts.model.gpt import Gpt
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.sampling import Sampling
from wyoming_k2so.engines.xtts.model.xtts import XttsModel
from wyoming_k2so.engines.xtts.scheduling.sequence import Sequence, decode_one_token
from wyoming_k2so.engines.xtts.scheduling.vocoder_stream import VocoderStream

from .convert import PROBE, Passage, teacher_forced

TEXT = "The light is on."

AGREEMENT = 0.98
"""Least cosine between latents and their float32 reference. int8 has 0.999, bf16 0.9999; a broken layer is near 0."""

_SILENCE = 1e-4
"""RMS of full scale."""


class Unfit(EngineError):
    """A model has failed its self-test; the message is the reason."""


def self_test(model: XttsModel, sampling: Sampling) -> None:
    """Let the model speak a little. Raises Unfit if it is not fit to use.

    This also warms up: the first call of each kernel is slower than the rest.
    """
    try:
        samples = _speak(model, sampling)
    except NotFinite as error:
        raise Unfit(str(error)) from error
    if float(samples.square().mean().sqrt()) < _SILENCE:
        raise Unfit("it produced only silence")


def agreement(gpt: Gpt, probe: dict[str, Tensor]) -> float:
    """Mean cosine between the latents of the probe and their float32 reference."""
    parts = {name.removeprefix(PROBE): tensor.to(gpt.device) for name, tensor in probe.items()}
    latents = teacher_forced(gpt, Passage(parts["prompt"], parts["text"], parts["codes"]))
    return float(torch.cosine_similarity(latents, parts["latents"]).mean())


@torch.inference_mode()
def _speak(model: XttsModel, sampling: Sampling) -> Tensor:
    arch, device = model.architecture, model.device
    if model.probe and not (found := agreement(model.gpt, model.probe)) >= AGREEMENT:
        raise Unfit(f"its latents agree with full precision only to {found:.3f}")
    prompt = model.probe.get(f"{PROBE}prompt", torch.randn(32, arch.gpt_n_model_channels)).to(device)
    text = torch.tensor(model.tokenizer.encode(TEXT, "en"), device=device)
    cache = KVCache(arch, 1, len(prompt) + len(text) + 40, device)
    generator = torch.Generator(device).manual_seed(0)
    sequence = Sequence(model.gpt, cache, 0, sampling, generator, max_tokens=30, fixed_length=True)
    sequence.start(model.gpt.prefix(prompt), text)
    sequence.prefill()
    while not sequence.full:
        decode_one_token(model.gpt, [sequence])
    if model.probe and guardrails.loop_length(sequence.codes.tolist()):  # the reference itself may loop
        raise Unfit("it repeats itself")
    timbre = model.vocoder.timbre(torch.full((arch.d_vector_dim, 1), arch.d_vector_dim**-0.5, device=device))
    stream = VocoderStream(model.vocoder, timbre, arch, windows=(7,), speed=1.0)
    first = cast("Tensor", stream.feed(sequence.latents[:10]))
    rest = cast("Tensor", stream.finish())
    samples = torch.cat([first, rest]).float()
    check_finite(samples)
    return samples

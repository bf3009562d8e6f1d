"""The GPT in another precision: converted block by block from the checkpoint, and built from converted tensors.

Only one block is ever in float32: the signals of all passages go through a block before it is converted. So the
reference for the self-test (the probe) and the statistics for calibration need no further memory. C: channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from wyoming_k2so.engines.xtts.kernels import heap, quant, smoothing
from wyoming_k2so.engines.xtts.model.architecture import Architecture
from wyoming_k2so.engines.xtts.model.gpt import Gpt
from wyoming_k2so.engines.xtts.model.kv_cache import KVCache
from wyoming_k2so.engines.xtts.model.ort_gpt import OrtGpt
from wyoming_k2so.engines.xtts.model.ort_graph import linear_sizes
from wyoming_k2so.engines.xtts.model.torch_gpt import Block, TorchGpt, load_block, load_gpt
from wyoming_k2so.engines.xtts.model.weight_reader import WeightReader, init_empty_weights

_ROWS = 128
"""Inputs on which a layer's smoothing is chosen; the peaks come from all inputs."""

PROBE = "probe."
"""Prefix of the names of the probe's tensors."""

Progress = Callable[[float], None]
"""Called with the share that is done."""


@dataclass(frozen=True)
class Passage:
    """A text and its speech, for teacher forcing."""

    prompt: Tensor
    """(P, C), a voice's conditioning latents."""

    text: Tensor
    """(T,), text tokens."""

    codes: Tensor
    """(N,), audio codes, the start code first."""

    def embed(self, gpt: Gpt) -> Tensor:
        """-> (P + T + N, C)."""
        return torch.cat([self.prompt, gpt.embed_text(self.text), gpt.embed_codes(self.codes, range(len(self.codes)))])


@torch.inference_mode()
def teacher_forced(gpt: Gpt, passage: Passage) -> Tensor:
    """The latents (N, C) of a passage's codes, computed at once."""
    x = passage.embed(gpt)
    cache = KVCache(gpt.arch, 1, len(x), x.device)
    return gpt.prefill(x, cache, 0, 0, last=len(passage.codes))


@torch.inference_mode()
def convert(
    weights: WeightReader,
    arch: Architecture,
    text_tokens: int,
    mode: str,
    *,
    probe: Passage,
    samples: Sequence[Passage] = (),
    progress: Progress | None = None,
) -> dict[str, Tensor]:
    """The GPT's weights as `build` takes them, and the probe with its float32 latents.

    `samples` are passages for int8-calibrated. Raises EngineError if a weight is missing or has the wrong shape.
    """
    shell = load_gpt(weights, replace(arch, gpt_layers=0), text_tokens)
    state: dict[str, Tensor] = {}
    signals = [passage.embed(shell) for passage in (probe, *samples)]
    for index in range(arch.gpt_layers):
        block = load_block(weights, arch, index)
        inputs = _pass_through(block, signals, arch, keep=bool(samples))
        if samples:
            _smooth(block, inputs)
        state.update(_encoded(block, mode, f"blocks.{index}."))
        del block, inputs
        heap.trim()  # otherwise the heap keeps many blocks, in the worst case all of them
        if progress:
            progress((index + 1) / arch.gpt_layers)
    reference = shell.final_norm(shell.ln_f(signals[0][-len(probe.codes) :]))
    state.update(_encoded(shell, mode, ""))
    parts = {"prompt": probe.prompt, "text": probe.text, "codes": probe.codes, "latents": reference}
    state.update({PROBE + name: tensor.contiguous() for name, tensor in parts.items()})
    return state


def build(
    names: Sequence[str],
    take: Callable[[str], Tensor],
    arch: Architecture,
    text_tokens: int,
    view: Callable[[str], Tensor] | None = None,
) -> Gpt:
    """The GPT from converted tensors. `take` is called once per tensor and may free it afterwards.

    `view`: returns a tensor in the mapped file, so that the large ones need not be copied.

    Raises:
        KeyError, ValueError: the tensors do not fit this architecture.
    """
    left = {name for name in names if not name.startswith(PROBE)}
    gpt: Gpt
    with init_empty_weights():
        if "code_head.scale" in left:
            gpt = OrtGpt(arch, text_tokens, torch.get_num_threads())
        else:
            gpt = TorchGpt(arch, text_tokens)
    if isinstance(gpt, OrtGpt):
        inside = {name for name in left if name.startswith(("blocks.", "ln_f.", "final_norm."))}
        layers = {layer for layer, _, _ in linear_sizes(arch)}
        large = {f"{layer}.{leaf}" for layer in layers for leaf in ("weight", "scale")}
        gpt.assemble({name: view(name) if view and name in large else take(name) for name in inside})
        left -= inside
    for name, linear in list(quant.linears(gpt)):
        leaves = [leaf for leaf in ("weight", "scale", "bias") if f"{name}.{leaf}" in left]
        tensors = {leaf: take(f"{name}.{leaf}") for leaf in leaves}
        if not quant.fits(tensors["weight"], linear):
            raise ValueError(name)
        gpt.set_submodule(name, quant.layer(tensors, linear.in_features))
        left.difference_update(f"{name}.{leaf}" for leaf in leaves)
    for name in left:
        owner, _, leaf = name.rpartition(".")
        tensor = take(name)
        if tensor.shape != gpt.get_parameter(name).shape:
            raise ValueError(name)
        setattr(gpt.get_submodule(owner), leaf, nn.Parameter(tensor, requires_grad=False))
    if absent := [name for name, parameter in gpt.named_parameters() if parameter.is_meta]:
        raise KeyError(absent[0])
    return gpt.eval()


def _encoded(module: nn.Module, mode: str, prefix: str) -> dict[str, Tensor]:
    """All parameters of a module, those of its linear layers encoded."""
    state = {prefix + name: parameter.detach() for name, parameter in module.named_parameters()}
    for name, linear in quant.linears(module):
        encoded = quant.encode(linear.weight.detach(), mode)
        state.update({f"{prefix}{name}.{leaf}": tensor for leaf, tensor in encoded.items()})
    return state


def _pass_through(block: Block, signals: list[Tensor], arch: Architecture, *, keep: bool) -> dict[str, Tensor]:
    """Replace each signal by the block's output. Returns the inputs of its linear layers if `keep` is set."""
    kept: dict[str, list[Tensor]] = {"qkv": [], "out": [], "up": []}
    hooks = [
        block.get_submodule(name).register_forward_pre_hook(lambda _, args, rows=rows: rows.append(args[0]))
        for name, rows in kept.items()
        if keep
    ]
    for index, x in enumerate(signals):
        slab = torch.zeros(2, arch.gpt_n_heads, len(x), arch.head_dim)
        mask = torch.ones(len(x), len(x), dtype=torch.bool).tril()
        signals[index] = block.prefill(x, slab, 0, mask)
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(rows) for name, rows in kept.items()} if keep else {}


def _smooth(block: Block, inputs: dict[str, Tensor]) -> None:
    """Fold each layer's smoothing into what comes before it: a norm, or the values that attention averages.

    `down` is left out: nothing can be folded through the GELU before it.
    """
    values = slice(2 * block.qkv.out_features // 3, None)

    def into_norm(norm: nn.LayerNorm) -> Callable[[Tensor], None]:
        def scale(factors: Tensor) -> None:
            norm.weight.mul_(factors)
            norm.bias.mul_(factors)

        return scale

    def into_values(factors: Tensor) -> None:
        block.qkv.weight[values].mul_(factors[:, None])
        block.qkv.bias[values].mul_(factors)

    places = {"qkv": into_norm(block.ln_1), "up": into_norm(block.ln_2), "out": into_values}
    for name, before in places.items():
        linear = block.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        rows = inputs[name]
        sample = rows[:: -(-len(rows) // _ROWS)]
        smoothing.smooth(linear, smoothing.find_factors(linear.weight, sample, rows.abs().amax(0)), before)

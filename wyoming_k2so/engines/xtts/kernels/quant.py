"""Linear layers with small weights: what is stored, and the module that computes with it. Knows nothing of XTTS.

A layer's weights are encoded into plain tensors (`encode`), which can be kept in a file, and turned into a module that
takes the place of nn.Linear (`layer`), as in gpt-fast, or into a node of a larger graph (`int8_node`). N: outputs,
K: inputs.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from wyoming_k2so.engine import EngineError

MODES = ("none", "bf16", "fp16", "int8", "int8-calibrated")
"""Every precision, and `auto` besides."""

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class NotANumber(RuntimeError):
    """A model computed a NaN or an infinity."""

    def __init__(self) -> None:
        super().__init__("it computed values that are no numbers")


def check_numbers(values: Tensor) -> None:
    """Raise NotANumber when there are values that are none. Waits for the device."""
    if not values.isfinite().all():
        raise NotANumber


class Int8Linear(nn.Module):
    """Weights in int8 with one scale per BLOCK of inputs, inputs rounded likewise per row; arithmetic in integers.

    The kernel is ONNX Runtime's MatMulNBits. Each row is computed for itself: together with others it gives the same
    bits as alone.
    """

    def __init__(self, weight: Tensor, scale: Tensor, bias: Tensor | None, in_features: int | None = None) -> None:
        """weight (N, K / BLOCK, BLOCK) uint8, scale (N, K / BLOCK), bias (N,)."""
        super().__init__()
        self.out_features = weight.shape[0]
        self.in_features = in_features or weight.shape[1] * weight.shape[2]
        self.packed_bytes = int8_bytes(self.out_features, weight.shape[1])
        constants = {"weight": weight, "scale": scale, **({} if bias is None else {"bias": bias})}
        graph = helper.make_graph(
            [int8_node("x", list(constants), "y", self.in_features, self.out_features)],
            "linear",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", self.in_features])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", self.out_features])],
            [numpy_helper.from_array(tensor.detach().numpy(), name) for name, tensor in constants.items()],
        )
        self._session = session(graph, threads=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, K) -> (B, N), float32."""
        (y,) = self._session.run(None, {"x": x.detach().numpy()})
        return torch.from_numpy(y)


class HalfLinear(nn.Module):
    """Weights and arithmetic in a 16-bit type between float32 signals."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias.to(weight.dtype), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, K) -> (B, N), float32."""
        return functional.linear(x.to(self.weight.dtype), self.weight, self.bias).float()


BLOCK = 64
"""Inputs that share a scale. At 32 the scales cost 6 % of the speed, at 128 rows would depend on their neighbours."""

_X86 = platform.machine() in ("x86_64", "AMD64")
_ZERO = 128
"""What stands for 0 in a byte of weights."""


def int8_bytes(outputs: int, blocks: int) -> int:
    """Memory of a layer once the runtime has packed it: weights, scales and the sums of each block."""
    return outputs * blocks * (BLOCK + 8)


def int8_node(x: str, constants: Sequence[str], y: str, inputs: int, outputs: int) -> onnx.NodeProto:
    """A node that computes an int8 layer; `constants` name its weight, scale and, if there is one, bias."""
    weight, scale, *bias = constants
    return helper.make_node(
        "MatMulNBits",
        [x, weight, scale, *(["", "", *bias] if bias else [])],
        [y],
        domain="com.microsoft",
        K=inputs,
        N=outputs,
        bits=8,
        block_size=BLOCK,
        accuracy_level=4,  # inputs in int8 as well
    )


def outside(name: str, tensor: Tensor) -> onnx.TensorProto:
    """A constant that a graph only names; `session` gets its values."""
    kind = helper.np_dtype_to_tensor_dtype(tensor.numpy().dtype)
    proto = TensorProto(name=name, data_type=kind, dims=tensor.shape, data_location=TensorProto.EXTERNAL)
    proto.external_data.add(key="location", value=name)
    return proto


def session(
    graph: onnx.GraphProto, *, threads: int, layers: Mapping[str, Tensor] | None = None
) -> onnxruntime.InferenceSession:
    """A graph, ready to run on the processor. `layers`: values of its constants that are `outside`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Its threads would go on spinning between two runs, on the cores that torch wants for the vocoder.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if layers:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(tensor.detach().numpy()) for tensor in layers.values()]
        options.add_external_initializers(list(layers), values)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def encode(weight: Tensor, mode: str) -> dict[str, Tensor]:
    """What a layer stores for weights (N, K): `weight`, and `scale` where it is needed.

    int8: `weight` (N, K / BLOCK, BLOCK) uint8 with zeros after the last input, `scale` (N, K / BLOCK).
    """
    if mode.startswith("int8"):
        blocks = functional.pad(weight, (0, -weight.shape[1] % BLOCK)).reshape(len(weight), -1, BLOCK)
        scale = (blocks.abs().amax(2) / 127).clamp_(min=torch.finfo(torch.float32).tiny)
        return {"weight": ((blocks / scale[..., None]).round_() + _ZERO).to(torch.uint8), "scale": scale}
    return {"weight": weight.to(_DTYPES.get(mode, torch.float32))}


def layer(tensors: Mapping[str, Tensor], in_features: int | None = None) -> nn.Module:
    """The module that computes with what `encode` gave, and with `bias` (N,) if there is one.

    `in_features`: K, where it is no multiple of BLOCK.
    """
    weight, bias = tensors["weight"], tensors.get("bias")
    if weight.dtype == torch.uint8:
        return Int8Linear(weight, tensors["scale"], bias, in_features)
    if weight.dtype != torch.float32:
        return HalfLinear(weight, bias)
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    linear.weight = nn.Parameter(weight, requires_grad=False)
    linear.register_parameter("bias", None if bias is None else nn.Parameter(bias, requires_grad=False))
    return linear


def fits(weight: Tensor, linear: nn.Linear) -> bool:
    """Whether stored weights have the shape of a layer's."""
    if weight.dtype == torch.uint8:
        return weight.shape == (linear.out_features, -(-linear.in_features // BLOCK), BLOCK)
    return weight.shape == linear.weight.shape


def linears(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    """Every layer that can be quantized, by name."""
    return ((name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear))


@torch.no_grad()
def swap(model: nn.Module, mode: str) -> nn.Module:
    """Quantize a model that is in memory, in place, one layer at a time."""
    for name, linear in list(linears(model)):
        bias = {} if linear.bias is None else {"bias": linear.bias.detach()}
        model.set_submodule(name, layer({**encode(linear.weight.detach(), mode), **bias}, linear.in_features))
    return model


def weight_bytes(model: nn.Module) -> int:
    """Memory of all weights of a model."""
    packed = sum(getattr(module, "packed_bytes", 0) for module in model.modules())
    return packed + sum(parameter.nbytes for parameter in model.parameters())


# ---- calibration ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Smoothing:
    """Divides a layer's inputs by `factors` (K,) and multiplies its weights' columns by them."""

    factors: Tensor
    strength: float
    """0: plain int8 was best."""


@torch.no_grad()
def find_smoothing(
    weight: Tensor,
    inputs: Tensor,
    peaks: Tensor | None = None,
    strengths: tuple[float, ...] = (0.0, 0.35, 0.5, 0.65),
) -> Smoothing:
    """The factors with which the layer's int8 output is nearest to its own on sample inputs.

    weight (N, K), inputs (rows, K), peaks (K,): greatest absolute input per channel, if known from more. Factors are
    a^s / w^(1-s) with a and w the greatest absolute input and weight per channel (SmoothQuant, Xiao et al. 2023,
    eq. 4); the strength s is searched here instead of fixed.
    """
    peaks = (inputs.abs().amax(0) if peaks is None else peaks).clamp(min=1e-5)
    columns = weight.abs().amax(0).clamp_(min=1e-5)
    exact = functional.linear(inputs, weight)
    best: tuple[float, Smoothing] | None = None
    for strength in strengths:
        factors = peaks**strength / columns ** (1 - strength) if strength else torch.ones_like(peaks)
        factors /= factors.log().mean().exp()
        smoothed = layer(encode(weight * factors, "int8"), weight.shape[1])(inputs / factors)
        error = float((smoothed - exact).square().mean())
        if best is None or error < best[0]:
            best = error, Smoothing(factors, strength)
    assert best is not None
    return best[1]


@torch.no_grad()
def smooth(linear: nn.Linear, smoothing: Smoothing, before: Callable[[Tensor], None]) -> None:
    """Fold factors into a layer and, by `before(1 / factors)`, into what makes its inputs: free at run time."""
    linear.weight.mul_(smoothing.factors)
    before(1 / smoothing.factors)


# ---- what runs where --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mode:
    """One precision on one device."""

    name: str
    runs: bool
    note: str
    """What it costs and gains, or why it does not run and what to use instead."""


def modes(device: torch.device) -> list[Mode]:
    """Every mode on this device, whether it runs well, and a sentence for people."""
    if device.type == "cuda":
        return [
            Mode("none", True, "Full precision; slower and twice the memory of fp16."),
            Mode("bf16", True, "Half the memory; a little less exact than fp16."),
            Mode("fp16", True, "Half the memory and the fastest on a GPU."),
            Mode("int8", False, "int8 layers are made for processors; use fp16 on a GPU."),
            Mode("int8-calibrated", False, "int8 layers are made for processors; use fp16 on a GPU."),
        ]
    bf16 = has_bf16()
    return [
        Mode("none", True, "Full precision, the reference; the slowest, 1.6 GB of weights."),
        Mode("bf16", bf16, "Half the memory, nearly as fast as int8, no audible loss.")
        if bf16
        else Mode("bf16", False, "This processor has no arithmetic for bf16; use int8, or none for full precision."),
        Mode("fp16", False, "Processors compute fp16 hundreds of times slower than fp32; use bf16 or int8."),
        Mode("int8", True, "A quarter of the memory and the fastest on a processor; a small loss."),
        Mode("int8-calibrated", True, "As fast and small as int8 and more exact; takes minutes to make, once."),
    ]


def vocoder_modes(device: torch.device) -> list[Mode]:
    """The same for a vocoder, whose precision is chosen apart."""
    if device.type == "cuda":
        return [
            Mode("fp32", True, "Full precision; slower than fp16."),
            Mode("bf16", True, "As fast as fp16 and a little less exact."),
            Mode("fp16", True, "The fastest on a GPU; no audible loss."),
        ]
    bf16 = has_bf16()
    instead = "bf16" if bf16 else "fp32"
    return [
        Mode("fp32", True, "Full precision, the reference."),
        Mode("bf16", True, "Twice as fast as fp32; no audible loss.")
        if bf16
        else Mode("bf16", False, "This processor has no arithmetic for bf16; use fp32."),
        Mode("fp16", False, f"Processors compute fp16 hundreds of times slower than fp32; use {instead}."),
    ]


def has_bf16() -> bool:
    """Whether this processor computes bf16 itself."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():  # on x86 true of processors that only emulate it
        return False
    return not _X86 or bool(torch.cpu._is_avx512_bf16_supported())


def resolve(wanted: str, device: torch.device) -> str:
    """The mode that `wanted` stands for. Raises EngineError when the device cannot run it well."""
    if wanted == "auto":
        return "fp16" if device.type == "cuda" else "int8"
    mode = next(mode for mode in modes(device) if mode.name == wanted)
    if not mode.runs:
        raise EngineError(f"--quantization {wanted}: {mode.note}")
    return wanted


def resolve_vocoder(wanted: str, device: torch.device) -> torch.dtype:
    """The type that a vocoder computes in. Raises EngineError when the device cannot run it well."""
    if wanted == "auto":
        if device.type == "cuda":
            return torch.float16
        return torch.bfloat16 if has_bf16() else torch.float32
    mode = next(mode for mode in vocoder_modes(device) if mode.name == wanted)
    if not mode.runs:
        raise EngineError(f"--vocoder-precision {wanted}: {mode.note}")
    return _DTYPES.get(wanted, torch.float32)


def safer(mode: str, device: torch.device) -> str | None:
    """The next mode to try when `mode` fails; None after full precision."""
    if mode == "none":
        return None
    return "bf16" if mode != "bf16" and _runs("bf16", device) else "none"


def _runs(mode: str, device: torch.device) -> bool:
    """Whether the device runs `mode` well."""
    return any(item.name == mode and item.runs for item in modes(device))

"""Computes the receptive field of a convolutional graph from its nodes. Works on any objects with ONNX's fields.

The receptive field of a value is the stretch of input that it depends on. Seen from one side, each layer extends it by
half its kernel, scaled by the strides before it; where paths join, the longest counts. See Araujo, Norris and Sim,
"Computing Receptive Fields of Convolutional Neural Networks", Distill (2019), doi:10.23915/distill.00021.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

_POINTWISE = {
    *("Add", "Div", "Exp", "Identity", "LeakyRelu", "Mul", "Neg", "Relu", "Sigmoid", "Sub", "Tanh"),
    *("Concat", "ConstantOfShape", "Shape", "Slice", "Split", "Squeeze", "Unsqueeze"),  # along channels, if at all
}
"""Operators whose output at a moment depends on their input at that moment only."""


class UnsplittableError(ValueError):
    """The graph is not one that Piper exports."""


@dataclass(frozen=True)
class CutPoint:
    """A tensor through which all paths to the output lead, so that the graph can be cut or trimmed there."""

    name: str
    rate: int
    """Values per frame."""

    reach: Fraction
    """Frames on each side of a value that it depends on: half of its receptive field."""


@dataclass(frozen=True)
class Trim:
    """A cut point at which the outermost values are dropped."""

    name: str
    rate: int
    """Values per frame."""

    needed: int
    """Values on each side that later layers need."""


def cut_points(nodes: Sequence[Any], frames: str, shapes: Mapping[str, Sequence[int]]) -> Iterator[CutPoint]:
    """Yield the cut points on the way from the tensor `frames` to the last node's output, which is the last one.

    A convolution with kernel k and dilation d extends the reach by (k - 1) d / 2 values at its rate. A transposed one
    with stride s extends it by (k - 1) d / (2 s) values at its input's rate, and multiplies the rate by s.

    Args:
        nodes: in topological order.
        frames: the tensor to start from, with one value per frame.
        shapes: of the weights, by name; a convolution's kernel size is the third dimension.

    Raises:
        UnsplittableError: the receptive field of an operator is unknown.
    """
    last_use = {name: place for place, node in enumerate(nodes) for name in node.input}
    live = {frames: (1, Fraction(0))}
    for place, node in enumerate(nodes):
        before = [live[name] for name in node.input if name in live]
        if not before:
            continue
        rate, reach = max(before)[0], max(reach for _, reach in before)
        if node.op_type in ("Conv", "ConvTranspose"):
            options = {attribute.name: list(attribute.ints) for attribute in node.attribute}
            width = options.get("dilations", [1])[0] * (shapes[node.input[1]][2] - 1)
            stride = options.get("strides", [1])[0]
            if node.op_type == "Conv":
                reach += Fraction(ceil(width / 2), rate)
            else:
                reach += Fraction(ceil(width / stride / 2), rate)
                rate *= stride
        elif node.op_type not in _POINTWISE:
            raise UnsplittableError(f"the receptive field of operator {node.op_type} is unknown")
        live |= dict.fromkeys(node.output, (rate, reach))
        live = {name: at for name, at in live.items() if last_use.get(name, len(nodes)) > place}
        if len(live) == 1:
            yield CutPoint(node.output[0], rate, reach)


def choose_trims(path: Sequence[CutPoint]) -> Iterator[Trim]:
    """Choose where trimming pays off: wherever another whole frame of context is used up, and at the end."""
    end, used = path[-1], Fraction(0)
    for point in path:
        if point.reach >= used + 1 or (point is end and point.reach > used):
            used = point.reach
            yield Trim(point.name, point.rate, ceil((end.reach - point.reach) * point.rate))

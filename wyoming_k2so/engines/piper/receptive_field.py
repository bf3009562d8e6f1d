"""How far the layers of a convolutional graph see, read off its nodes. Needs no ONNX, only things with such fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

_LOCAL = {
    *("Add", "Div", "Exp", "Identity", "LeakyRelu", "Mul", "Neg", "Relu", "Sigmoid", "Sub", "Tanh"),
    *("Concat", "ConstantOfShape", "Shape", "Slice", "Split", "Squeeze", "Unsqueeze"),  # along channels, if at all
}
"""Operators that look at one moment only."""


class UnsplittableError(ValueError):
    """The graph is not the one that Piper exports."""


@dataclass(frozen=True)
class Point:
    """A tensor that all later ones are made of."""

    name: str
    rate: int
    """Values per frame."""

    reach: Fraction
    """Neighbouring frames on each side that a value depends on."""


@dataclass(frozen=True)
class Trim:
    """A tensor of which the outermost values are not needed any more."""

    name: str
    rate: int
    seen: int
    """Values on each side that later layers still see."""


def points(nodes: Sequence[Any], frames: str, shapes: Mapping[str, Sequence[int]]) -> Iterator[Point]:
    """The points on the way from frames to the last node's output, which is the last point.

    A convolution adds half its width at its rate, and where ways join the longer reach counts. `shapes`: the weights'.

    Raises:
        UnsplittableError: an operator's reach is not known.
    """
    last_use = {name: place for place, node in enumerate(nodes) for name in node.input}
    known = {frames: (1, Fraction(0))}
    for place, node in enumerate(nodes):
        before = [known[name] for name in node.input if name in known]
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
        elif node.op_type not in _LOCAL:
            raise UnsplittableError(f"the decoder has an operator {node.op_type}, whose reach is unknown")
        known |= dict.fromkeys(node.output, (rate, reach))
        known = {name: at for name, at in known.items() if last_use.get(name, len(nodes)) > place}
        if len(known) == 1:
            yield Point(node.output[0], rate, reach)


def trims(path: Sequence[Point]) -> Iterator[Trim]:
    """Where trimming pays: after each frame of reach that is used up, and at the end."""
    end, used = path[-1], Fraction(0)
    for point in path:
        if point.reach >= used + 1 or (point is end and point.reach > used):
            used = point.reach
            yield Trim(point.name, point.rate, ceil((end.reach - point.reach) * point.rate))

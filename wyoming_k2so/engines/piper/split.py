"""Cuts a Piper voice's graph in two: an encoder from phonemes to frames, and a decoder from frames to sound.

The decoder is a stack of convolutions, so a window of frames with enough neighbours sounds as it does in the whole. How
many neighbours that takes is read off the graph. Only this file knows ONNX, and it runs once per voice: the halves are
kept on disk.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Any

VERSION = 1

_DECODER = "/dec/"
_LOCAL = {"Add", "Constant", "Div", "Identity", "LeakyRelu", "Mul", "Squeeze", "Tanh", "Unsqueeze"}
"""Operators that look at one moment only."""


class UnsplittableError(ValueError):
    """The graph is not the one that Piper exports."""


@dataclass(frozen=True)
class Halves:
    """A voice in two models."""

    encoder: Path
    decoder: Path
    inputs: tuple[str, ...]
    """What the decoder takes of what the encoder gives: frames (1, C, T), then what is the same for all frames."""

    hop: int
    """Samples per frame."""

    reach: int
    """Neighbouring frames on each side that a frame's sound depends on."""


def split(model: Path, cache: Path) -> Halves:
    """The halves of a voice, from `cache` if they are there.

    Raises:
        UnsplittableError: the graph cannot be cut.
        OSError: the cache cannot be written.
    """
    status = model.stat()
    mark = f"{VERSION}\0{model.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    stem = f"{model.stem}-{sha256(mark.encode()).hexdigest()[:12]}"
    encoder, decoder, facts = (cache / f"{stem}.{part}" for part in ("encoder.onnx", "decoder.onnx", "json"))
    try:
        known = json.loads(facts.read_text("utf-8"))
        if encoder.stat().st_size == known.pop("encoder_size") and decoder.stat().st_size == known.pop("decoder_size"):
            return Halves(encoder, decoder, tuple(known["inputs"]), known["hop"], known["reach"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # not there, or not whole: it is made again
    halves, parts = _cut(model, encoder, decoder)
    cache.mkdir(parents=True, exist_ok=True)
    for path, content in parts.items():
        _write(path, content)
    sizes = {"encoder_size": len(parts[encoder]), "decoder_size": len(parts[decoder])}
    kept = {key: value for key, value in asdict(halves).items() if key in ("inputs", "hop", "reach")}
    _write(facts, json.dumps(kept | sizes).encode())
    return halves


def _cut(model: Path, encoder: Path, decoder: Path) -> tuple[Halves, dict[Path, bytes]]:
    import onnx  # noqa: PLC0415  slow to import, and not needed once the halves are on disk

    try:
        whole = onnx.load(str(model))
    except Exception as error:  # whatever protobuf makes of a damaged file
        raise UnsplittableError(f"no ONNX model: {error}") from error
    graph = whole.graph
    nodes = [node for node in graph.node if node.name.startswith(_DECODER)]
    weights = {tensor.name: tensor for tensor in graph.initializer}
    made = {name for node in nodes for name in node.output}
    inputs = list(dict.fromkeys(i for node in nodes for i in node.input if i and i not in made and i not in weights))
    constants = {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    inputs = [name for name in inputs if name not in constants]
    if not inputs or len(graph.output) != 1:
        raise UnsplittableError("the graph has no part that is named as Piper's decoder")
    hop, reach = _shape(nodes, inputs[0], {name: tuple(tensor.dims) for name, tensor in weights.items()})
    borders = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in inputs]

    def part(sources: Iterable[Any], targets: Sequence[Any]) -> bytes:
        keep = _needed(graph.node, {source.name for source in sources}, [target.name for target in targets])
        used = {name for node in keep for name in node.input}
        piece = onnx.helper.make_graph(
            keep, "part", list(sources), list(targets), [tensor for name, tensor in weights.items() if name in used]
        )
        made = onnx.helper.make_model(piece, opset_imports=whole.opset_import, ir_version=whole.ir_version)
        content: bytes = made.SerializeToString()
        return content

    halves = Halves(encoder, decoder, tuple(inputs), hop, reach)
    return halves, {encoder: part(graph.input, borders), decoder: part(borders, graph.output)}


def _needed(nodes: Iterable[Any], sources: set[str], targets: Sequence[str]) -> list[Any]:
    """The nodes on the way from sources to targets, in their order."""
    nodes = list(nodes)
    maker = {name: node for node in nodes for name in node.output}
    open_names, keep = list(targets), set[int]()
    while open_names:
        name = open_names.pop()
        node = maker.get(name)
        if node is None or name in sources or id(node) in keep:
            continue
        keep.add(id(node))
        open_names += node.input
    return [node for node in nodes if id(node) in keep]


def _shape(nodes: Sequence[Any], frames: str, weights: Mapping[str, tuple[int, ...]]) -> tuple[int, int]:
    """Samples per frame, and how many neighbouring frames reach into a frame's sound.

    Each tensor on the way has a rate (values per frame) and a reach (in frames): a convolution adds half its width at
    its rate, and where ways join the longer reach counts.
    """
    known: dict[str, tuple[int, Fraction]] = {frames: (1, Fraction(0))}
    rate, reach = 1, Fraction(0)
    for node in nodes:
        before = [known[name] for name in node.input if name in known]
        if not before:
            continue
        rate, reach = max(before)[0], max(reach for _, reach in before)
        if node.op_type in ("Conv", "ConvTranspose"):
            options = {attribute.name: list(attribute.ints) for attribute in node.attribute}
            kernel = weights[node.input[1]][2]
            width = options.get("dilations", [1])[0] * (kernel - 1)
            if node.op_type == "ConvTranspose":
                stride = options["strides"][0]
                reach += Fraction(ceil(width / stride / 2), rate)
                rate *= stride
            else:
                reach += Fraction(ceil(width / 2), rate)
        elif node.op_type not in _LOCAL:
            raise UnsplittableError(f"the decoder has an operator {node.op_type}, whose reach is unknown")
        for name in node.output:
            known[name] = (rate, reach)
    return rate, ceil(reach)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

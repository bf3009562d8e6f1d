"""Splits a Piper voice's ONNX graph into three models: encoder (phonemes to frames), flow (frames to latents) and
decoder (latents to samples).

These are the parts of VITS (Kim, Kong and Son, 2021, arXiv:2106.06103), on which Piper's voices are based; the decoder
is HiFi-GAN's generator (Kong, Kim and Bae, 2020, arXiv:2010.05646). Flow and decoder are stacks of convolutions, so a
window of frames with enough context gives the same output as in the whole sentence. The context is computed from the
graph, which is changed to drop it as soon as no later layer needs it.

Only this file uses the onnx package, and only once per voice: the parts are cached on disk.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Any

from .receptive_field import UnsplittableError, choose_trims, cut_points

VERSION = 3

_SPEAKER = "sid"
"""The input that selects a speaker; only voices with several speakers have it."""


@dataclass(frozen=True)
class Part:
    """A part of a voice that can run on windows.

    Its inputs are `frames` (1, C, T), `trims` (the slices of engines.window_context.trims, flattened) and, if
    `speaker`, `sid`.
    """

    model: Path
    hop: int
    """Output values per frame."""

    reach: int
    """Frames of context that a window needs on each side."""

    points: tuple[tuple[int, int], ...]
    """Its trim points; see engines.window_context.trims."""

    speaker: bool


@dataclass(frozen=True)
class Parts:
    """A voice, split into three models."""

    encoder: Path
    flow: Part
    decoder: Part


def split(model: Path, cache: Path, verify: Callable[[Parts], None]) -> Parts:
    """Split a voice, or find its parts in `cache`.

    Args:
        model: the voice.
        cache: the folder for the parts; created if missing.
        verify: is given new parts; raises UnsplittableError if their output differs from the voice's.

    Raises:
        UnsplittableError: the graph cannot be split.
        OSError: the cache cannot be written.
    """
    status = model.stat()
    key = f"{VERSION}\0{model.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    stem = f"{model.stem}-{sha256(key.encode()).hexdigest()[:12]}"
    encoder, flow, decoder = (cache / f"{stem}.{part}.onnx" for part in ("encoder", "flow", "decoder"))
    facts = cache / f"{stem}.json"
    try:
        known = json.loads(facts.read_text("utf-8"))
        if known["sizes"] == [path.stat().st_size for path in (encoder, flow, decoder)]:
            return Parts(encoder, _part(flow, known["flow"]), _part(decoder, known["decoder"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # missing or damaged: split again
    graph = _Graph(model)
    contents = [graph.encoder(), *(graph.window(source, target) for source, target in graph.windowed)]
    cache.mkdir(parents=True, exist_ok=True)
    for path, (content, _) in zip((encoder, flow, decoder), contents, strict=True):
        _write(path, content)
    _, of_flow, of_decoder = (fact for _, fact in contents)
    parts = Parts(encoder, _part(flow, of_flow), _part(decoder, of_decoder))
    verify(parts)
    sizes = [len(content) for content, _ in contents]
    _write(facts, json.dumps({"sizes": sizes, "flow": of_flow, "decoder": of_decoder}).encode())
    return parts


def _part(model: Path, facts: dict[str, Any]) -> Part:
    points = tuple((rate, needed) for rate, needed in facts["points"])
    return Part(model, facts["hop"], facts["reach"], points, facts["speaker"])


class _Graph:
    """A voice's graph, and the tensors at which to split it."""

    def __init__(self, model: Path) -> None:
        import onnx  # noqa: PLC0415  slow to import, and not needed if the parts are cached

        self._onnx = onnx
        try:
            self._whole = onnx.load(str(model))
        except Exception as error:  # protobuf's errors for a damaged file
            raise UnsplittableError(f"not an ONNX model: {error}") from error
        graph = self._whole.graph
        self._nodes: Sequence[Any] = graph.node
        self._weights = {tensor.name: tensor for tensor in graph.initializer}
        self._inputs = {value.name: value for value in graph.input}
        maker = {name: node for node in graph.node for name in node.output}
        frames, latents = (self._first_input(name) for name in ("flow", "dec"))
        # A single sentence has no padding, so the mask by which the flow's output is multiplied is all ones.
        masks = [name for name in maker[latents].input if name in maker and maker[name].op_type == "Cast"]
        if len(masks) != 1 or len(graph.output) != 1:
            raise UnsplittableError("the flow does not end with a mask, or the graph has more than one output")
        self._mask = masks[0]
        self.windowed = ((frames, latents), (latents, graph.output[0].name))

    def _first_input(self, part: str) -> str:
        node = next((node for node in self._nodes if node.name.startswith(f"/{part}/")), None)
        if node is None:
            raise UnsplittableError(f"the graph has no node of Piper's part {part!r}")
        return str(node.input[0])

    def encoder(self) -> tuple[bytes, dict[str, Any]]:
        """Build the part from phonemes to frames; it has no facts."""
        target = self.windowed[0][0]
        nodes = self._path(set(), target)
        return self._model(nodes, self._used_inputs(nodes), [self._value(target)]), {}

    def window(self, source: str, target: str) -> tuple[bytes, dict[str, Any]]:
        """Build the part from one tensor to another, which runs on windows. Returns it with its fields of Part."""
        make = self._onnx.helper.make_node
        nodes = self._path({source, self._mask}, target)
        inputs = self._used_inputs(nodes)
        if {value.name for value in inputs} - {_SPEAKER}:
            raise UnsplittableError("flow or decoder depend on other inputs than the frames")
        path = list(cut_points(nodes, source, {name: tensor.dims for name, tensor in self._weights.items()}))
        cuts = {trim.name: (number, trim) for number, trim in enumerate(choose_trims(path))}
        # Each trim takes its start and end from the input `trims`.
        ends = [f"trims/{number}" for number in range(2 * len(cuts))]
        new = [make("Split", ["trims", "trims/ones"], ends, axis=0)]
        renamed, planes = {source: "frames"}, list[Any]()
        for node in nodes:
            copy = self._onnx.NodeProto()
            copy.CopyFrom(node)
            copy.input[:] = [renamed.get(name, name) for name in node.input]
            weight = self._weights.get(node.input[1]) if node.op_type == "Conv" else None
            if weight is None or weight.dims[0] == 1:
                new.append(copy)
            else:
                planes.append(self._plane(weight))
                new += self._as_2d(copy)
            for name in node.output:
                if name in cuts:
                    number, _ = cuts[name]
                    renamed[name] = f"{name}/trimmed"
                    new.append(make("Slice", [name, *ends[2 * number : 2 * number + 2], "trims/axis"], [renamed[name]]))
        constants = [
            self._tensor("trims/ones", [1] * len(ends), self._onnx.TensorProto.INT64),
            self._tensor("trims/axis", [-1], self._onnx.TensorProto.INT64),
            self._tensor(self._mask, [1.0], self._onnx.TensorProto.FLOAT),
            self._tensor("plane/axis", [2], self._onnx.TensorProto.INT64),
            *planes,
        ]
        taken = [self._value("frames"), self._value("trims", self._onnx.TensorProto.INT64), *inputs]
        facts = {
            "hop": path[-1].rate,
            "reach": ceil(path[-1].reach),
            "points": [(trim.rate, trim.needed) for _, trim in cuts.values()],
            "speaker": bool(inputs),
        }
        return self._model(new, taken, [self._value(renamed.get(target, target))], constants), facts

    def _as_2d(self, node: Any) -> Iterator[Any]:
        """Turn a 1-D convolution into a 2-D one over a plane of height 1, with the weights of `_plane`.

        For 2-D convolutions, ONNX Runtime has kernels that keep the channels of a moment together (NCHWc). They take a
        quarter less time, except for a single output channel, where they compute a whole block of channels.
        """
        make = self._onnx.helper.make_node
        source, target = node.input[0], node.output[0]
        node.input[:] = [f"{target}/source", f"{node.input[1]}/plane", *node.input[2:]]
        node.output[:] = [f"{target}/plane"]
        for attribute in node.attribute:
            values = list(attribute.ints)
            if attribute.name in ("dilations", "kernel_shape", "strides"):
                attribute.ints[:] = [1, *values]
            elif attribute.name == "pads":
                attribute.ints[:] = [0, values[0], 0, values[1]]
        yield make("Unsqueeze", [source, "plane/axis"], [node.input[0]])
        yield node
        yield make("Squeeze", [node.output[0], "plane/axis"], [target])

    def _plane(self, weight: Any) -> Any:
        """Reshape weights (O, I, K) to (O, I, 1, K)."""
        copy = self._onnx.TensorProto()
        copy.CopyFrom(weight)
        copy.name = f"{weight.name}/plane"
        copy.dims.insert(2, 1)
        return copy

    def _path(self, sources: set[str], target: str) -> list[Any]:
        """The nodes on the paths from sources to a target, in graph order."""
        maker = {name: node for node in self._nodes for name in node.output}
        open_names, keep = [target], set[int]()
        while open_names:
            name = open_names.pop()
            node = maker.get(name)
            if node is None or name in sources or id(node) in keep:
                continue
            keep.add(id(node))
            open_names += node.input
        return [node for node in self._nodes if id(node) in keep]

    def _used_inputs(self, nodes: Iterable[Any]) -> list[Any]:
        used = {name for node in nodes for name in node.input}
        return [value for name, value in self._inputs.items() if name in used]

    def _value(self, name: str, kind: int | None = None) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, kind or self._onnx.TensorProto.FLOAT, None)

    def _tensor(self, name: str, values: Sequence[float], kind: int) -> Any:
        return self._onnx.helper.make_tensor(name, kind, [len(values)], values)

    def _model(
        self, nodes: Sequence[Any], sources: Sequence[Any], targets: Sequence[Any], constants: Sequence[Any] = ()
    ) -> bytes:
        used = {name for node in nodes for name in node.input}
        weights = [tensor for name, tensor in self._weights.items() if name in used]
        kept = [tensor for tensor in constants if tensor.name in used]
        graph = self._onnx.helper.make_graph(nodes, "part", sources, targets, [*weights, *kept])
        made = self._onnx.helper.make_model(
            graph, opset_imports=self._whole.opset_import, ir_version=self._whole.ir_version
        )
        content: bytes = made.SerializeToString()
        return content


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

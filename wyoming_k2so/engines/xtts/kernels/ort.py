"""What every graph of ONNX Runtime here needs: sessions, constants outside the graph, and the int8 layer. No torch.

N: outputs, K: inputs of a layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]

MICROSOFT = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""

BLOCK = 64
"""Inputs that share a scale. At 32 the scales cost 6 % of the speed; at 128 a row would depend on its neighbours."""


def int8_bytes(outputs: int, inputs: int) -> int:
    """Memory of a layer once the runtime has packed it: weights, scales and the sum of each block."""
    return outputs * -(-inputs // BLOCK) * (BLOCK + 8)


def int8_node(x: str, constants: Sequence[str], y: str, inputs: int, outputs: int) -> onnx.NodeProto:
    """A node that computes an int8 layer; `constants` name its weight, its scale and, if it has one, its bias."""
    weight, scale, *bias = constants
    return helper.make_node(
        "MatMulNBits",
        [x, weight, scale, *(["", "", *bias] if bias else [])],
        [y],
        domain=MICROSOFT,
        K=inputs,
        N=outputs,
        bits=8,
        block_size=BLOCK,
        accuracy_level=4,  # inputs in int8 as well
    )


def int8_session(constants: Mapping[str, Array], inputs: int, outputs: int) -> onnxruntime.InferenceSession:
    """A single int8 layer, x (rows, K) -> y (rows, N), from its `weight`, `scale` and, if it has one, `bias`."""
    graph = helper.make_graph(
        [int8_node("x", list(constants), "y", inputs, outputs)],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", outputs])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return session(graph, threads=1)


def external_constant(name: str, value: Array) -> onnx.TensorProto:
    """A constant that the graph only names; its value is passed to `session`."""
    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    proto = TensorProto(name=name, data_type=kind, dims=value.shape, data_location=TensorProto.EXTERNAL)
    proto.external_data.add(key="location", value=name)
    return proto


def session(
    graph: onnx.GraphProto, *, threads: int, external: Mapping[str, Array] | None = None
) -> onnxruntime.InferenceSession:
    """A graph, ready to run on the processor. `external`: the values of its external constants."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Otherwise its threads spin between two runs, on the cores that torch wants for the vocoder.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if external:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in external.values()]
        options.add_external_initializers(list(external), values)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

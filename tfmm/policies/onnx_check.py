"""What an ONNX file must be before it is run: data alone, of operators that only compute, and of bounded size.

Assumes nothing of who wrote the file. A model that passes reads no other file, holds no loop, branch, function or
operator of a third party, and none of its tensors is large.
"""

import pathlib

import numpy as np
import onnx
from google.protobuf import message
from onnx import checker, numpy_helper, shape_inference

from tfmm import errors
from tfmm.policies import onnx_graph

OPSETS = range(13, 23)
MAX_BYTES, MAX_NODES, MAX_ELEMENTS = 16 << 20, 256, 1 << 22
"""Of the file; of the graph; of each tensor, for one observation."""
OPERATORS = {
    "Add", "ArgMax", "Cast", "Clip", "Constant", "Div", "Elu", "Flatten", "Gemm", "Identity", "LeakyRelu", "MatMul",
    "Max", "Min", "Mul", "Neg", "Relu", "Sigmoid", "Softplus", "Sub", "Tanh",
}  # fmt: skip
"""Those of networks of dense layers."""
_NUMBERS = {onnx.TensorProto.FLOAT, onnx.TensorProto.INT32, onnx.TensorProto.INT64}
_ATTRIBUTES = {onnx.AttributeProto.FLOAT, onnx.AttributeProto.INT, onnx.AttributeProto.INTS, onnx.AttributeProto.TENSOR}


def read(path: pathlib.Path) -> onnx.ModelProto:
    """The model in a file, checked.

    Raises:
        DataError: it is none, has what is not allowed here, is too large, or does not fit together.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise errors.DataError(f"{path}: over {MAX_BYTES} bytes, wanted a policy of at most that")
    try:
        model = onnx.load_model_from_string(data)
    except message.DecodeError as error:
        raise errors.DataError(f"{path}: {error}, wanted an ONNX model") from error
    try:
        _check_parts(model)
        checker.check_model(model)
        _check_shapes(model)
    except (checker.ValidationError, shape_inference.InferenceError, ValueError, TypeError) as error:
        raise errors.DataError(f"{path}: {_first_line(error)}") from error
    return model


def _check_parts(model):
    """Raises ValueError for what is not allowed; only these parts reach the checker of onnx, written in C++."""
    graph = model.graph
    opsets = [(one.domain, one.version) for one in model.opset_import]
    if len(opsets) != 1 or opsets[0][0] not in ("", "ai.onnx") or opsets[0][1] not in OPSETS:
        raise ValueError(f"opsets {opsets}, wanted one of ai.onnx from {OPSETS[0]} to {OPSETS[-1]}")
    if model.functions or model.training_info or graph.sparse_initializer or graph.quantization_annotation:
        raise ValueError("has functions, training, sparse or quantised tensors, wanted a graph of plain tensors")
    if not 0 < len(graph.node) <= MAX_NODES:
        raise ValueError(f"{len(graph.node)} nodes, wanted 1 to {MAX_NODES}")
    for node in graph.node:
        if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
            operator = f"{node.domain}.{node.op_type}".strip(".")
            raise ValueError(f"operator {operator!r}, wanted only {', '.join(sorted(OPERATORS))}")
        for attribute in node.attribute:
            if attribute.type not in _ATTRIBUTES or attribute.ref_attr_name:
                raise ValueError(f"attribute {attribute.name!r} of {node.op_type}, wanted numbers and tensors alone")
            if attribute.type == onnx.AttributeProto.TENSOR:
                _check_constant(attribute.t)
    for constant in graph.initializer:
        _check_constant(constant)


def _check_constant(tensor):
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ValueError(f"tensor {tensor.name!r} lies in another file, wanted it in this one")
    if tensor.data_type not in _NUMBERS:
        raise ValueError(f"tensor {tensor.name!r} has data type {tensor.data_type}, wanted float32, int32 or int64")
    if (
        any(size < 0 for size in tensor.dims)
        or int(np.prod([int(n) for n in tensor.dims], dtype=object)) > MAX_ELEMENTS
    ):
        raise ValueError(f"tensor {tensor.name!r} has shape {list(tensor.dims)}, wanted up to {MAX_ELEMENTS} numbers")
    try:
        values = numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        raise ValueError(f"tensor {tensor.name!r}: {error}") from error
    if tensor.name != onnx_graph.NO_QUOTE and not np.isfinite(values).all():
        raise ValueError(f"tensor {tensor.name!r} has a number that is not finite, wanted finite ones")


def _check_shapes(model):
    """Raises ValueError where a tensor has a shape that is not known beforehand, but for the number of observations."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for output in bare.graph.output:  # what the file says of it does not count
        for size in output.type.tensor_type.shape.dim:
            size.Clear()
    inferred = shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True).graph
    constants = {one.name for one in inferred.initializer}
    inputs = [one for one in inferred.input if one.name not in constants]
    if len(inputs) != 1 or len(_shape(inputs[0])) != 2 or not isinstance(_shape(inputs[0])[0], str):
        found = {one.name: _shape(one) for one in inputs}
        raise ValueError(f"inputs {found}, wanted one of observations, [a name, number of features]")
    batch = _shape(inputs[0])[0]
    known = {one.name: _shape(one) for one in (*inferred.input, *inferred.output, *inferred.value_info)}
    for node in inferred.node:
        for name in node.output:
            sizes = [1 if n == batch and k == 0 else n for k, n in enumerate(known.get(name, [None]))]
            bounded = all(isinstance(n, int) and n > 0 for n in sizes)
            if not bounded or int(np.prod(sizes, dtype=object)) > MAX_ELEMENTS:
                raise ValueError(
                    f"output {name!r} of {node.op_type} has shape {known.get(name)}, "
                    f"wanted up to {MAX_ELEMENTS} numbers for each of the {batch} observations"
                )


def _shape(value):
    """[size, or its name, or None where it has neither]."""
    sizes = value.type.tensor_type.shape.dim
    return [one.dim_value if one.HasField("dim_value") else one.dim_param or None for one in sizes]


def _first_line(error):
    """The message of onnx without the lines that say where in its sources it was raised."""
    return str(error).strip().split("\n")[0] or type(error).__name__

"""A policy as an ONNX model, for runtimes that know neither flax nor this package."""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from minetest_interp.model.policy import LAYERS, Policy

OPSET, IR = 17, 8  # fixed: a newer exporter would give other bytes, and older runtimes read these
INPUT, OUTPUTS = "frames", ("logits", "value")


def build(policy: Policy, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The model of a policy: float32 stacks `frames` `[N, T, S, S]`, 0 to 255, to `logits` `[N, A]` and `value` `[N]`.

    The layers' activations have their names in the graph, convolutions before their ReLU, as in `policy.Trace`.

    Args:
      metadata: written into the model as it is.
    """
    geometry, params = policy.geometry, policy.params
    *convolutions, hidden = LAYERS
    weights: dict[str, np.ndarray | np.generic]
    weights, nodes = {"white": np.float32(255), "column": np.array([1], np.int64)}, []

    def add(kind: str, inputs: list[str], output: str, **attributes) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def parameters(name: str, *axes: int) -> list[str]:
        """A layer's kernel, its axes in ONNX's order, and its bias."""
        weights[f"{name}.kernel"] = np.transpose(params[name]["kernel"], axes)
        weights[f"{name}.bias"] = np.asarray(params[name]["bias"])
        return [f"{name}.kernel", f"{name}.bias"]

    x = add("Div", [INPUT, "white"], "scaled")
    for name, stride in zip(convolutions, geometry.strides, strict=True):
        add("Conv", [x, *parameters(name, 3, 2, 0, 1)], name, strides=[stride, stride])
        x = add("Relu", [name], f"{name}.relu")
    x = add("Transpose", [x], "channels_last", perm=[0, 2, 3, 1])  # the order in which flax flattens
    x = add("Gemm", [add("Flatten", [x], "flat"), *parameters(hidden, 0, 1)], f"{hidden}.sum")
    x = add("Relu", [x], hidden)
    add("Gemm", [x, *parameters("actor", 0, 1)], "logits")
    add("Squeeze", [add("Gemm", [x, *parameters("critic", 0, 1)], "value.column"), "column"], "value")

    shapes: dict[str, list[str | int | None]]
    shapes = {INPUT: ["N", *geometry.shape("input")], "logits": ["N", geometry.actions], "value": ["N"]}
    described = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()}
    graph = helper.make_graph(
        nodes,
        "policy",
        [described[INPUT]],
        [described[name] for name in OUTPUTS],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="minetest_interp"
    )
    helper.set_model_props(model, dict(metadata))
    return model


def to_bytes(model: onnx.ModelProto) -> bytes:
    """The file's content; the same model gives the same bytes.

    Raises:
      onnx.checker.ValidationError: the model is not a valid one.
    """
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)

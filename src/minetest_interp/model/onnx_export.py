"""A policy as an ONNX model, for runtimes that know neither flax nor this package."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from minetest_interp.model import op_list
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.op_list import Operation
from minetest_interp.model.policy import Policy

OPSET, IR = 17, 8  # fixed: a newer exporter would give other bytes, and older runtimes read these
INPUT = "frames"
CHANNELS_LAST, CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)  # the orders of axes of flax, and of ONNX


class Graph:
    """Nodes and weights of a network. Activations are `[N, C, H, W]`, or `[N, C]` where they have no positions."""

    def __init__(self, params: Mapping[str, Mapping[str, AnyArray]]):
        self.params = params
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, np.ndarray] = {}

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """A node, named after what it makes."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def weight(self, name: str, array: AnyArray) -> str:
        """An array of the model's own."""
        self.weights[name] = np.ascontiguousarray(array)
        return name

    def parameters(self, name: str, *keys: str) -> list[str]:
        """Arrays of an operation; kernels of convolutions with their axes in ONNX's order."""
        arrays = {key: np.asarray(self.params[name][key]) for key in keys}
        turned = {key: array.transpose(3, 2, 0, 1) if array.ndim == 4 else array for key, array in arrays.items()}
        return [self.weight(f"{name}.{key}", array) for key, array in turned.items()]

    def run(self, operations: list[Operation], x: str, output: str) -> str:
        """Operations in turn from the activation `x`; what the last one makes is named `output`."""
        *before, last = operations
        for i, operation in enumerate(before):
            x = self.operation(operation, x, f"{output}.{i}")
        return self.operation(last, x, output)

    def operation(self, operation: Operation, x: str, output: str) -> str:
        """One operation, as one node or several."""
        match operation:
            case {"kind": "scale", "divisor": divisor}:
                return self.add("Div", [x, self.weight("divisor", np.array([divisor], np.float32))], output)
            case {"kind": "relu"}:
                return self.add("Relu", [x], output)
            case {"kind": "tanh"}:
                return self.add("Tanh", [x], output)
            case {"kind": "silu"}:
                return self.add("Mul", [x, self.add("Sigmoid", [x], f"{output}.sigmoid")], output)
            case {"kind": "convolution", "name": name}:
                return self.add("Conv", [x, *self.parameters(name, "kernel", "bias")], output, **_window(operation))
            case {"kind": "max pool"}:
                return self.add("MaxPool", [x], output, **_window(operation))
            case {"kind": "mean pool"}:
                return self.add("AveragePool", [x], output, count_include_pad=1, **_window(operation))
            case {"kind": "normalise", "name": name, "epsilon": epsilon, "given": given}:
                x = self.channels_last(x, given, output)
                inputs, settings = [x, *self.parameters(name, "scale", "bias")], {"axis": -1, "epsilon": epsilon}
                if len(given) == 1:
                    return self.add("LayerNormalization", inputs, output, **settings)
                x = self.add("LayerNormalization", inputs, f"{output}.normal", **settings)
                return self.add("Transpose", [x], output, perm=CHANNELS_FIRST)
            case {"kind": "flatten", "given": given}:
                return self.add("Flatten", [self.channels_last(x, given, output)], output)
            case {"kind": "dense", "name": name}:
                return self.add("Gemm", [x, *self.parameters(name, "kernel", "bias")], output)
            case {"kind": "residual", "steps": steps}:
                return self.add("Add", [x, self.run(steps, x, f"{output}.inside")], output)
            case {"kind": "expectation", "atoms": atoms, "made": (actions,), "lowest": lowest, "highest": highest}:
                shape = self.weight(f"{output}.shape", np.array([-1, actions, atoms]))
                shares = self.add("Softmax", [self.add("Reshape", [x, shape], f"{output}.scores")], f"{output}.shares")
                returns = self.weight(f"{output}.returns", np.linspace(lowest, highest, atoms, dtype=np.float32))
                return self.add("MatMul", [shares, returns], output)
        raise ValueError(f"an operation must be of a kind that `op_list` names; got {operation['kind']!r}.")

    def channels_last(self, x: str, shape: tuple[int, ...], output: str) -> str:
        """The activation as flax has it."""
        return x if len(shape) == 1 else self.add("Transpose", [x], f"{output}.channels_last", perm=CHANNELS_LAST)


def build(policy: Policy, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The model of a policy, from float32 stacks `frames` `[N, T, H, W]`, 0 to 255, to what its network has.

    These are `logits` `[N, A]`, `q` `[N, A]` and `value` `[N]`, as in `architecture.Trace`. The layers' activations
    have their names in the graph, those with positions as `[N, C, H, W]`.

    Args:
      metadata: written into the model as it is.
    """
    network, graph, x = policy.architecture, Graph(policy.params), INPUT
    for layer in op_list.layers(network):
        x = graph.run(layer["steps"], x, layer["name"])
    for head in op_list.heads(network):
        match head["name"]:
            case "actor":
                graph.run(head["steps"], x, "logits")
            case "q":
                graph.add("ReduceMax", [graph.run(head["steps"], x, "q")], "value", axes=[-1], keepdims=0)
            case "critic":
                column = graph.weight("column", np.array([1]))
                graph.add("Squeeze", [graph.run(head["steps"], x, "value.column"), column], "value")
    shapes: dict[str, list[str | int | None]]
    shapes = {
        INPUT: ["N", *network.stack],
        "logits": ["N", network.actions],
        "q": ["N", network.actions],
        "value": ["N"],
    }
    described = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()}
    made = helper.make_graph(
        graph.nodes,
        "policy",
        [described[INPUT]],
        [described[name] for name in network.outputs],
        [numpy_helper.from_array(array, name) for name, array in graph.weights.items()],
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="minetest_interp"
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


def _window(operation: Operation) -> dict[str, Any]:
    rows, columns = operation["pads"]
    return {
        "kernel_shape": operation["window"],
        "strides": operation["strides"],
        "pads": [rows[0], columns[0], rows[1], columns[1]],
    }

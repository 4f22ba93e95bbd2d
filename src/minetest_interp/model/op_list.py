"""A network as a list of its operations in plain values, for those who run it without JAX: the page's script, and ONNX.

An operation is a map: `kind`; `given` and `made`, the shapes of one item before and after it; `name`, that of its
parameters, where it has some; and its settings. Kinds are "scale", "convolution", "max pool", "mean pool", "normalise",
"flatten", "dense", "residual" (with the operations inside it as `steps`), the names of `steps.FUNCTIONS`, and
"expectation", which makes Q values of distributions over returns.
"""

from typing import Any

from jax import lax

from minetest_interp.io.errors import InputError
from minetest_interp.model import steps
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.steps import (
    Apply,
    Convolution,
    Dense,
    Flatten,
    Normalise,
    Part,
    Pool,
    Residual,
    Scale,
    Shape,
    Step,
)

Operation = dict[str, Any]
UNKNOWN = (
    "the frame explorer and the ONNX model must be of convolutions, pools, dense layers, layer normalisation, sums and "
    "the functions between them; this network has something else"
)


def why_not(network: Architecture) -> str | None:
    """Why a network cannot be listed so, None where it can."""
    taken = [*(step for layer in network.layers for step in layer.steps), *network.last]
    return UNKNOWN if any(isinstance(step, Part) for step in taken) else None


def layers(network: Architecture) -> list[dict[str, Any]]:
    """Every layer in order: its `name`, its `shape`, and the operations that lead to it as `steps`."""
    shapes = [network.shape(target) for target in network.targets]
    return [
        {"name": layer.name, "shape": shape, "steps": _operations(layer.steps, given)}
        for layer, given, shape in zip(network.layers, shapes[:-1], shapes[1:], strict=True)
    ]


def heads(network: Architecture) -> list[dict[str, Any]]:
    """Every head: its `name`, and the operations on the last layer as `steps`."""
    given = network.shape(network.targets[-1])
    return [{"name": head.name, "steps": _head(network, head, given)} for head in network.heads]


def _head(network: Architecture, head: Dense, given: Shape) -> list[Operation]:
    found = _operations((*network.last, head), given)
    if head.name == "q" and network.atoms is not None:
        count, lowest, highest = network.atoms
        returns = {"atoms": count, "lowest": lowest, "highest": highest}
        found.append({"kind": "expectation", "given": (head.features,), "made": (network.actions,), **returns})
    return found


def _operations(taken: tuple[Step, ...], given: Shape) -> list[Operation]:
    found = []
    for step in taken:
        made = steps.shape((step,), given)
        found.append({"given": given, "made": made, **_settings(step, given)})
        given = made
    return found


def _settings(step: Step, given: Shape) -> Operation:
    match step:
        case Scale(divisor):
            return {"kind": "scale", "divisor": divisor}
        case Apply(function):
            return {"kind": function}
        case Convolution(name):
            return {"kind": "convolution", "name": name, **_window(step.kernel, step, given)}
        case Pool(window):
            return {"kind": "mean pool" if step.mean else "max pool", **_window(window, step, given)}
        case Normalise(name, epsilon):
            return {"kind": "normalise", "name": name, "epsilon": epsilon}
        case Flatten():
            return {"kind": "flatten"}
        case Dense(name):
            return {"kind": "dense", "name": name}
        case Residual(inside):
            return {"kind": "residual", "steps": _operations(inside, given)}
        case Part():
            raise InputError(f"{UNKNOWN}.")


def _window(window: Shape, step: Convolution | Pool, given: Shape) -> Operation:
    """pads: positions of padding before and after, of rows and of columns."""
    pads = lax.padtype_to_pads(given[:2], window, step.strides, step.padding)
    return {"window": window, "strides": step.strides, "pads": pads}

"""A network in plain values and words: what its layers are, what their units see, and what its heads put out."""

from collections.abc import Iterator
from typing import Any

from minetest_interp.model.architecture import Architecture, Layer
from minetest_interp.model.modules import ModuleNetwork
from minetest_interp.model.policy import Policy
from minetest_interp.model.steps import Apply, Convolution, Part, Pool, Residual, Step


def describe(network: Architecture) -> dict[str, Any]:
    """The network's sizes, layers and heads.

    Returns:
      frames, height, width: of a stack, in pictures (or colours) and pixels. reads: the rows and the columns, from the
      top left, that reach any head; the strides may leave the rest unread. layers: in order, see `_layer`. heads: with
      `name` and `outputs`, a number for each action, or for each of its returns. actions: how many it chooses from.
      outputs: what the heads give, as fields of `Trace`.
    """
    frames, height, width = network.stack
    return {
        "frames": frames,
        "height": height,
        "width": width,
        "reads": network.reads,
        "layers": [_layer(network, layer) for layer in network.layers],
        "heads": [{"name": head.name, "outputs": head.features} for head in network.heads],
        "actions": network.actions,
        "outputs": list(network.outputs),
    }


def why_not_aligned(policy: Policy) -> str | None:
    """Why the actor's weights cannot be held against the critic's; None where they can."""
    if isinstance(policy.network, ModuleNetwork):
        return "which weights of its module are the heads' is not known"
    lacking = sorted({"actor", "critic"} - set(policy.params))
    return f"this policy has no {' and no '.join(lacking)}" if lacking else None


def _layer(network: Architecture, layer: Layer) -> dict[str, Any]:
    """One layer.

    Returns:
      name; shape, of one item: rows, columns and channels, or units. windows: of the convolutions and pools that lead
      to it, in order, with `kind`, `size`, `stride` (of rows and columns) and `padding`. function: what each number is
      passed through at last, before it is shown; next: what the following layer passes it through first; None for
      none. field: what a unit sees, by rows and by columns, as `size`, `stride` and `start` in pixels; None where a
      layer has no positions.
    """
    field, last = network.extent(layer.name), layer.steps[-1]
    return {
        "name": layer.name,
        "shape": list(network.shape(layer.name)),
        "windows": list(_windows(layer.steps)),
        "function": last.function if isinstance(last, Apply) else None,
        "next": network.passed_through(layer.name),
        "field": field and [axis._asdict() for axis in field],
    }


def _windows(steps: tuple[Step, ...], *, residual: bool = False) -> Iterator[dict[str, Any]]:
    for step in steps:
        match step:
            case Residual():
                yield from _windows(step.steps, residual=True)
            case Part():
                yield from _windows(step.inside)
            case Convolution():
                kind = "residual convolution" if residual else "convolution"
                yield {"kind": kind, "size": step.kernel, "stride": step.strides, "padding": step.padding}
            case Pool():
                kind = "mean" if step.mean else "maximum"
                yield {"kind": kind, "size": step.window, "stride": step.strides, "padding": step.padding}

"""A network in plain values, ready for JSON: what its layers are, what their units see, and what its heads put out."""

from collections.abc import Iterator, Sequence
from typing import Any

from minetest_interp.model.architecture import Layer
from minetest_interp.model.modules import ModuleLayer
from minetest_interp.model.policy import Layered
from minetest_interp.model.steps import Apply, Convolution, Pool, Residual, Step


def describe(network: Layered) -> dict[str, Any]:
    """The network's sizes, layers and heads.

    Returns:
      frames, height, width: of a stack, in pictures (or colours) and pixels. reads: the rows and the columns, from the
      top left, that reach any head; the strides may leave the rest unread. layers: in order, see `_layer`. heads: with
      `name` and `outputs`, a number for each action, or for each of its returns. actions: how many it chooses from.
      outputs: what the heads give, as fields of `Trace`.
    """
    frames, height, width = network.stack
    layers: Sequence[Layer | ModuleLayer] = network.layers
    return {
        "frames": frames,
        "height": height,
        "width": width,
        "reads": _read(network),
        "layers": [_layer(network, layer, after) for layer, after in zip(layers, [*layers[1:], None], strict=True)],
        "heads": [{"name": head.name, "outputs": head.features} for head in network.heads],
        "actions": network.actions,
        "outputs": list(network.outputs),
    }


def _layer(network: Layered, layer: Layer | ModuleLayer, after: Layer | ModuleLayer | None) -> dict[str, Any]:
    """One layer.

    Returns:
      name; shape, of one item: rows, columns and channels, or units. windows: of the convolutions and pools that lead
      to it, in order, with `kind`, `size`, `stride` (of rows and columns) and `padding`. function: what each number is
      passed through at last, before it is shown; next: what the following layer passes it through first; None for
      none. field: what a unit sees, by rows and by columns, as `size`, `stride` and `start` in pixels; None where a
      layer has no positions.
    """
    field = network.extent(layer.name)
    last, following = _functions(layer, after)
    return {
        "name": layer.name,
        "shape": list(network.shape(layer.name)),
        "windows": list(_windows(layer.steps)) if isinstance(layer, Layer) else [w._asdict() for w in layer.windows],
        "function": last,
        "next": following,
        "field": field and [axis._asdict() for axis in field],
    }


def _functions(layer: Layer | ModuleLayer, after: Layer | ModuleLayer | None) -> tuple[str | None, str | None]:
    if isinstance(layer, ModuleLayer):
        return layer.before, layer.after
    last, first = layer.steps[-1], after.steps[0] if isinstance(after, Layer) else None
    return last.function if isinstance(last, Apply) else None, first.function if isinstance(first, Apply) else None


def _windows(steps: tuple[Step, ...], *, residual: bool = False) -> Iterator[dict[str, Any]]:
    for step in steps:
        match step:
            case Residual():
                yield from _windows(step.steps, residual=True)
            case Convolution():
                kind = "residual convolution" if residual else "convolution"
                yield {"kind": kind, "size": step.kernel, "stride": step.strides, "padding": step.padding}
            case Pool():
                kind = "mean" if step.mean else "maximum"
                yield {"kind": kind, "size": step.window, "stride": step.strides, "padding": step.padding}


def _read(network: Layered) -> list[int]:
    """Rows and columns that some position of the last layer with positions sees."""
    reads = list(network.stack[1:])
    for target in network.targets[1:]:
        if extent := network.extent(target):
            ends = (
                axis.start + axis.stride * (count - 1) + axis.size
                for axis, count in zip(extent, network.shape(target)[:2], strict=True)
            )
            reads = [min(side, end) for side, end in zip(network.stack[1:], ends, strict=True)]
    return reads

"""Which channels a unit reads and feeds, by the network's weights alone, whatever the frames are.

A *direction* weighs the channels of its layer: one-hot for a channel, an NMF factor for a direction, a readout's
weights for a head. *Slices* are what joins it to the channels of the layer before or after, at each of some
places: those of a kernel, or those of the grid that the hidden layer reads.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from minetest_interp.io.errors import InputError
from minetest_interp.model.networks import CONVOLUTIONS
from minetest_interp.model.policy import LAYERS, Policy


class Joint(NamedTuple):
    """unit: number of the channel at the other end. weight: the norm of its slice, with the sign of the slice's sum."""

    unit: int
    weight: float


class Strongest(NamedTuple):
    """Joints of a unit, strongest first. outgoing is empty for the hidden layer: the heads read it."""

    incoming: list[Joint]
    outgoing: list[Joint]


def strongest_weights(policy: Policy, layer: str, direction: Float[np.ndarray, " channel"], *, count: int) -> Strongest:
    """The `count` strongest joints of a direction of `layer` with the layer before and the layer after.

    Before conv0 come the frames of the stack, oldest first; after conv2 the hidden units. A ReLU between two layers is
    not counted: it may cut what a weight would pass on.

    Raises:
      InputError: the direction has not one number for each channel of `layer`.
    """
    outgoing = strongest(slices_out(policy, layer, direction), count=count) if layer in CONVOLUTIONS else []
    return Strongest(strongest(slices_in(policy, layer, direction), count=count), outgoing)


def strongest(slices: Float[np.ndarray, "place channel"], *, count: int) -> list[Joint]:
    """The `count` channels whose slices are longest, the longest first, equal ones in their order."""
    sizes = np.linalg.norm(slices, axis=0)
    signed = np.where(slices.sum(0) < 0, -sizes, sizes)
    return [Joint(int(i), float(signed[i])) for i in np.argsort(-sizes, kind="stable")[:count]]


def slices_in(
    policy: Policy, layer: str, direction: Float[np.ndarray, " channel"]
) -> Float[np.ndarray, "place channel_before"]:
    """What a direction reads of the layer before, places row by row."""
    return _places(policy, layer) @ _checked(policy, layer, direction)


def slices_out(
    policy: Policy, layer: str, direction: Float[np.ndarray, " channel"]
) -> Float[np.ndarray, "place channel_after"]:
    """What a direction of a convolution feeds in the layer after."""
    after = LAYERS[LAYERS.index(layer) + 1]
    return np.einsum("pcd,c->pd", _places(policy, after), _checked(policy, layer, direction))


def _places(policy: Policy, layer: str) -> Float[np.ndarray, "place channel_before channel"]:
    """A layer's kernel by place, channel before and channel."""
    kernel = np.asarray(policy.params[layer]["kernel"], np.float64)
    i = LAYERS.index(layer)
    before = policy.geometry.channels[i - 1] if i else policy.geometry.frames
    return kernel.reshape(-1, before, kernel.shape[-1])


def _checked(policy: Policy, layer: str, direction: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"]:
    direction, width = np.asarray(direction, np.float64), policy.geometry.shape(layer)[-1]
    if direction.shape != (width,):
        raise InputError(f"a direction of {layer} must have {width} numbers; got {list(direction.shape)}.")
    return direction

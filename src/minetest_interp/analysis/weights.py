"""Which channels a unit reads and feeds, by the network's weights alone, whatever the frames are.

A *direction* weighs the channels of its layer: one-hot for a channel, an NMF factor for a direction, a readout's
weights for a head. *Slices* are what joins it to the channels of the layer before or after, at each of some
places: those of a kernel, or those of the grid that a dense layer reads.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from minetest_interp.io.errors import InputError
from minetest_interp.model.architecture import INPUT, Architecture
from minetest_interp.model.policy import Policy
from minetest_interp.model.steps import Apply, Convolution, Dense, Flatten, Scale


class Joint(NamedTuple):
    """unit: number of the channel at the other end. weight: the norm of its slice, with the sign of the slice's sum."""

    unit: int
    weight: float


class Strongest(NamedTuple):
    """Joints of a unit, strongest first; none with a layer that is not joined (`is_joined`) and none after the last."""

    incoming: list[Joint]
    outgoing: list[Joint]


def strongest_weights(policy: Policy, layer: str, direction: Float[np.ndarray, " channel"], *, count: int) -> Strongest:
    """The `count` strongest joints of a direction of `layer` with the layer before and the layer after.

    Before the first layer come the frames of the stack, oldest first. A function between two layers is not counted: a
    ReLU may cut what a weight would pass on.

    Raises:
      InputError: the direction has not one number for each channel of `layer`.
    """
    network = policy.architecture
    after = network.targets[network.targets.index(layer) + 1 :][:1]
    incoming = slices_in(policy, layer, direction) if is_joined(network, layer) else None
    outgoing = slices_out(policy, layer, direction) if after and is_joined(network, *after) else None
    return Strongest(*([] if found is None else strongest(found, count=count) for found in (incoming, outgoing)))


def is_joined(network: Architecture, layer: str) -> bool:
    """Whether one kernel alone, beside functions of single numbers, lies between a layer and the one before."""
    steps = next(each.steps for each in network.layers if each.name == layer)
    kernels = [step for step in steps if isinstance(step, Convolution | Dense)]
    return len(kernels) == 1 and all(isinstance(step, Convolution | Dense | Apply | Scale | Flatten) for step in steps)


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
    """What a direction feeds in the layer after."""
    targets = policy.architecture.targets
    after = targets[targets.index(layer) + 1]
    return np.einsum("pcd,c->pd", _places(policy, after), _checked(policy, layer, direction))


def _places(policy: Policy, layer: str) -> Float[np.ndarray, "place channel_before channel"]:
    """A layer's kernel by place, channel before and channel."""
    network = policy.architecture
    kernel = np.asarray(policy.params[layer]["kernel"], np.float64)
    before = network.targets[network.targets.index(layer) - 1]
    channels = network.frames if before == INPUT else network.shape(before)[-1]
    return kernel.reshape(-1, channels, kernel.shape[-1])


def _checked(policy: Policy, layer: str, direction: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"]:
    direction, width = np.asarray(direction, np.float64), policy.architecture.shape(layer)[-1]
    if direction.shape != (width,):
        raise InputError(f"a direction of {layer} must have {width} numbers; got {list(direction.shape)}.")
    return direction

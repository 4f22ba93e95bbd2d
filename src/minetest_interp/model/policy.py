"""A policy: a network and its parameters. A *stack* is float32 `[B, T, H, W]`: 0 (black) to 255, oldest first.

The network is an `Architecture` or, where `Geometry` gives its sizes, CleanRL's Atari agent: three convolutions, one
dense layer, then an actor and a critic on the same 512 numbers.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from minetest_interp.model.architecture import Architecture, Edit, Layer, Trace, keep
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.steps import Apply, Convolution, Dense, Flatten, Scale

LAYERS = ("conv0", "conv1", "conv2", "hidden")
TARGETS = ("input", *LAYERS)


class Geometry(NamedTuple):
    """The sizes that define a policy; channels, kernels and strides from conv0 to conv2.

    frames: grey frames in a stack. size: height and width of a frame in pixels. hidden: width of the dense
    layer. actions: number of logits.
    """

    frames: int = 4
    size: int = 64
    channels: tuple[int, int, int] = (32, 64, 64)
    kernels: tuple[int, int, int] = (8, 4, 3)
    strides: tuple[int, int, int] = (4, 2, 1)
    hidden: int = 512
    actions: int = 36

    @property
    def sides(self) -> tuple[int, int, int]:
        """Height (and width) of the three convolutions' outputs, in positions."""
        side, sides = self.size, []
        for kernel, stride in zip(self.kernels, self.strides, strict=True):
            side = (side - kernel) // stride + 1
            sides.append(side)
        return sides[0], sides[1], sides[2]

    def shape(self, target: str) -> tuple[int, ...]:
        """Shape of one item at a target, without the batch axis."""
        if target == "input":
            return (self.frames, self.size, self.size)
        if target == "hidden":
            return (self.hidden,)
        i = LAYERS.index(target)
        return (self.sides[i], self.sides[i], self.channels[i])


Sizes = Geometry | Architecture


@cache
def nature(geometry: Geometry) -> Architecture:
    """The network of these sizes; convolutions are shown before their ReLU, "hidden" after it."""
    relu = (Apply(),)
    convolutions = [
        Layer(name, (*(relu if i else (Scale(),)), Convolution(name, features, (kernel, kernel), (stride, stride))))
        for i, (name, features, kernel, stride) in enumerate(
            zip(LAYERS[:3], geometry.channels, geometry.kernels, geometry.strides, strict=True)
        )
    ]
    hidden = Layer("hidden", (*relu, Flatten(), Dense("hidden", geometry.hidden), *relu))
    heads = Dense("actor", geometry.actions), Dense("critic", 1)
    return Architecture((geometry.frames, geometry.size, geometry.size), (*convolutions, hidden), heads)


class Policy(NamedTuple):
    """A network with its parameters: what every later computation takes.

    params: by the names in the network's steps, as `{"conv0": {"kernel", "bias"}, ..., "hidden", "actor", "critic"}`;
      those of a person's module by the paths of its submodules.
    """

    network: Sizes
    params: Mapping[str, Mapping[str, AnyArray]]

    @property
    def architecture(self) -> Architecture:
        """The network's layers, heads and steps."""
        return nature(self.network) if isinstance(self.network, Geometry) else self.network

    @property
    def geometry(self) -> Geometry:
        """The sizes of CleanRL's Atari agent, of which the fast networks are made.

        Raises:
          ValueError: the network is another one.
        """
        if isinstance(self.network, Geometry):
            return self.network
        raise ValueError(f"the network must be CleanRL's Atari agent; its layers are {self.architecture.targets[1:]}.")

    def run(self, activation: Float[AnyArray, "batch ..."], *, start: str = "input", edit: Edit = keep) -> Trace:
        """Runs from `start` to the heads; a jittable function of `activation`.

        Raises:
          ValueError: `start` is not one of the network's targets, or the activation has not that target's shape.
        """
        if start not in self.architecture.targets:
            raise ValueError(f"`start` must be one of {self.architecture.targets}; got {start!r}.")
        expected = self.architecture.shape(start)
        if tuple(activation.shape[1:]) != expected:
            raise ValueError(f"the activation of {start!r} must be [B, {str(expected)[1:-1]}]; got {activation.shape}.")
        return self.architecture.run(self.params, activation, start, edit)


def shuffled_weights(policy: Policy, *, seed: int) -> Policy:
    """The policy with the numbers of every array in random order: what a dream shows that no learning put there."""
    generator = np.random.default_rng(seed)

    def shuffle(array):
        array = np.asarray(array)
        return generator.permutation(array.ravel()).reshape(array.shape)

    return Policy(policy.network, jax.tree.map(shuffle, dict(policy.params)))


def shuffled_networks(policy: Policy, *, count: int, seed: int) -> Iterator[Policy]:
    """Several networks of `shuffled_weights`; the first has this seed, and each other the next."""
    return (shuffled_weights(policy, seed=seed + number) for number in range(count))


Objective = Callable[[Trace], Array]


def layer_gradients(
    policy: Policy, objective: Objective, stack: Float[AnyArray, "batch frame row column"]
) -> tuple[Float[Array, " batch"], dict[str, Float[Array, "batch ..."]]]:
    """The objective and its gradient with respect to every target, in one backward pass.

    Each layer is given an additive perturbation of zero; the gradient with respect to it is the gradient with
    respect to the layer's activation, equal to the one taken by starting a run there.

    Args:
      objective: one score per item; items must not influence one another.

    Returns:
      scores, and target name to gradient, in units of the score per unit of activation.
    """
    network = policy.architecture
    zeros = {name: jnp.zeros((len(stack), *network.shape(name))) for name in network.targets}

    def total(deltas: dict[str, Array]) -> tuple[Array, Array]:
        scores = objective(policy.run(stack, edit=lambda name, activation: activation + deltas[name]))
        return scores.sum(), scores

    gradients, scores = jax.grad(total, has_aux=True)(zeros)
    return scores, gradients

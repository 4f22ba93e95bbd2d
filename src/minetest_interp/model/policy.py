"""The PPO policy in named layers. A *stack* is float32 `[B, T, H, W]`: grey levels 0 (black) to 255, oldest first.

The network is CleanRL's Atari agent: three convolutions, one dense layer, then an actor and a critic on
the same 512 numbers. A run may begin at any of the five `TARGETS`, given that layer's activation.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from minetest_interp.model.arrays import AnyArray

LAYERS = ("conv0", "conv1", "conv2", "hidden")
TARGETS = ("input", *LAYERS)

Edit = Callable[[str, Array], Array]


class Trace(NamedTuple):
    """Everything one run computed; objectives are functions of it.

    logits: unnormalised log-probabilities of the actions.
    value: the critic's estimate of the discounted return, in reward units.
    hidden: after its ReLU.
    layers: name to activation, from the target where the run began; convolutions `[batch, row, column, channel]` before
      their ReLU, "hidden" after it.
    """

    logits: Float[Array, "batch action"]
    value: Float[Array, " batch"]
    hidden: Float[Array, "batch channel"]
    layers: dict[str, Float[Array, "batch *position channel"]]


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

    @property
    def receptive_fields(self) -> tuple[tuple[int, int], ...]:
        """For each convolution (size, stride) in pixels; the top-left corner of unit i lies at stride * i."""
        field, jump, fields = 1, 1, []
        for kernel, stride in zip(self.kernels, self.strides, strict=True):
            field, jump = field + (kernel - 1) * jump, jump * stride
            fields.append((field, jump))
        return tuple(fields)

    @property
    def read_size(self) -> int:
        """Pixels from the top left that any unit of conv2 reads; the rest have exactly zero gradient."""
        field, stride = self.receptive_fields[-1]
        return field + stride * (self.sides[-1] - 1)

    def shape(self, target: str) -> tuple[int, ...]:
        """Shape of one item at a target, without the batch axis."""
        if target == "input":
            return (self.frames, self.size, self.size)
        if target == "hidden":
            return (self.hidden,)
        i = LAYERS.index(target)
        return (self.sides[i], self.sides[i], self.channels[i])


def keep(name: str, activation: Float[Array, "batch ..."]) -> Float[Array, "batch ..."]:
    """The edit that changes nothing."""
    return activation


class Network(nn.Module):
    """Shared torso, then an actor and a critic; initialised as CleanRL does (orthogonal)."""

    geometry: Geometry = Geometry()

    def setup(self):
        g = self.geometry
        torso = nn.initializers.orthogonal(2**0.5)
        self.conv0, self.conv1, self.conv2 = (
            nn.Conv(c, (k, k), strides=(s, s), padding="VALID", kernel_init=torso)
            for c, k, s in zip(g.channels, g.kernels, g.strides, strict=True)
        )
        self.hidden = nn.Dense(g.hidden, kernel_init=torso)
        self.actor = nn.Dense(g.actions, kernel_init=nn.initializers.orthogonal(0.01))
        self.critic = nn.Dense(1, kernel_init=nn.initializers.orthogonal(1.0))

    def __call__(self, activation: Float[AnyArray, "batch ..."], start: str = "input", edit: Edit = keep) -> Trace:
        """Runs on from `activation`, the activation of `start`, passing each layer's activation through `edit`."""
        layers, activation = {}, jnp.asarray(activation)
        for name in TARGETS[TARGETS.index(start) :]:
            if name != start:
                activation = self._step(name, activation)
            activation = layers[name] = edit(name, activation)
        return Trace(self.actor(activation), self.critic(activation)[:, 0], activation, layers)

    def _step(self, name: str, x: Array) -> Array:
        if name == "conv0":
            return self.conv0(jnp.moveaxis(x, 1, -1) / 255.0)
        if name == "hidden":
            return nn.relu(self.hidden(nn.relu(x).reshape(len(x), -1)))
        return getattr(self, name)(nn.relu(x))


class Policy(NamedTuple):
    """A network with its parameters: what every later computation takes.

    params: `{"conv0": {"kernel", "bias"}, ..., "hidden", "actor", "critic"}`.
    """

    geometry: Geometry
    params: Mapping[str, Mapping[str, AnyArray]]

    def run(self, activation: Float[AnyArray, "batch ..."], *, start: str = "input", edit: Edit = keep) -> Trace:
        """Runs from `start` to the heads; a jittable function of `activation`.

        Raises:
          ValueError: `start` is not one of `TARGETS`, or the activation has not that target's shape.
        """
        if start not in TARGETS:
            raise ValueError(f"`start` must be one of {TARGETS}; got {start!r}.")
        expected = self.geometry.shape(start)
        if tuple(activation.shape[1:]) != expected:
            raise ValueError(f"the activation of {start!r} must be [B, {str(expected)[1:-1]}]; got {activation.shape}.")
        return cast(Trace, Network(self.geometry).apply({"params": self.params}, activation, start, edit))


def shuffled_weights(policy: Policy, *, seed: int) -> Policy:
    """The policy with the numbers of every array in random order: what a dream shows that no learning put there."""
    generator = np.random.default_rng(seed)

    def shuffle(array):
        array = np.asarray(array)
        return generator.permutation(array.ravel()).reshape(array.shape)

    return Policy(policy.geometry, jax.tree.map(shuffle, dict(policy.params)))


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
    zeros = {name: jnp.zeros((len(stack), *policy.geometry.shape(name))) for name in TARGETS}

    def total(deltas: dict[str, Array]) -> tuple[Array, Array]:
        scores = objective(policy.run(stack, edit=lambda name, activation: activation + deltas[name]))
        return scores.sum(), scores

    gradients, scores = jax.grad(total, has_aux=True)(zeros)
    return scores, gradients

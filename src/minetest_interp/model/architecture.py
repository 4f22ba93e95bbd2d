"""A network as named layers in order, each with the steps that lead to it, and heads on the last of them.

A layer's activation is all that the rest of the network depends on, so a run may start at any layer. A *stack* is
float32 `[B, T, H, W]`: T pictures or colours, 0 (black) to 255, oldest first.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from minetest_interp.io.errors import InputError
from minetest_interp.model import steps
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.steps import Apply, Convolution, Dense, Extent, Parameters, Scale, Shape, Step

INPUT = "input"
GREYS = (0.0, 255.0)  # the least and greatest level of a pixel

Edit = Callable[[str, Array], Array]


class Trace(NamedTuple):
    """Everything one run computed; objectives are functions of it.

    logits: unnormalised log-probabilities of the actions; of no actions where the network has no actor.
    value: the critic's estimate of the discounted return, in reward units, or the largest Q value; None without either.
    hidden: the last layer's activation.
    layers: name to activation as it is shown, from the target where the run began: convolutions `[batch, row, column,
      channel]`, dense layers `[batch, channel]`.
    q: the expected return after each action, in reward units; None where the network has no Q values.
    """

    logits: Float[Array, "batch action"]
    value: Float[Array, " batch"] | None
    hidden: Float[Array, "batch channel"]
    layers: dict[str, Float[Array, "batch *position channel"]]
    q: Float[Array, "batch action"] | None = None


class Layer(NamedTuple):
    """steps: from the activation of the layer before, or from the stack, to this one's."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Architecture:
    """stack: (T, height, width). heads: an "actor" and perhaps a "critic", or "q" for Q values.

    atoms: where Q values are the means of distributions over evenly spaced returns (Bellemare, Dabney and Munos 2017),
    how many, the lowest and the highest. last: steps between the last layer and all heads, without parameters.
    """

    stack: tuple[int, int, int]
    layers: tuple[Layer, ...]
    heads: tuple[Dense, ...]
    atoms: tuple[int, float, float] | None = None
    last: tuple[Step, ...] = ()

    @property
    def frames(self) -> int:
        """Pictures, or colours, in a stack."""
        return self.stack[0]

    @property
    def targets(self) -> tuple[str, ...]:
        """Where a run may start, in order: the stack, then every layer."""
        return (INPUT, *(layer.name for layer in self.layers))

    @property
    def actions(self) -> int:
        """How many the network chooses from."""
        features = next(head.features for head in self.heads if head.name in ("actor", "q"))
        return features if self.atoms is None else features // self.atoms[0]

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the heads give, as fields of `Trace`: "logits" of an actor, "q", "value" of a critic or of Q values."""
        heads = {head.name for head in self.heads}
        given = {"logits": "actor" in heads, "q": "q" in heads, "value": not heads.isdisjoint({"critic", "q"})}
        return tuple(name for name, there in given.items() if there)

    def shape(self, target: str) -> Shape:
        """Shape of one item at a target, without the batch axis.

        Raises:
          InputError: there is no such target.
        """
        if target not in self.targets:
            raise InputError(f"`layer` must be one of {', '.join(self.targets)}; got {target!r}.")
        found: Shape = self.stack
        for layer in self.layers[: self.targets.index(target)]:
            found = steps.shape(layer.steps, found)
        return found

    def extent(self, target: str) -> tuple[Extent, Extent] | None:
        """What a position of a layer sees along rows and columns; None where a layer has no positions."""
        found = Extent(), Extent()
        size: Shape = self.stack
        for layer in self.layers[: self.targets.index(target)]:
            found, size = steps.extents(layer.steps, found, size), self.shape(layer.name)
        return found if len(size) == 3 else None

    @property
    def maps(self) -> tuple[str, ...]:
        """The layers that have positions, in order."""
        return tuple(layer.name for layer in self.layers if self.extent(layer.name))

    @property
    def affine(self) -> str | None:
        """The first layer, where it is one convolution of the pixels, and so affine in them; None where it is not."""
        name, made = self.layers[0]
        alone = sum(isinstance(step, Convolution) for step in made) == 1
        return name if alone and all(isinstance(step, Scale | Convolution) for step in made) else None

    @property
    def reads(self) -> tuple[int, int]:
        """Rows and columns of a stack, from the top left, that some position of the last of `maps` sees."""
        if not self.maps:
            return self.stack[1:]
        last = self.maps[-1]
        rows, columns = (
            min(side, axis.start + axis.stride * (count - 1) + axis.size)
            for side, axis, count in zip(self.stack[1:], self.extent(last) or (), self.shape(last)[:2], strict=True)
        )
        return rows, columns

    def box(self, layer: str, position: tuple[int, int]) -> tuple[int, int, int, int]:
        """(top, left, height, width) in pixels of what the unit at (row, column) sees of a stack.

        Raises:
          InputError: the layer has no positions.
        """
        extent = self.extent(layer)
        if extent is None:
            raise InputError(f"`layer` must be one with positions, {', '.join(self.maps)}; got {layer!r}.")
        starts = [axis.start + axis.stride * place for axis, place in zip(extent, position, strict=True)]
        (top, bottom), (left, right) = (
            (max(0, start), min(side, start + axis.size))
            for start, side, axis in zip(starts, self.stack[1:], extent, strict=True)
        )
        return top, left, bottom - top, right - left

    def passed_through(self, layer: str) -> str | None:
        """The function that a layer's activation is passed through first, one of `steps.FUNCTIONS`."""
        after = [step for following in self.layers[self.targets.index(layer) :] for step in following.steps]
        first = [*after, *self.last][:1]
        return next((step.function for step in first if isinstance(step, Apply)), None)

    def bounds(self, target: str) -> tuple[float, float]:
        """The least and greatest that an activation can be: grey levels, or what the last function lets through."""
        if target == INPUT:
            return GREYS
        last = next(layer for layer in self.layers if layer.name == target).steps[-1]
        return steps.BOUNDS[last.function] if isinstance(last, Apply) else (-math.inf, math.inf)

    def parameters(self) -> dict[str, dict[str, Shape]]:
        """The shapes of all arrays that the network needs, by name."""
        needed: dict[str, dict[str, Shape]] = {}
        given: Shape = self.stack
        for layer in self.layers:
            needed |= steps.parameters(layer.steps, given)
            given = steps.shape(layer.steps, given)
        for head in self.heads:
            needed[head.name] = head.parameters(steps.shape(self.last, given))
        return needed

    def run(self, params: Parameters, activation: Float[AnyArray, "batch ..."], start: str, edit: Edit) -> Trace:
        """Runs on from the activation of `start`, passing each layer's activation through `edit`."""
        layers = {start: edit(start, jnp.asarray(activation))}
        x = layers[start]
        for layer in self.layers[self.targets.index(start) :]:
            x = layers[layer.name] = edit(layer.name, steps.run(layer.steps, params, x))
        given = steps.run(self.last, params, x)
        found = {head.name: head.run(params, given) for head in self.heads}
        logits = found.get("actor", jnp.zeros((len(x), 0)))
        if "q" not in found:
            return Trace(logits, found["critic"][:, 0] if "critic" in found else None, x, layers)
        q = found["q"] if self.atoms is None else expected_return(found["q"], self.atoms)
        return Trace(logits, q.max(-1), x, layers, q)


def keep(name: str, activation: Float[Array, "batch ..."]) -> Float[Array, "batch ..."]:
    """The edit that changes nothing."""
    return activation


def expected_return(scores: Array, atoms: tuple[int, float, float]) -> Array:
    """The mean of a distribution over returns for each action: `[B, actions * atoms]` to `[B, actions]`."""
    count, lowest, highest = atoms
    return jax.nn.softmax(scores.reshape(len(scores), -1, count)) @ jnp.linspace(lowest, highest, count)

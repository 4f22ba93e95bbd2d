"""What networks are made of: steps from one activation to the next, as records with their parameters' names.

Activations are float32 `[batch, row, column, channel]`, or `[batch, channel]` after `Flatten`. A step with parameters
names them by `name`: `{name: {"kernel": ..., "bias": ...}}`, as Flax lays them out.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from minetest_interp.model.arrays import AnyArray

Shape = tuple[int, ...]
Parameters = Mapping[str, Mapping[str, AnyArray]]
PADDINGS = ("VALID", "SAME")
FUNCTIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "silu": jax.nn.silu}
BOUNDS = {"relu": (0.0, math.inf), "tanh": (-1.0, 1.0), "silu": (-0.2784645, math.inf)}  # silu's least is at -1.2785


class Extent(NamedTuple):
    """What a position sees of the input: pixels from `start + stride * index`, `size` of them, along one axis."""

    size: int = 1
    stride: int = 1
    start: int = 0

    def through(self, window: int, stride: int, before: int) -> "Extent":
        """The field of a window over positions that see this one; `before` positions of it are padding."""
        size = self.size + (window - 1) * self.stride
        return Extent(size, self.stride * stride, self.start - before * self.stride)

    def joined(self, other: "Extent") -> "Extent":
        """The smallest field that holds both; they have one stride."""
        start = min(self.start, other.start)
        return Extent(max(self.start + self.size, other.start + other.size) - start, self.stride, start)


class Scale(NamedTuple):
    """A stack `[B, T, H, W]` to `[B, H, W, T]`, divided by a number."""

    divisor: float = 255.0

    def run(self, params: Parameters, x: Array) -> Array:
        return jnp.moveaxis(x, 1, -1) / self.divisor

    def shape(self, given: Shape) -> Shape:
        return *given[1:], given[0]


class Apply(NamedTuple):
    """A function of each number, one of `FUNCTIONS`."""

    function: str = "relu"

    def run(self, params: Parameters, x: Array) -> Array:
        return FUNCTIONS[self.function](x)


class Convolution(NamedTuple):
    """`kernel`: its rows and columns."""

    name: str
    features: int
    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "VALID"

    def run(self, params: Parameters, x: Array) -> Array:
        kernel = jnp.asarray(params[self.name]["kernel"])
        layout = lax.conv_dimension_numbers(x.shape, kernel.shape, ("NHWC", "HWIO", "NHWC"))
        product = lax.conv_general_dilated(x, kernel, self.strides, self.padding, dimension_numbers=layout)
        return product + jnp.reshape(params[self.name]["bias"], (1, 1, 1, -1))

    def shape(self, given: Shape) -> Shape:
        return *_positions(given[:2], self.kernel, self.strides, self.padding), self.features

    def parameters(self, given: Shape) -> dict[str, Shape]:
        return {"kernel": (*self.kernel, given[2], self.features), "bias": (self.features,)}


class Pool(NamedTuple):
    """The largest number of each window, or the mean."""

    window: tuple[int, int]
    strides: tuple[int, int]
    padding: str = "VALID"
    mean: bool = False

    def run(self, params: Parameters, x: Array) -> Array:
        window, strides = (1, *self.window, 1), (1, *self.strides, 1)
        if self.mean:
            return lax.reduce_window(x, 0.0, lax.add, window, strides, self.padding) / math.prod(self.window)
        return lax.reduce_window(x, -jnp.inf, lax.max, window, strides, self.padding)

    def shape(self, given: Shape) -> Shape:
        return *_positions(given[:2], self.window, self.strides, self.padding), given[2]


class Normalise(NamedTuple):
    """Layer normalisation over channels (Ba, Kiros and Hinton 2016), of every position by itself."""

    name: str
    epsilon: float = 1e-6

    def run(self, params: Parameters, x: Array) -> Array:
        mean = x.mean(-1, keepdims=True)
        variance = jnp.square(x - mean).mean(-1, keepdims=True)
        one_each = (1,) * (x.ndim - 1) + (-1,)
        scale, bias = (jnp.reshape(params[self.name][key], one_each) for key in ("scale", "bias"))
        return (x - mean) * lax.rsqrt(variance + self.epsilon) * scale + bias

    def parameters(self, given: Shape) -> dict[str, Shape]:
        return {"scale": given[-1:], "bias": given[-1:]}


class Flatten(NamedTuple):
    """Positions and channels to one axis."""

    def run(self, params: Parameters, x: Array) -> Array:
        return x.reshape(len(x), -1)

    def shape(self, given: Shape) -> Shape:
        return (math.prod(given),)


class Dense(NamedTuple):
    name: str
    features: int

    def run(self, params: Parameters, x: Array) -> Array:
        product = lax.dot_general(x, params[self.name]["kernel"], (((x.ndim - 1,), (0,)), ((), ())))
        return product + jnp.reshape(params[self.name]["bias"], (1, -1))

    def shape(self, given: Shape) -> Shape:
        return (self.features,)

    def parameters(self, given: Shape) -> dict[str, Shape]:
        return {"kernel": (*given, self.features), "bias": (self.features,)}


class Residual(NamedTuple):
    """What it is given, plus what its steps make of it."""

    steps: tuple["Step", ...]

    def run(self, params: Parameters, x: Array) -> Array:
        return x + run(self.steps, params, x)


class Part(NamedTuple):
    """What a person's module computes between two layers; it runs with the rest of it alone.

    output: the shape of one item. field: what a position sees of the stack, along rows and columns; None without
    positions. inside: its convolutions and pools, in order.
    """

    output: Shape
    field: tuple[Extent, Extent] | None
    inside: tuple["Step", ...]

    def run(self, params: Parameters, x: Array) -> Array:
        raise NotImplementedError

    def shape(self, given: Shape) -> Shape:
        return self.output


Step = Scale | Apply | Convolution | Pool | Normalise | Flatten | Dense | Residual | Part


def run(steps: tuple[Step, ...], params: Parameters, x: Array) -> Array:
    """An activation through several steps."""
    for step in steps:
        x = step.run(params, x)
    return x


def shape(steps: tuple[Step, ...], given: Shape) -> Shape:
    """The shape of one item after several steps, from that before them."""
    for step in steps:
        if not isinstance(step, Apply | Normalise | Residual):
            given = step.shape(given)
    return given


def parameters(steps: tuple[Step, ...], given: Shape) -> dict[str, dict[str, Shape]]:
    """The shapes of all arrays that several steps need, by name, from the shape of what they are given."""
    needed: dict[str, dict[str, Shape]] = {}
    for step in steps:
        if isinstance(step, Residual):
            needed |= parameters(step.steps, given)
        elif isinstance(step, Convolution | Dense | Normalise):
            needed[step.name] = step.parameters(given)
        given = shape((step,), given)
    return needed


def extents(steps: tuple[Step, ...], given: tuple[Extent, Extent], size: Shape) -> tuple[Extent, Extent]:
    """What a position sees after several steps, along rows and columns.

    Args:
      given: the same before them. size: the shape of what they are given.
    """
    rows, columns = given
    for step in steps:
        if isinstance(step, Convolution | Pool):
            window = step.kernel if isinstance(step, Convolution) else step.window
            before = [_before(*each, step.padding) for each in zip(size[:2], window, step.strides, strict=True)]
            rows = rows.through(window[0], step.strides[0], before[0])
            columns = columns.through(window[1], step.strides[1], before[1])
        elif isinstance(step, Residual):
            inside = extents(step.steps, (rows, columns), size)
            rows, columns = rows.joined(inside[0]), columns.joined(inside[1])
        elif isinstance(step, Part) and step.field:
            rows, columns = step.field
        size = shape((step,), size)
    return rows, columns


def _positions(size: Shape, window: Shape, strides: Shape, padding: str) -> Shape:
    if padding == "SAME":
        return tuple(-(-n // s) for n, s in zip(size, strides, strict=True))
    return tuple((n - w) // s + 1 for n, w, s in zip(size, window, strides, strict=True))


def _before(size: int, window: int, stride: int, padding: str) -> int:
    """How many positions of padding lie before the first."""
    if padding == "VALID":
        return 0
    return max(0, (-(-size // stride) - 1) * stride + window - size) // 2

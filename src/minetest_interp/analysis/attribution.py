"""Share scores out over the pixels, and over the channels, that caused them.

*Scores* are a function from stacks `[batch, frame, row, column]` to numbers `[batch, readout]`; it is itself a pytree,
so that one compiled step serves any policy of a geometry. Items must not influence one another. A *map* has a stack's
shape, one for each readout; a *baseline* is the stack that stands for "nothing there".

A policy's first convolution is affine in the pixels. So it is computed once for all points of a way; the gradients of
many points or noisy copies are led back through it once, as a sum; and of an occluded stack only what a window changes.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from minetest_interp.io.errors import InputError
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.networks import Blocks, Plain
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy, layer_gradients


@runtime_checkable
class Scores(Protocol):
    """`rest(first(stack))`, of which `first` is affine.

    first_of_frames: as of `networks.Blocks`.
    """

    def first(self, stack: AnyArray) -> Array: ...
    def first_of_frames(self, first: AnyArray, change: AnyArray, corner: tuple) -> Array: ...
    def rest(self, first: AnyArray) -> Array: ...


@flax.struct.dataclass
class Readouts:
    """K objectives of a network, as scores."""

    network: Blocks | Plain
    objectives: tuple[Objective, ...]

    def first(self, stack: Float[AnyArray, "batch frame row column"]) -> Array:
        return self.network.first(stack)

    def first_of_frames(self, first: AnyArray, change: AnyArray, corner: tuple) -> Array:
        return self.network.first_of_frames(first, change, corner)

    def rest(self, first: AnyArray) -> Float[Array, "batch readout"]:
        trace = self.network.rest(first)
        return jnp.stack([objective(trace) for objective in self.objectives], axis=-1)


class AttributionMethod(NamedTuple):
    """attribute: scores and stacks to maps.

    baseline: where not None, the method claims completeness: each map sums to scores(stack) - scores(baseline).
    """

    attribute: Callable[[Scores, np.ndarray], np.ndarray]
    baseline: Float[np.ndarray, "frame row column"] | None = None


def run(scores: Scores, stack: Float[AnyArray, "batch frame row column"]) -> Float[np.ndarray, "batch readout"]:
    """The scores of stacks."""
    return rest(scores, first(scores, stack))


def first(scores: Scores, stack: Float[AnyArray, "batch frame row column"]) -> Float[np.ndarray, "batch ..."]:
    """The affine beginning of the scores of stacks, compiled once for each shape."""
    return np.asarray(_first(scores, stack))


@jax.jit
def _first(scores: Scores, stack: Float[AnyArray, "batch frame row column"]) -> Float[Array, "batch ..."]:
    return scores.first(stack)


def rest(scores: Scores, begin: Float[AnyArray, "batch ..."]) -> Float[np.ndarray, "batch readout"]:
    """The scores that follow from their affine beginning, compiled once for each shape."""
    return np.asarray(_rest(scores, begin))


@jax.jit
def _rest(scores: Scores, begin: Float[AnyArray, "batch ..."]) -> Float[Array, "batch readout"]:
    return scores.rest(begin)


def gradient(
    scores: Scores, stack: Float[AnyArray, "batch frame row column"]
) -> Float[np.ndarray, "batch readout frame row column"]:
    """Each score's gradient, in its units per grey level: one run forward and K back (Simonyan et al. 2014)."""
    return _to_pixels(scores, stack, _mean_slopes(scores, [first(scores, stack)], 1))


def gradient_times_input(
    scores: Scores, stack: Float[AnyArray, "batch frame row column"]
) -> Float[np.ndarray, "batch readout frame row column"]:
    """The gradient times the grey levels, in units of the score (Shrikumar et al. 2016).

    Complete against black where the scores are linear with no constant.
    """
    return gradient(scores, stack) * stack[:, None]


def integrated_gradients(
    scores: Scores,
    stack: Float[AnyArray, "batch frame row column"],
    baseline: Float[np.ndarray, "frame row column"],
    *,
    steps: int,
) -> Float[np.ndarray, "batch readout frame row column"]:
    """The gradient's mean on the straight way from the baseline, times the difference (Sundararajan et al. 2017).

    Args:
      steps: midpoints on the way; each map sums to scores(stack) - scores(baseline) as they grow many.

    Raises:
      InputError: `steps` is below 1.
    """
    if steps < 1:
        raise InputError(f"`steps` must be at least 1; got {steps}. Try 32.")
    begin, end = (first(scores, np.broadcast_to(shown, stack.shape)) for shown in (baseline, stack))
    slopes = _mean_slopes(scores, (begin + (i + 0.5) / steps * (end - begin) for i in range(steps)), steps)
    return _to_pixels(scores, stack, slopes) * (stack - baseline[None])[:, None]


def smooth_gradient(
    scores: Scores, stack: Float[AnyArray, "batch frame row column"], *, samples: int, noise: float, seed: int
) -> Float[np.ndarray, "batch readout frame row column"]:
    """SmoothGrad: the gradient's mean over noisy copies of each stack (Smilkov et al. 2017).

    Args:
      samples: noisy copies. noise: standard deviation in grey levels.

    Raises:
      InputError: `samples` is below 1.
    """
    if samples < 1:
        raise InputError(f"`samples` must be at least 1; got {samples}. Try 16.")
    # ASSUME: all stacks get the same noise, so that a map does not depend on the stacks that it is computed with.
    drawn = np.random.default_rng(seed).normal(0, noise, (samples, *stack.shape[1:])).astype(np.float32)
    return _to_pixels(scores, stack, _mean_slopes(scores, (first(scores, stack + one[None]) for one in drawn), samples))


def occlusion(
    scores: Scores,
    stack: Float[AnyArray, "batch frame row column"],
    baseline: Float[np.ndarray, "frame row column"],
    *,
    patch: int,
    patch_stride: int,
    read: tuple[int, int],
) -> Float[np.ndarray, "batch readout frame row column"]:
    """What each score loses when a window of one frame of the stack shows the baseline (Zeiler and Fergus 2014).

    A window's loss is shared equally by its pixels, and a pixel gets the mean share of the windows that cover it.

    Args:
      patch: a window's height and width. patch_stride: pixels between windows; a last one ends at the border.
      read: rows and columns that the network reads (`Architecture.reads`); pixels beyond get zero.

    Raises:
      InputError: windows leave gaps, or are larger than what the network reads.
    """
    if not 1 <= patch_stride <= patch <= min(read):
        raise InputError(
            f"`patch_stride` must be 1 to `patch`, and `patch` at most the {min(read)} pixels that the network reads; "
            f"got {patch_stride} and {patch}."
        )
    rows, columns = (sorted({*range(0, side - patch + 1, patch_stride), side - patch}) for side in read)
    begin, change = first(scores, stack), baseline[None] - stack
    whole = np.asarray(_run_covered(scores, begin, np.zeros_like(change), (0, 0), patch=patch))
    losses = np.empty((len(rows), len(columns), *whole.shape), np.float32)
    for row, column in np.ndindex(losses.shape[:2]):
        corner = rows[row], columns[column]
        losses[row, column] = whole - np.asarray(_run_covered(scores, begin, change, corner, patch=patch))
    shares = (_shares(starts, patch, size) for starts, size in zip((rows, columns), stack.shape[2:], strict=True))
    return np.einsum("rctbk,rh,cw->bkthw", losses, *shares, optimize=True)


def methods(
    mean: Float[np.ndarray, "frame row column"],
    *,
    read: tuple[int, int],
    steps: int,
    samples: int,
    noise: float,
    patch: int,
    patch_stride: int,
    seed: int,
) -> dict[str, AttributionMethod]:
    """Every method by name; gradient and SmoothGrad are in units per grey level and claim no completeness.

    Args:
      mean: the mean stack of a study, the second baseline beside black.
    """
    black = np.zeros_like(mean)
    integrate = partial(integrated_gradients, steps=steps)
    smooth = partial(smooth_gradient, samples=samples, noise=noise, seed=seed)
    occlude = partial(occlusion, baseline=mean, patch=patch, patch_stride=patch_stride, read=read)
    return {
        "gradient": AttributionMethod(gradient),
        "gradient × input": AttributionMethod(gradient_times_input, black),
        "IG, black": AttributionMethod(partial(integrate, baseline=black), black),
        "IG, mean frame": AttributionMethod(partial(integrate, baseline=mean), mean),
        "SmoothGrad": AttributionMethod(smooth),
        "occlusion": AttributionMethod(occlude, mean),
    }


def channel_attributions(
    policy: Policy, objective: Objective, stack: Float[AnyArray, "batch frame row column"]
) -> dict[str, Float[Array, "batch channel"]]:
    """Gradient times activation of every layer, summed over positions, in units of the score."""
    layers, slopes = policy.run(stack).layers, layer_gradients(policy, objective, stack)[1]
    names = policy.architecture.targets[1:]
    products = {name: (slopes[name] * layers[name]).reshape(len(stack), -1, layers[name].shape[-1]) for name in names}
    return {name: product.sum(1) for name, product in products.items()}


def _mean_slopes(
    scores: Scores, points: Iterable[Float[np.ndarray, "batch ..."]], count: int
) -> Float[np.ndarray, "readout batch ..."]:
    """Each score's gradient with respect to its affine beginning, its mean over some points."""
    slopes = (np.asarray(_back_to_beginning(scores, point)) for point in points)
    return sum(slopes, np.zeros((), np.float32)) / np.float32(count)


@jax.jit
def _back_to_beginning(scores: Scores, begin: Float[AnyArray, "batch ..."]) -> Float[Array, "readout batch ..."]:
    values, back = jax.vjp(scores.rest, begin)
    return jax.vmap(lambda readout: back(jnp.broadcast_to(readout[None], values.shape))[0])(jnp.eye(values.shape[1]))


def _to_pixels(
    scores: Scores, stack: Float[AnyArray, "batch frame row column"], slopes: Float[np.ndarray, "readout batch ..."]
) -> Float[np.ndarray, "batch readout frame row column"]:
    """Gradients with respect to the affine beginning, led back to the pixels."""
    return np.asarray(_back_to_pixels(scores, stack, slopes)).swapaxes(0, 1)


@jax.jit
def _back_to_pixels(
    scores: Scores, stack: AnyArray, slopes: AnyArray
) -> Float[Array, "readout batch frame row column"]:
    _, back = jax.vjp(scores.first, stack)
    return jax.vmap(lambda slope: back(slope)[0])(slopes)


@partial(jax.jit, static_argnames="patch")
def _run_covered(
    scores: Scores,
    begin: Float[AnyArray, "batch ..."],
    change: Float[AnyArray, "batch frame row column"],
    corner: tuple,
    *,
    patch: int,
) -> Float[Array, "frame batch readout"]:
    """The scores where a window of one frame alone, each in turn, has changed."""
    window = jax.lax.dynamic_slice(change, (0, 0, *corner), (*change.shape[:2], patch, patch))
    seen = scores.first_of_frames(begin, window, corner)
    return scores.rest(seen.reshape(-1, *seen.shape[2:])).reshape(*seen.shape[:2], -1)


def _shares(starts: Sequence[int], patch: int, size: int) -> Float[np.ndarray, "window {size}"]:
    """The share of each window's loss that a pixel gets along one axis."""
    offset = np.arange(size)[None] - np.asarray(starts)[:, None]
    covers = (offset >= 0) & (offset < patch)
    return (covers / (patch * np.maximum(covers.sum(0), 1))).astype(np.float32)

"""Does a channel respond to oriented gradients of grey levels? Its kernel and its responses against templates.

The layer is the first, where that is one convolution of the pixels (`Architecture.affine`). The frames of a stack are
one still picture here, so it sees a single grey frame through its kernel summed over the stack. A *template* is a
filter of the kernel's size; responses of channel and template are compared at the same places, those whose window lies
inside the frame.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from minetest_interp.analysis.intervals import Statistic
from minetest_interp.model.batches import map_batches
from minetest_interp.model.policy import Policy
from minetest_interp.model.steps import Convolution, Extent, Scale

ANGLES = np.arange(0, 180, 15)  # degrees
SIGMAS = (1.0, 1.5, 2.0, 3.0)  # pixels
ROUNDING = 1e-12


class Moments(NamedTuple):
    """Sums over each frame's positions of channels' responses x and filters' responses y; xx, yy: of their squares.

    positions: how many there are on a frame.
    """

    positions: int
    x: Float[np.ndarray, "frame channel"]
    y: Float[np.ndarray, "frame filter"]
    xx: Float[np.ndarray, "frame channel"]
    yy: Float[np.ndarray, "frame filter"]
    xy: Float[np.ndarray, "frame channel filter"]

    def take(self, frames: Bool[np.ndarray, " frame"] | Int[np.ndarray, " chosen"]) -> "Moments":
        """Those of some frames, given by a boolean mask or numbers."""
        return Moments(self.positions, *(sums[frames] for sums in self[1:]))


class Choice(NamedTuple):
    """One filter for each channel: its number, the sign of the correlation, and its size."""

    filters: Int[np.ndarray, " channel"]
    signs: Int[np.ndarray, " channel"]
    correlation: Float[np.ndarray, " channel"]


def templates(height: int, width: int) -> Float[np.ndarray, "filter {height} {width}"]:
    """First derivatives of Gaussians (Canny 1986), for every angle of each sigma.

    Each is zero on average and has unit length. The angle is that of the gradient: 0 grows to the right, 90 downwards.
    """
    rows, columns = (np.arange(size) - (size - 1) / 2 for size in (height, width))
    y, x = rows[None, :, None], columns[None, None]
    sigma, angle = (grid.reshape(-1, 1, 1) for grid in np.meshgrid(SIGMAS, np.deg2rad(ANGLES), indexing="ij"))
    filters = (x * np.cos(angle) + y * np.sin(angle)) * np.exp(-(x**2 + y**2) / (2 * sigma**2))
    return filters / np.linalg.norm(filters, axis=(1, 2), keepdims=True)


def mean_filter(height: int, width: int) -> Float[np.ndarray, "1 {height} {width}"]:
    """The filter whose response is the mean grey level: what brightness alone would tell."""
    return np.full((1, height, width), 1 / (height * width))


def still_kernels(policy: Policy) -> Float[np.ndarray, "channel row column"]:
    """The first layer's kernels as they act on a still stack, float64, per grey level."""
    steps = policy.architecture.layers[0].steps
    [name] = [step.name for step in steps if isinstance(step, Convolution)]
    divisor = math.prod(step.divisor for step in steps if isinstance(step, Scale))
    return np.moveaxis(np.asarray(policy.params[name]["kernel"], np.float64).sum(2), -1, 0) / divisor


def kernel_share(
    kernels: Float[np.ndarray, "channel row column"], filters: Float[np.ndarray, "filter row column"]
) -> Float[np.ndarray, " channel"]:
    """The largest squared cosine of each kernel with a filter of unit length, 0 to 1."""
    products = np.einsum("chw,fhw->cf", kernels, filters) ** 2
    energy = (kernels**2).sum((1, 2))
    return np.divide(products.max(1), energy, out=np.zeros(len(kernels)), where=energy > 0)


def shuffled_share(
    kernels: Float[np.ndarray, "channel row column"], filters: Float[np.ndarray, "filter row column"], *, seed: int
) -> float:
    """The mean of `kernel_share` when each kernel's pixels are in random order."""
    pixels = np.random.default_rng(seed).permuted(kernels.reshape(len(kernels), -1), axis=1)
    return float(kernel_share(pixels.reshape(kernels.shape), filters).mean())


def shuffled(kernel: Float[np.ndarray, "row column"], *, count: int, seed: int) -> Float[np.ndarray, "draw row column"]:
    """A kernel with its pixels in `count` random orders: its numbers without its shape."""
    pixels = np.broadcast_to(kernel.ravel(), (count, kernel.size))
    return np.random.default_rng(seed).permuted(pixels, axis=1).reshape(count, *kernel.shape)


def moments(
    greys: Float[np.ndarray, "frame height width"],
    kernels: Float[np.ndarray, "channel row column"],
    filters: Float[np.ndarray, "filter row column"],
    *,
    seen: tuple[Extent, Extent],
) -> Moments:
    """Runs kernels and filters over grey frames at the layer's positions.

    A bias is left out: it changes no correlation.

    Args:
      seen: what a position sees of the rows and the columns.
    """
    count, *size = kernels.shape
    stacked = np.concatenate([kernels, filters]).reshape(-1, math.prod(size)).T
    rows, columns = (slice(axis.start % axis.stride, None, axis.stride) for axis in seen)

    def step(batch: np.ndarray) -> tuple[np.ndarray, ...]:
        windows = np.lib.stride_tricks.sliding_window_view(batch.astype(np.float64), size, axis=(1, 2))
        windows = windows[:, rows, columns]
        responses = windows.reshape(len(batch), -1, math.prod(size)) @ stacked
        x, y = responses[..., :count], responses[..., count:]
        return x.sum(1), y.sum(1), (x**2).sum(1), (y**2).sum(1), x.transpose(0, 2, 1) @ y

    positions = [
        len(range(length - window + 1)[axis])
        for length, window, axis in zip(greys.shape[1:], size, (rows, columns), strict=True)
    ]
    return Moments(math.prod(positions), *map_batches(step, greys))


def filter_correlations(moments: Moments) -> Float[np.ndarray, "channel filter"]:
    """Pearson's correlation of each channel with each filter over all samples; 0 where either is constant."""
    x, y, xx, yy, xy = (sums.sum(0) for sums in moments[1:])
    return _pearson(len(moments.x) * moments.positions, x[:, None], y[None], xx[:, None], yy[None], xy)


def choose_filters(moments: Moments, candidates: Sequence[int]) -> Choice:
    """The filter, among the candidates' numbers, that each channel correlates with most, whatever the sign."""
    found = filter_correlations(moments)[:, candidates]
    best = np.abs(found).argmax(1)
    correlation = found[np.arange(len(found)), best]
    return Choice(np.asarray(candidates)[best], np.where(correlation < 0, -1, 1), np.abs(correlation))


def following(moments: Moments, choice: Choice) -> Statistic:
    """The correlation of each channel with the filter chosen for it, times its sign there.

    Returns:
      a statistic of the frames' weights: a function from `[..., frame]` to `[..., channel]`.
    """
    filters, channels = choice.filters, np.arange(len(choice.filters))
    sums = (moments.x, moments.y[:, filters], moments.xx, moments.yy[:, filters], moments.xy[:, channels, filters])

    def statistic(weights: Float[np.ndarray, "*weighting frame"]) -> Float[np.ndarray, "*weighting channel"]:
        samples = weights.sum(-1)[..., None] * moments.positions
        return choice.signs * _pearson(samples, *(weights @ each for each in sums))

    return statistic


def of_channel(moments: Moments, channel: int) -> Statistic:
    """The correlation of one channel with every filter.

    Returns:
      a statistic of the frames' weights: a function from `[..., frame]` to `[..., filter]`.
    """
    x, xx, xy = moments.x[:, [channel]], moments.xx[:, [channel]], moments.xy[:, channel]
    sums = (x, moments.y, xx, moments.yy, xy)

    def statistic(weights: Float[np.ndarray, "*weighting frame"]) -> Float[np.ndarray, "*weighting filter"]:
        samples = weights.sum(-1)[..., None] * moments.positions
        return _pearson(samples, *(weights @ each for each in sums))

    return statistic


def _pearson(n, x, y, xx, yy, xy) -> np.ndarray:
    """Pearson's correlation from the number of samples and their sums."""
    covariance = n * xy - x * y
    spread = np.sqrt(_variation(n, x, xx) * _variation(n, y, yy))
    return np.divide(covariance, spread, out=np.zeros(np.shape(covariance)), where=spread > 0)


def _variation(n, x, xx) -> np.ndarray:
    """n times the sum of squares about the mean; 0 where that is no more than rounding."""
    found = n * xx - x**2
    return np.where(found > ROUNDING * n * xx, found, 0)

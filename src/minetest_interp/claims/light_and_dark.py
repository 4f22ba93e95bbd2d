"""Light and darkness in the first layer: does a channel follow brightness more than any oriented gradient?

The layer is the first, where that is one convolution of the pixels and the frames are single grey pictures.
"""

from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import draws, edges, half_samples, intervals
from minetest_interp.analysis.edges import Moments
from minetest_interp.analysis.intervals import Level, Statistic, missing
from minetest_interp.claims.measured import Measured
from minetest_interp.claims.units import NOT_GREY
from minetest_interp.model.policy import Policy, shuffled_networks

CLAIM = "light-and-dark-detectors"
SIGNS = {"light": 1, "dark": -1}
PARTS = (
    *SIGNS, *(f"{name}-over-shuffled" for name in SIGNS), *(f"{name}-correlation" for name in SIGNS),
    "brightness-first",
)  # fmt: skip
NOT_FIRST = "brightness and gradients are sought in a first layer that is one convolution of the pixels; this is none"
TOO_FEW = "one half of the frames must be there to choose or fit on and the other to test on; too few are independent"


class Chosen(NamedTuple):
    """A channel that the first half of the frames chose: its number, and what it does on the second.

    correlation: with the brightness, or with minus it. over: the same less the largest with any gradient.
    """

    channel: int
    correlation: Statistic
    over: Statistic


def measure(
    policy: Policy, greys: np.ndarray, clusters: np.ndarray, level: Level, *, networks: int = 20, seed: int = 0
) -> Measured:
    """Whether a channel of the first layer follows brightness more than any gradient, and another inverts it more.

    Chosen on the first half of the frames, tested on the second against whichever gradient is followed best there.

    Args:
      networks: of shuffled weights, each with two channels chosen in the same way; the first has this seed.
    """
    layer = policy.architecture.affine
    seen = policy.architecture.extent(layer) if layer and greys.ndim == 3 else None
    halves = intervals.cluster_halves(clusters)
    if layer is None or seen is None or not all(half.any() for half in halves):
        reason = NOT_FIRST if layer is None else NOT_GREY if seen is None else TOO_FEW
        return Measured({"first": np.array("")}, {CLAIM: dict.fromkeys(PARTS, missing(reason))})
    kernels = edges.still_kernels(policy)
    size = kernels.shape[1:]
    filters = np.concatenate([edges.templates(*size), edges.mean_filter(*size)])

    def halved(network: Policy) -> tuple[Moments, Moments]:
        sums = edges.moments(greys, edges.still_kernels(network), filters, seen=seen)
        before, after = (sums.take(half) for half in halves)
        return before, after

    before, after = halved(policy)
    found = {name: choose_channel(before, after, sign) for name, sign in SIGNS.items()}
    others = [halved(network) for network in shuffled_networks(policy, count=networks, seed=seed)]
    shuffled = {name: [choose_channel(*other, sign) for other in others] for name, sign in SIGNS.items()}
    tested, held_out = _follows(after), clusters[halves[1]]
    null = [_follows(other) for _, other in others]
    every = [edges.of_channel(after, channel) for channel in range(len(kernels))]

    def brightness_first(weights: np.ndarray) -> np.ndarray:
        each = [np.abs(of(weights)) for of in every]
        return np.stack([one[..., -1] > one[..., :-1].max(-1) for one in each], -1)

    parts = {"brightness-first": half_samples.share_of_channels(brightness_first, held_out, len(kernels), level)}
    for name, of in found.items():
        parts[name] = intervals.estimate(of.over, held_out, level, chance=0.0)
        parts[f"{name}-over-shuffled"] = draws.beyond_others(
            of.over, [other.over for other in shuffled[name]], held_out, level
        )
        parts[f"{name}-correlation"] = intervals.estimate(of.correlation, held_out, level, scale="correlation")
    arrays = {
        "first": np.array(layer),
        "light/chosen": np.array([of.channel for of in found.values()]),
        "light/brightness": tested[:, 0],
        "light/gradient": tested[:, 1],
        "light/shuffled": np.array(
            [[follows[one.channel] for follows, one in zip(null, of, strict=True)] for of in shuffled.values()]
        ),
    }
    return Measured(arrays, {CLAIM: {part: parts[part] for part in PARTS}})


def _follows(moments: Moments) -> np.ndarray:
    """How each channel correlates with brightness, and the largest size with any gradient, `[C, 2]`."""
    found = edges.filter_correlations(moments)
    return np.stack([found[:, -1], np.abs(found[:, :-1]).max(1)], axis=1)


def choose_channel(before: Moments, after: Moments, sign: int) -> Chosen:
    """The channel that follows brightness most beyond any gradient on the first half; sign: -1 where it inverts it."""
    brightness, gradient = _follows(before).T
    follows_any = (brightness != 0) | (gradient > 0)
    channel = int(np.where(follows_any, sign * brightness - gradient, -np.inf).argmax())
    of = edges.of_channel(after, channel)

    def over(weights: np.ndarray) -> np.ndarray:
        correlations = of(weights)
        return np.asarray(sign * correlations[..., -1] - np.abs(correlations[..., :-1]).max(-1))

    return Chosen(channel, lambda weights: np.asarray(sign * of(weights)[..., -1]), over)

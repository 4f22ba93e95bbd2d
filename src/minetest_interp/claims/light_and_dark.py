"""Light and darkness in the first layer: does a channel follow brightness more than any oriented gradient?

The layer is the first, where that is one convolution of the pixels and the frames are single grey pictures.
"""

import numpy as np

from minetest_interp.analysis import edges, half_samples, intervals
from minetest_interp.analysis.intervals import Estimate, Level, missing
from minetest_interp.claims.measured import Measured
from minetest_interp.claims.units import NOT_GREY
from minetest_interp.model.policy import Policy

CLAIM = "light-and-dark-detectors"
PARTS = ("light", "dark", "light-correlation", "dark-correlation", "brightness-first")
NOT_FIRST = "brightness and gradients are sought in a first layer that is one convolution of the pixels; this is none"
TOO_FEW = "one half of the frames must be there to choose or fit on and the other to test on; too few are independent"


def measure(policy: Policy, greys: np.ndarray, clusters: np.ndarray, level: Level) -> Measured:
    """Whether a channel of the first layer follows brightness more than any gradient, and another inverts it more.

    Chosen on the first half of the frames, tested on the second against whichever gradient is followed best there.
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
    sums = edges.moments(greys, kernels, filters, seen=seen)
    before, after = (sums.take(half) for half in halves)
    found = edges.filter_correlations(before)
    gradient, brightness = np.abs(found[:, :-1]).max(1), found[:, -1]
    light, dark = (int(np.where(np.any(found, axis=1), s * brightness - gradient, -np.inf).argmax()) for s in (1, -1))
    tested, held_out = edges.filter_correlations(after), clusters[halves[1]]

    def estimate(channel: int, sign: int, *, over: bool, chance: float | None = None) -> Estimate:
        of = edges.of_channel(after, channel)

        def statistic(weights: np.ndarray) -> np.ndarray:
            correlations = of(weights)
            most = np.abs(correlations[..., :-1]).max(-1) if over else 0
            return np.asarray(sign * correlations[..., -1] - most)

        return intervals.estimate(statistic, held_out, level, chance=chance, scale="plain" if over else "correlation")

    every = [edges.of_channel(after, channel) for channel in range(len(kernels))]

    def brightness_first(weights: np.ndarray) -> np.ndarray:
        each = [np.abs(of(weights)) for of in every]
        return np.stack([one[..., -1] > one[..., :-1].max(-1) for one in each], -1)

    parts = {
        "light": estimate(light, 1, over=True, chance=0.0),
        "dark": estimate(dark, -1, over=True, chance=0.0),
        "light-correlation": estimate(light, 1, over=False),
        "dark-correlation": estimate(dark, -1, over=False),
        "brightness-first": half_samples.share_of_channels(brightness_first, held_out, len(kernels), level),
    }
    arrays = {
        "first": np.array(layer),
        "light/chosen": np.array([light, dark]),
        "light/brightness": tested[:, -1],
        "light/gradient": np.abs(tested[:, :-1]).max(1),
    }
    return Measured(arrays, {CLAIM: parts})

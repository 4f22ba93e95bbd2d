"""A number beside single draws of a null, such as random directions or networks of shuffled weights.

What is claimed of one direction or one network must exceed what another single one would give, so an interval about
their difference holds the spread of single draws, and not only that of their mean.
"""

import numpy as np
from jaxtyping import Float

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Bootstrap, Estimate


def single_draw(
    values: Float[np.ndarray, "*resample draw"], weights: Float[np.ndarray, "*resample draw"]
) -> Float[np.ndarray, "*resample"]:
    """The draws' mean where all weights are 1; under resampled weights it varies as single draws do.

    The deviation of the weighted mean, which resampling makes as large as a mean's standard error, is stretched by the
    square root of the number of draws. Where no draw was taken it is the mean.
    """
    mean, total = values.mean(-1), weights.sum(-1)
    summed = (weights * values).sum(-1)
    weighted = np.divide(summed, total, out=np.broadcast_to(mean, summed.shape).copy(), where=total > 0)
    return np.asarray(mean + np.sqrt(values.shape[-1]) * (weighted - mean))


def beside_draws(
    observed: Float[np.ndarray, " draw"], null: Float[np.ndarray, " draw"], bootstrap: Bootstrap
) -> Estimate:
    """The mean of an observed number; chance is the null's mean. The interval, of their difference, is moved by it.

    Args:
      observed, null: pairs, such as a dream of the policy and that of one network of shuffled weights from one start.
    """
    difference, chance = np.asarray(observed, np.float64) - null, float(np.mean(null))
    return intervals.estimate(
        lambda weights: np.asarray(chance + single_draw(np.broadcast_to(difference, weights.shape), weights)),
        np.arange(len(difference)),
        bootstrap,
        chance=chance,
    )


def beyond_draws(
    above: Float[np.ndarray, "own_and_draws frame"],
    clusters: np.ndarray,
    bootstrap: Bootstrap,
    *,
    below: Float[np.ndarray, "own_and_draws frame"] | None = None,
) -> Estimate:
    """A mean over frames less that of the null; frames and draws are resampled together.

    Too few clusters of frames have no interval, however many draws there are.

    Args:
      above: what was observed first, then the draws of the null. below: of ratios of sums; ones for means.
    """
    names, clusters = np.unique(clusters, return_inverse=True)
    draws, frames = len(above) - 1, above.shape[1]
    above = np.asarray(above, np.float64)
    below = np.ones_like(above) if below is None else np.asarray(below, np.float64)

    def statistic(weights: np.ndarray) -> np.ndarray:
        of_frames, of_draws = weights[..., :frames], weights[..., frames:]
        total = of_frames @ below.T
        ratios = np.divide(of_frames @ above.T, total, out=np.full(total.shape, np.nan), where=total != 0)
        return np.asarray(ratios[..., 0] - single_draw(ratios[..., 1:], of_draws))

    if len(names) < bootstrap.least_clusters:
        value = float(statistic(np.ones(frames + draws)))
        return Estimate(frames, len(names), value if np.isfinite(value) else None, None, 0.0)
    pooled = np.concatenate([clusters, len(names) + np.arange(draws)])
    found = intervals.estimate(statistic, pooled, bootstrap, chance=0.0)
    return found._replace(n=frames, clusters=len(names))

"""A number beside single draws of a null, such as random directions or networks of shuffled weights.

What is claimed of one direction or one network must exceed what another single one would give. So the standard error of
their difference holds the standard deviation of single draws, and not only the standard error of their mean.
"""

import numpy as np
from jaxtyping import Float

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Estimate, Level, Statistic


def beside_draws(pairs: Float[np.ndarray, "observed_and_null draw"], level: Level) -> Estimate:
    """The mean of an observed number; chance is the null's mean, and the standard error that of one pair's difference.

    Args:
      pairs: such as what a dream of the policy and that of one network of shuffled weights from one start show.
    """
    values, null = np.asarray(pairs, np.float64)
    each = np.arange(len(values))
    found = intervals.estimate(intervals.weighted_mean(values), each, level, chance=float(np.mean(null)))
    if found.error is None:
        return found
    return with_error(found, float(np.std(values - null, ddof=1)), level)


def beyond_draws(
    statistic: Statistic, clusters: np.ndarray, level: Level, *, draws: Float[np.ndarray, " draw"]
) -> Estimate:
    """A statistic of the frames' weights; chance is 0.

    Args:
      statistic: what was observed less the mean of the null. draws: of the null, each on all frames.
    """
    found = intervals.estimate(statistic, clusters, level, chance=0.0)
    if found.error is None or len(draws) < 2:
        return found
    return with_error(found, float(np.hypot(found.error, np.std(draws, ddof=1))), level)


def with_error(found: Estimate, error: float, level: Level) -> Estimate:
    """The estimate, whose scale is plain, with another standard error; still without an interval where it had none."""
    found = found._replace(error=error)
    return found if found.interval is None else found._replace(interval=found.at(level.confidence))

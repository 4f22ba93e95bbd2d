"""A number beside single draws of a null, such as random directions or networks of shuffled weights.

What is claimed of one direction or one network must exceed what another single one would give. So the standard error of
their difference holds the standard deviation of single draws, and not only the standard error of their mean.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Estimate, Level, Statistic

NONE = "no network of shuffled weights has such a number"
SINGLE = "a single draw does not show how far draws lie apart"


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
    return _with_error(found, level, error=float(np.std(values - null, ddof=1)))


def beyond_draws(
    statistic: Statistic, clusters: np.ndarray, level: Level, *, draws: Float[np.ndarray, " draw"]
) -> Estimate:
    """A statistic of the frames' weights; chance is 0.

    Args:
      statistic: what was observed less the mean of the null. draws: of the null, each on all frames.
    """
    return with_draws(intervals.estimate(statistic, clusters, level, chance=0.0), draws, level)


def beyond_others(
    own: Statistic,
    others: Sequence[Statistic],
    clusters: np.ndarray,
    level: Level,
    *,
    estimate: Callable[..., Estimate] = intervals.estimate,
) -> Estimate:
    """A statistic less the mean of the same one of other networks; chance is 0.

    Networks that do not have such a number, NaN on all frames, are left out; the estimate is missing where none has it.

    Args:
      estimate: how the error over frames is found, `intervals.estimate` or `half_samples.stepping_estimate`.
    """
    once = np.ones(len(clusters))
    known = [other for other in others if np.isfinite(other(once))]
    if not known:
        return intervals.missing(NONE)

    def above(weights: np.ndarray) -> np.ndarray:
        return np.asarray(own(weights) - np.mean([other(weights) for other in known], axis=0))

    single = np.array([other(once) for other in known], float)
    return with_draws(estimate(above, clusters, level, chance=0.0), single, level)


def with_draws(found: Estimate, draws: Float[np.ndarray, " draw"], level: Level) -> Estimate:
    """A number less the mean of K draws of a null, where another single draw might stand for the number.

    Its variance is that over frames and 1 + 1/K times that of the draws; a single draw shows no spread, so there is no
    interval. Degrees of freedom are Satterthwaite's (1946).

    Args:
      found: the difference, on the plain scale, with its error over frames. draws: of the null, each on all frames.
    """
    if found.error is None:
        return found
    count = len(draws)
    if count < 2:
        return found._replace(interval=None, error=None, reason=SINGLE)
    frames, single = found.error**2, (1 + 1 / count) * float(np.var(draws, ddof=1))
    total = frames + single
    degrees = total**2 / (frames**2 / found.freedom + single**2 / (count - 1)) if total else found.freedom
    return _with_error(found, level, error=float(np.sqrt(total)), degrees=float(degrees))


def _with_error(found: Estimate, level: Level, *, error: float, degrees: float | None = None) -> Estimate:
    """The estimate, whose scale is plain, with another standard error; still without an interval where it had none."""
    found = found._replace(error=error, degrees=degrees)
    return found if found.interval is None else found._replace(interval=found.at(level.confidence))

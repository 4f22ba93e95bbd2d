"""Intervals of numbers that step: counts and shares of channels beyond a threshold.

Leaving out one cluster of frames at a time moves no channel across its threshold, so the jackknife of `intervals` sees
no spread in such numbers. Leaving out half of the clusters does: balanced half-samples (McCarthy 1969) have the spread
that samples of all clusters have, and are consistent for quantiles too (Shao and Wu 1992). They are arranged by a
Hadamard matrix; nothing is drawn at random.
"""

import numpy as np
import scipy
from jaxtyping import Float, Int

from minetest_interp.analysis.intervals import SCALES, Estimate, Level, Statistic

MOST_PAIRINGS = 16


def weights(count: int) -> Float[np.ndarray, "half {count}"]:
    """Of `count` clusters one of each pair twice and the other not at all, for several ways to pair them.

    Where their number is odd, one of them counts once in each pairing. All ways of pairing, as in a tournament of all
    against all, would give the sum of squares over all clusters; `MOST_PAIRINGS` of them are taken, evenly spaced.
    """
    players = count + count % 2
    others, pairs = players - 1, players // 2
    signs = scipy.linalg.hadamard(2 ** int(np.ceil(np.log2(pairs + 1))))[:, 1 : pairs + 1]
    made = []
    for first in np.unique(np.linspace(0, others, min(others, MOST_PAIRINGS), endpoint=False).astype(int)):
        steps = np.arange(1, pairs)
        one = np.r_[first, (first + steps) % others]
        other = np.r_[others, (first - steps) % others]
        drawn = np.ones((len(signs), players))
        drawn[:, one] += signs
        drawn[:, other] -= signs
        if count % 2:
            drawn[:, first] = 1
        made.append(drawn[:, :count])
    return np.concatenate(made)


def variance(statistic: Statistic, clusters: Int[np.ndarray, " frame"], *, scale: str = "plain") -> float | None:
    """Variance of a statistic of frames on a scale of `intervals.SCALES`; None where a half does not define it."""
    names, clusters = np.unique(clusters, return_inverse=True)
    count = len(names)
    if count < 2:
        return None
    whole = SCALES[scale].to(statistic(np.ones(len(clusters))))
    values = SCALES[scale].to(statistic(weights(count)[:, clusters]))
    if not (np.isfinite(values).all() and np.isfinite(whole)):
        return None
    return float(((values - whole) ** 2).mean() * count / (count - count % 2))


def stepping_estimate(
    statistic: Statistic,
    clusters: Int[np.ndarray, " frame"],
    level: Level,
    *,
    chance: float | None = None,
    scale: str = "plain",
    besides: float = 0.0,
) -> Estimate:
    """As `intervals.estimate`, for numbers that step.

    Args:
      besides: variance on the scale that is not the frames'.
    """
    count, whole = len(np.unique(clusters)), float(statistic(np.ones(len(clusters))))
    spread = variance(statistic, clusters, scale=scale)
    # A share on which all halves agree is of channels: the binomial interval over frames is not for it.
    scale = "plain" if spread == 0 and not besides else scale
    error = None if spread is None else float(np.sqrt(spread + besides))
    found = Estimate(len(clusters), count, whole, None, chance, scale=scale, error=error)
    return found._replace(interval=found.at(level.confidence) if count >= level.least_clusters else None)


def remember(statistic: Statistic) -> Statistic:
    """The same statistic, which is computed once where it is asked for the same weights again."""
    known: dict[bytes, np.ndarray] = {}

    def remembered(given: Float[np.ndarray, "*half frame"]) -> np.ndarray:
        key = given.tobytes()
        if key not in known:
            known[key] = statistic(given)
        return known[key]

    return remembered


def number(
    statistic: Statistic,
    clusters: Int[np.ndarray, " frame"],
    level: Level,
    *,
    chance: float | None = None,
) -> Estimate:
    """A count of at least 0: on the scale of ratios where every half counts some, and on the plain one otherwise."""
    names, numbers = np.unique(clusters, return_inverse=True)
    some = len(names) > 1 and bool((statistic(weights(len(names))[:, numbers]) > 0).all())
    return stepping_estimate(statistic, clusters, level, chance=chance, scale="ratio" if some else "plain")


def share_of_channels(
    holds: Statistic,
    clusters: Int[np.ndarray, " frame"],
    channels: int,
    level: Level,
    *,
    chance: float | None = None,
    drawn: bool = False,
) -> Estimate:
    """The share of a layer's channels of which something holds.

    Args:
      holds: from weights `[..., frame]` to `[..., channel]`, whether it does.
      drawn: whether channels count as drawn at random too, as frames do, so that the interval is of networks like this
        one. On the scale of shares a sample of C has the variance 1 / 4C (Freeman and Tukey 1950). If not, it is of
        this network's channels.
    """
    return stepping_estimate(
        lambda given: np.asarray(holds(given)).mean(-1),
        clusters,
        level,
        chance=chance,
        scale="share",
        besides=1 / (4 * channels) if drawn else 0.0,
    )

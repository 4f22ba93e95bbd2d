"""How much of the steering mirroring leaves as it is, beside networks of shuffled weights.

A network that is symmetrical keeps nothing, and no share lies below that: it can only lie so little above that it does
not matter. One that never learnt which side is which keeps more than half.
"""

from collections.abc import Collection

import numpy as np

from minetest_interp.analysis import draws, intervals
from minetest_interp.analysis.intervals import Level, Statistic
from minetest_interp.claims.measured import Parts


def unchanged_share(steering: np.ndarray, mirrored: np.ndarray) -> Statistic:
    """Share of the energy in the steering that mirroring leaves alone, half the sum of both; 0 under symmetry."""
    steering, mirrored = steering.astype(np.float64), mirrored.astype(np.float64)
    return intervals.weighted_ratio((steering + mirrored) ** 2, 2 * (steering**2 + mirrored**2))


def estimates(steering: np.ndarray, shuffled: Collection[np.ndarray], clusters: np.ndarray, level: Level) -> Parts:
    """share: `unchanged_share`. below-shuffled: the same less the mean of networks of shuffled weights.

    The standard error of the second holds the spread of single such networks. One that does not steer is left out.

    Args:
      steering: `[2, N]`, on frames and on their mirror images. shuffled: the same of each network.
    """
    own, others = unchanged_share(*steering), [unchanged_share(*each) for each in shuffled]
    return {
        "share": intervals.estimate(own, clusters, level, chance=0.0, scale="fraction"),
        "below-shuffled": draws.beyond_others(own, others, clusters, level),
    }

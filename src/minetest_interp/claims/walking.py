"""How often the policy moves forward and jumps, beside networks of shuffled weights."""

from collections.abc import Collection, Mapping

import numpy as np

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Estimate, Level, missing
from minetest_interp.claims.measured import Measured, Parts
from minetest_interp.model.policy import Policy

CLAIM = "moves-forward-and-jumps"
WALKING = ("forward", "jump")
COINS = {"forward": 0.5}  # chance where it is not measured
NO_PROBABILITIES = "this policy has Q values and no probabilities of actions"
LIKELY = 0.5  # a behaviour more likely than not
SOME = 0.05  # "some probability"

Behaviours = Mapping[str, np.ndarray]


def measure(
    policy: Policy,
    behaviours: Behaviours,
    shuffled: Collection[Behaviours],
    clusters: np.ndarray,
    level: Level,
) -> Measured:
    """How often moving forward is more likely than not, and jumping has some probability at all.

    Chance is a coin for the first. The second is so of nearly any network, so chance is its mean over some.

    Args:
      behaviours: of the policy by name, `[N]`. shuffled: of networks of shuffled weights.
    """
    known = {name: behaviours[name] for name in WALKING if name in behaviours}
    if "q" in policy.architecture.outputs:
        return Measured(known, {CLAIM: dict.fromkeys(WALKING, missing(NO_PROBABILITIES))})
    rates = {name: walking_rates(shuffled, name) for name in known if name not in COINS}
    chances = COINS | {name: float(of.mean()) for name, of in rates.items()}
    arrays = known | {f"shuffled/{name}": of for name, of in rates.items()}
    return Measured(arrays, {CLAIM: walking_estimates(known, clusters, level, chances=chances)})


def walks_so(values: np.ndarray, name: str) -> np.ndarray:
    """Where forward is more likely than not, or jump has some probability at all."""
    return values >= SOME if name == "jump" else values > LIKELY


def walking_rates(behaviours: Collection[Mapping[str, np.ndarray]], name: str) -> np.ndarray:
    """Share of the frames on which each of K networks `walks_so`, `[K]`."""
    return np.array([walks_so(of[name], name).mean() for of in behaviours])


def walking_estimates(
    values: Mapping[str, np.ndarray], clusters: np.ndarray, level: Level, *, chances: Mapping[str, float]
) -> Parts:
    """How often the policy `walks_so`.

    Args:
      values: behaviour to its probabilities `[N]`. chances: how often it would by chance.
    """

    def estimate(name: str) -> Estimate:
        if name not in values:
            return missing(f"the action table has no behaviour {name}")
        often = intervals.weighted_mean(walks_so(values[name], name))
        return intervals.estimate(often, clusters, level, chance=float(chances[name]), scale="share")

    return {name: estimate(name) for name in WALKING}

"""Whether the steering follows a concept in every group of labelled frames: kinds of tree, and surroundings."""

from collections.abc import Mapping, Sequence

import numpy as np

from minetest_interp.analysis import intervals, interventions
from minetest_interp.analysis.intervals import Estimate, Level, missing
from minetest_interp.claims.measured import Arrays, Measured, Parts
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.labels import why_none
from minetest_interp.model.policy import Policy

GROUPINGS = {"kinds": "species", "surroundings": "biome"}  # part of the claim: what the labels call it


def measure(
    policy: Policy,
    table: ActionTable,
    labelled: Mapping[str, np.ndarray],
    clusters: np.ndarray,
    *,
    steering: str,
    side: int,
    least_group: int,
    level: Level,
) -> Measured:
    """Correlation of turning left with how far left the concept is, in each group; arguments as of `probes.measure`.

    Args:
      clusters: `[M]`, of near-duplicates.
    """
    shown = np.isfinite(labelled["position"])
    if reason := why_none(shown):
        return Measured({}, {"species": dict.fromkeys(GROUPINGS, missing(reason))})
    objective = objectives.readouts(table, policy.architecture)[steering]
    turning = side * interventions.read_out(policy, [objective], labelled["original"][shown])[:, 0].astype(np.float64)
    position, clusters = labelled["position"][shown], clusters[shown]
    arrays: Arrays = {
        "followed/frames": labelled["frames"][shown],
        "followed/clusters": clusters,
        "followed/turning": turning,
        "followed/position": position,
    }
    parts: Parts = {}
    for part, label in GROUPINGS.items():
        found = by_group(turning, position, labelled[label][shown], clusters, level)
        asked = [one for one in found.values() if one.clusters >= least_group]
        arrays |= {f"{part}/{key}": array for key, array in _arrays(found, least_group).items()}
        parts[part] = least(asked) if len(asked) > 1 else missing(_few(label, len(found), least_group))
    return Measured(arrays, {"species": parts})


def _few(label: str, groups: int, least_group: int) -> str:
    if not groups:
        return f"the labels name no {label}"
    return f"fewer than two groups by {label} (of {groups}) have {least_group} independent frames or more"


def _arrays(found: Mapping[str, Estimate], least_group: int) -> Arrays:
    every = found.values()
    return {
        "names": np.array(list(found), dtype=str),
        "n": np.array([one.n for one in every], int),
        "independent": np.array([one.clusters for one in every], int),
        "correlation": np.array([np.nan if one.estimate is None else one.estimate for one in every], np.float64),
        "interval": np.array([one.bounds for one in every], np.float64).reshape(-1, 2),
        "asked": np.array([one.clusters >= least_group for one in every], bool),
    }


def by_group(
    turning: np.ndarray,
    position: np.ndarray,
    names: np.ndarray,
    clusters: np.ndarray,
    level: Level,
) -> dict[str, Estimate]:
    """Every group's own correlation, by its name.

    Args:
      turning, position: `[N]`, positive to the left and to the right. names: `[N]` of groups, empty for none.
    """

    def estimate(own: np.ndarray) -> Estimate:
        # Left is negative in a picture and positive in turning.
        following = intervals.weighted_correlation(turning[own], -position[own])
        return intervals.estimate(following, clusters[own], level, chance=0.0, scale="correlation")

    return {str(name): estimate(names == name) for name in np.unique(names[names != ""])}


def least(estimates: Sequence[Estimate]) -> Estimate:
    """That of several estimates whose interval reaches lowest: what the smallest of them can be relied on to be.

    A claim that every one of them lies above a threshold may be tested by testing each at the full level (an
    intersection-union test; Berger 1982), and the one that reaches lowest decides: "supported" is said in error no more
    often than of a single estimate. It lies below the smallest true number by chance more often than one alone would,
    at worst as many times as often as there are estimates, so that the error is on the side against the claim.
    """
    return min(estimates, key=lambda one: -np.inf if one.interval is None else one.interval[0])

"""Whether the steering follows a concept in every group of labelled frames: kinds of tree, and surroundings."""

from collections.abc import Mapping, Sequence

import numpy as np

from minetest_interp.analysis import intervals, interventions
from minetest_interp.analysis.intervals import Bootstrap, Estimate, Statistic, missing
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
    bootstrap: Bootstrap,
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
        names = labelled[label][shown]
        found, members = by_group(turning, position, names, clusters, least_group=least_group, bootstrap=bootstrap)
        arrays |= {f"{part}/{key}": array for key, array in found.items()}
        if not (names != "").any():
            parts[part] = missing(f"the labels name no {label}")
        elif len(members) < 2:
            parts[part] = missing(
                f"fewer than two of the {len(found['names'])} {part} have {least_group} independent frames"
            )
        else:
            parts[part] = smallest(turning, position, members, clusters, bootstrap)
    return Measured(arrays, {"species": parts})


def by_group(
    turning: np.ndarray,
    position: np.ndarray,
    names: np.ndarray,
    clusters: np.ndarray,
    *,
    least_group: int,
    bootstrap: Bootstrap,
) -> tuple[Arrays, list[np.ndarray]]:
    """Every group's own correlation, and the members, boolean `[N]`, of those with enough clusters.

    Args:
      turning, position: `[N]`, positive to the left and to the right. names: `[N]` of groups, empty for none.
    """
    every = [(str(name), names == name) for name in np.unique(names[names != ""])]
    sizes = np.array([len(np.unique(clusters[own])) for _, own in every], int)
    found = [
        intervals.estimate(_following(turning[own], position[own]), clusters[own], bootstrap, chance=0.0)
        for _, own in every
    ]
    arrays = {
        "names": np.array([name for name, _ in every], dtype=str),
        "n": np.array([own.sum() for _, own in every], int),
        "independent": sizes,
        "correlation": np.array([np.nan if one.estimate is None else one.estimate for one in found], np.float64),
        "interval": np.array([one.interval or (np.nan, np.nan) for one in found], np.float64).reshape(-1, 2),
        "asked": sizes >= least_group,
    }
    return arrays, [own for (_, own), size in zip(every, sizes, strict=True) if size >= least_group]


def smallest(
    turning: np.ndarray,
    position: np.ndarray,
    members: Sequence[np.ndarray],
    clusters: np.ndarray,
    bootstrap: Bootstrap,
) -> Estimate:
    """The smallest correlation of some groups, of which each is a boolean mask `[N]`.

    The smallest of several estimates lies below the smallest of what they estimate, on average, and the more so in
    resamples: so the interval errs on the side of less (an intersection-union test; Berger 1982).
    """
    within = np.any(members, axis=0)
    each = [(own[within], _following(turning[own], position[own])) for own in members]

    def statistic(weights: np.ndarray) -> np.ndarray:
        return np.min([following(weights[..., own]) for own, following in each], axis=0)

    return intervals.estimate(statistic, clusters[within], bootstrap, chance=0.0)


def _following(turning: np.ndarray, position: np.ndarray) -> Statistic:
    # Left is negative in a picture and positive in turning.
    return intervals.weighted_correlation(turning, -position)

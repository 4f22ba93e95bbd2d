"""What directions of a layer do to the steering when they are added: trunks on the left, a darker left, random ones.

All directions are of one half of the labelled frames and are added on the other. *slope* is the change of turning left
for one such direction, by least squares through the origin over the strengths, since strength 0 changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import directions as frame_weights
from minetest_interp.analysis import draws, intervals, interventions, stats
from minetest_interp.analysis.intervals import Estimate, Level, missing
from minetest_interp.claims.behaviour import brightness_difference
from minetest_interp.claims.measured import Measured, Parts
from minetest_interp.io.errors import InputError
from minetest_interp.model.labels import NO_LABELS
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy

PARTS = ("slope", "beyond-brightness", "brightness", "regressed-out", "cosine")
OF_BRIGHTNESS = PARTS[1:]  # what is not known without a direction of brightness


class Directions(NamedTuple):
    """Of a layer, each `[h, w, C]`.

    trunk: left less right. brightness: darker left less darker right, as long as the first; orthogonal: the part of the
    first that is orthogonal to it; regressed: trunk left less right at equal brightness; None where they are not known,
    which `reason` says. cosine: of trunk and brightness.
    """

    trunk: np.ndarray
    brightness: np.ndarray | None
    orthogonal: np.ndarray | None
    regressed: np.ndarray | None
    cosine: float
    reason: str | None


class Dose(NamedTuple):
    """Frames on which directions were added at S strengths.

    which: of the M labelled frames, boolean. directions: by name. changes: by name `[T, S, R]` on the T tested frames;
    `random` and `random_orthogonal` `[V, T, S, R]`, as long as trunk and as orthogonal.
    """

    which: np.ndarray
    directions: Directions
    changes: dict[str, np.ndarray]


def measure(
    policy: Policy,
    readouts: Sequence[Objective],
    steering: int,
    labelled: Mapping[str, np.ndarray] | None,
    layer: str,
    *,
    side: int,
    directions: int,
    strengths: Sequence[float],
    seed: int,
    similarity: float,
    level: Level,
    reason: str | None,
) -> Measured:
    """Does adding what trunks on the left add to a layer turn left, and more than a darker left does?

    Args:
      readouts: R of them; steering, which one. labelled, side, similarity: as for `causal.measure`.
      directions: random ones. reason: why there are no trunks, None where there are.
    """
    if labelled is None or reason:
        return Measured({}, {"steering-vector": dict.fromkeys(PARTS, missing(reason or NO_LABELS))})
    groups = intervals.near_duplicates(labelled["original"], similarity=similarity, group=labelled["group"])
    try:
        dose = give_doses(
            policy, readouts, labelled, layer, groups, directions=directions, strengths=strengths, seed=seed
        )
    except InputError as error:
        return Measured({}, {"steering-vector": dict.fromkeys(PARTS, missing(str(error)))})
    clusters, changes = groups[dose.which], dose.changes
    bounds = [mean_intervals(changes["trunk"][:, i], clusters, level) for i in range(len(strengths))]
    arrays = {
        "dose/frames": labelled["frames"][dose.which],
        "dose/clusters": clusters,
        "dose/strengths": np.array(strengths, float),
        "dose/vector": dose.directions.trunk,
        "dose/change": changes["trunk"].mean(0),
        "dose/interval": np.stack(bounds),
        "dose/random": changes["random"].mean(1),
    }
    arrays |= {f"dose/{name}": changes[name].mean(0) for name in ("brightness", "orthogonal") if name in changes}
    turning = {name: slopes(side * change[..., steering], strengths) for name, change in changes.items()}
    parts = slope_estimates(turning, clusters, level, cosine=dose.directions.cosine, reason=dose.directions.reason)
    return Measured(arrays, {"steering-vector": parts})


def find_directions(policy: Policy, layer: str, greys: np.ndarray, position: np.ndarray) -> Directions:
    """The directions of a layer that frames with trunks at `position` `[M]`, NaN without one, give.

    Raises:
      InputError: too few frames with a trunk on each side.
    """
    trunk = interventions.steering_vector(policy, layer, greys, position)
    difference = brightness_difference(greys)
    try:
        rows = np.stack([frame_weights.darker_left(difference), frame_weights.side_given(position, difference)])
    except InputError as error:
        return Directions(trunk, None, None, None, float("nan"), str(error))
    brightness, regressed = frame_weights.combined(policy, layer, greys, rows)
    length = np.linalg.norm(brightness)
    if not length:
        return Directions(trunk, None, None, None, float("nan"), f"brightness changes nothing in {layer}")
    orthogonal = frame_weights.without(trunk, brightness)
    [cosine] = stats.cosine_similarity(trunk.reshape(1, -1), brightness.ravel()).tolist()
    return Directions(trunk, brightness * (np.linalg.norm(trunk) / length), orthogonal, regressed, cosine, None)


def give_doses(
    policy: Policy,
    readouts: Sequence[Objective],
    labelled: Mapping[str, np.ndarray],
    layer: str,
    clusters: np.ndarray,
    *,
    directions: int,
    strengths: Sequence[float],
    seed: int,
) -> Dose:
    """Adds the directions of one half of the labelled frames to a layer of the other half, and random ones.

    Raises:
      InputError: too few frames with a trunk on each side, or none to test on.
    """
    chosen, tested = intervals.cluster_halves(clusters)
    greys = labelled["original"]
    found = find_directions(policy, layer, greys[chosen], labelled["position"][chosen])
    own = {name: getattr(found, name) for name in ("trunk", "brightness", "orthogonal", "regressed")}
    own = {name: vector for name, vector in own.items() if vector is not None}
    controls = {"random": found.trunk} | ({"random_orthogonal": own["orthogonal"]} if "orthogonal" in own else {})
    random = [interventions.random_directions(of, count=directions, seed=seed) for of in controls.values()]
    vectors = np.concatenate([np.stack(list(own.values())), *random])
    changes = interventions.dose_response(policy, readouts, layer, greys[tested], vectors, strengths=strengths)
    parts = np.split(changes, np.cumsum([len(own), *[directions] * (len(controls) - 1)]))
    return Dose(tested, found, dict(zip(own, parts[0], strict=True)) | dict(zip(controls, parts[1:], strict=True)))


def slopes(changes: np.ndarray, strengths: Sequence[float]) -> np.ndarray:
    """Change for one unit of strength, `[..., S]` to `[...]`."""
    steps = np.asarray(strengths, np.float64)
    return changes @ steps / (steps @ steps)


def slope_estimates(
    turning: Mapping[str, np.ndarray],
    clusters: np.ndarray,
    level: Level,
    *,
    cosine: float = float("nan"),
    reason: str | None = None,
) -> Parts:
    """How far directions turn left, means over the tested frames.

    slope: of the trunk's, less that of random directions as long. beyond-brightness: of its part that is orthogonal to
    brightness, less that of random directions as long as this part. Both intervals hold the spread of single random
    directions. brightness: of a direction of brightness as long as the trunk's. regressed-out: of trunk left less right
    at equal brightness. cosine: of trunk and brightness.

    Args:
      turning: slopes by the names of `Dose.changes`, `[T]`, of random directions `[V, T]`.
      cosine: of trunk and brightness. reason: why nothing is known of brightness, None where something is.
    """

    def mean(name: str) -> Estimate:
        return intervals.estimate(intervals.weighted_mean(turning[name]), clusters, level, chance=0.0)

    def beyond(name: str, null: str) -> Estimate:
        control = turning[null]
        above = intervals.weighted_mean(turning[name] - control.mean(0))
        return draws.beyond_draws(above, clusters, level, draws=control.mean(1))

    found = {"slope": beyond("trunk", "random")}
    if reason:
        return found | dict.fromkeys(OF_BRIGHTNESS, missing(reason))
    found |= {"beyond-brightness": beyond("orthogonal", "random_orthogonal")}
    found |= {"brightness": mean("brightness"), "regressed-out": mean("regressed")}
    return found | {"cosine": intervals.exact(cosine, n=len(clusters), chance=0.0)}


def mean_intervals(values: np.ndarray, clusters: np.ndarray, level: Level) -> np.ndarray:
    """Intervals of the means over frames of `[N, R]`, `[R, 2]`; NaN where there is none."""
    estimates = [intervals.estimate(intervals.weighted_mean(column), clusters, level) for column in values.T]
    return np.array([estimate.bounds for estimate in estimates])

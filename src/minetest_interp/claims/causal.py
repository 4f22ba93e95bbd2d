"""What causes the steering: channels replaced, patched from mirrored frames, and steered.

Replaced are the channels of the layers that the claims name. At the last of these the gradient is taken and vectors are
added.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy

from minetest_interp.analysis import intervals, interventions
from minetest_interp.analysis.intervals import Bootstrap, Estimate, Statistic, missing
from minetest_interp.analysis.interventions import Effects
from minetest_interp.claims.measured import Arrays, Measured, Parts, check_channels
from minetest_interp.io.errors import InputError
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.labels import NO_LABELS, why_none
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy

NO_UNITS = "no channel could be compared with trunks"
RELATIONS = {"rank-correlation": "rectified", "before-relu": "auroc"}  # part to the strength that it ranks


class Frames(NamedTuple):
    """N frames and what is read out on them.

    original, mirrored: grey `[N, S, S]` or real stacks. clusters: `[N]`. readouts: R of them; steering, which one.
    difference: `[N]`, mirrored steering less steering. gradient: `[N, C]`, the steering's `gradient_sides` at a
    layer.
    """

    original: np.ndarray
    mirrored: np.ndarray
    clusters: np.ndarray
    readouts: tuple[Objective, ...]
    steering: int
    difference: np.ndarray
    gradient: np.ndarray


class Removals(NamedTuple):
    """steering: layer to replacement to the effects of every channel on the steering, `[N, C]`."""

    arrays: Arrays
    steering: dict[str, dict[str, Effects]]


class Dose(NamedTuple):
    """Frames on which vectors were added at S strengths.

    which: of the M labelled frames, boolean. vector: `[h, w, C]`. changes: `[V, N, S, R]`, the vector first, then
    random directions.
    """

    which: np.ndarray
    vector: np.ndarray
    changes: np.ndarray


def measure(
    policy: Policy,
    table: ActionTable,
    stacks: Mapping[str, np.ndarray],
    labelled: Mapping[str, np.ndarray] | None,
    *,
    units: Mapping[str, np.ndarray] | None = None,
    steering: str,
    side: int = 1,
    channels: Mapping[str, int],
    donors: int = 4,
    directions: int = 20,
    strengths: Sequence[float] = (-2, -1, -0.5, 0.5, 1, 2),
    seed: int = 0,
    similarity: float = 0.9,
    bootstrap: Bootstrap = intervals.BOOTSTRAP,
) -> Measured:
    """Tests the claims about what causes the steering.

    Args:
      stacks: frames `[N]`, their names; original and mirrored, grey `[N, S, S]` or real stacks `[N, T, S, S]`.
      labelled: M frames: frames, group `[M]` of names; original as above; position `[M]`, where the trunk is, -1 (left)
        to 1 (right), NaN without one.
      units: the arrays of `units.measure`: how each channel tells trunks.
      steering: the name of the steering behaviour. channels: layer to the channel that the claims name, in the
        network's order.
      donors: frames from which a channel is taken in its stead. directions: random ones beside the steering vector.
      similarity: of grey levels, above which frames are near-duplicates.

    Raises:
      InputError: there is no such layer or channel.
    """
    check_channels(policy, channels)
    units, readouts, detects = units or {}, objectives.readouts(table, policy.architecture), list(channels)[-1]
    frames = _read(
        policy,
        readouts,
        stacks,
        steering,
        intervals.near_duplicates(stacks["original"], similarity=similarity),
        layer=detects,
    )
    removals = replace_channels(policy, frames, channels, donors=donors, seed=seed, bootstrap=bootstrap)
    gradient = side * frames.gradient
    detector = detector_estimates(
        removals.steering[detects],
        gradient,
        frames.difference,
        frames.clusters,
        bootstrap,
        channel=channels[detects],
        sign=-1 if _is_switched_off(units, detects, channels[detects]) else 1,
    )
    reason = why_none(np.isfinite(labelled["position"])) if labelled else NO_LABELS
    relation = _relate_to_trunks(units, removals, bootstrap, reason=reason)
    slope = _steer(
        policy,
        frames,
        labelled,
        detects,
        side=side,
        directions=directions,
        strengths=strengths,
        seed=seed,
        similarity=similarity,
        bootstrap=bootstrap,
        reason=reason,
    )
    arrays = {"frames": stacks["frames"], "clusters": frames.clusters, "quantities": np.array(list(readouts))}
    arrays |= removals.arrays | {f"gradient/{detects}/sides": gradient} | relation.arrays | slope.arrays
    estimates = {"tree-detector-steers": detector}
    return Measured(arrays, estimates | relation.estimates | slope.estimates)


def _read(
    policy: Policy,
    readouts: Mapping[str, Objective],
    stacks: Mapping[str, np.ndarray],
    steering: str,
    clusters: np.ndarray,
    *,
    layer: str,
) -> Frames:
    objectives, which = tuple(readouts.values()), list(readouts).index(steering)
    original, mirrored = stacks["original"], stacks["mirrored"]
    (here, gradient), (there, _) = (
        interventions.gradient_sides(policy, objectives[which], layer, greys) for greys in (original, mirrored)
    )
    return Frames(original, mirrored, clusters, objectives, which, there - here, gradient)


def replace_channels(
    policy: Policy, frames: Frames, channels: Mapping[str, int], *, donors: int, seed: int, bootstrap: Bootstrap
) -> Removals:
    """Every channel of every named layer under every replacement; intervals for the channels that claims name."""
    drawn = interventions.draw_donors(frames.clusters, count=donors, seed=seed)
    arrays, steering = {}, {}
    for layer in channels:
        effects = interventions.replacement_effects(
            policy, frames.readouts, layer, frames.original, frames.mirrored, drawn
        )
        for name, (change, size) in effects.items():
            arrays[f"{name}/{layer}/size"] = size.mean(0)
            arrays[f"{name}/{layer}/change"] = change.mean(0)
            arrays[f"{name}/{layer}/interval"] = _mean_intervals(size[:, channels[layer]], frames.clusters, bootstrap)
        steering[layer] = {
            name: Effects(*(values[..., frames.steering] for values in of)) for name, of in effects.items()
        }
        arrays[f"zero/{layer}/steering"] = steering[layer]["zero"].size
        arrays[f"patch/{layer}/share"] = interventions.carried_share(steering[layer]["patch"].change, frames.difference)
    return Removals(arrays, steering)


def _is_switched_off(units: Mapping[str, np.ndarray], layer: str, channel: int) -> bool:
    """Whether trunks switch a channel off."""
    # ASSUME: without labelled frames a detector is switched on by what it detects.
    return f"{layer}/auroc" in units and bool(units[f"{layer}/auroc"][channel] < 0.5)


def _relate_to_trunks(
    units: Mapping[str, np.ndarray], removals: Removals, bootstrap: Bootstrap, *, reason: str | None
) -> Measured:
    """Are the units that tell trunks those that move the steering?"""
    layers = [str(layer) for layer in units.get("layers", ()) if f"{layer}/auroc" in units]
    if not layers:
        return Measured({}, {"trunk-units-steer": dict.fromkeys(RELATIONS, missing(reason or NO_UNITS))})

    def strength(name: str) -> dict[str, np.ndarray]:
        return {layer: np.abs(units[f"{layer}/{name}"] - 0.5) for layer in layers}

    effect = [removals.steering[layer]["zero"].size.mean(0) for layer in layers]
    parts = {
        part: rank_correlation_estimate(list(strength(name).values()), effect, bootstrap)
        for part, name in RELATIONS.items()
    }
    arrays = {f"trunk/{layer}": values for layer, values in strength("rectified").items()}
    return Measured(arrays, {"trunk-units-steer": parts})


def _steer(
    policy: Policy,
    frames: Frames,
    labelled: Mapping[str, np.ndarray] | None,
    layer: str,
    *,
    side: int,
    directions: int,
    strengths: Sequence[float],
    seed: int,
    similarity: float,
    bootstrap: Bootstrap,
    reason: str | None,
) -> Measured:
    """Does adding what trunks on the left add to a layer turn left?"""
    if labelled is None or reason:
        return Measured({}, {"steering-vector": {"slope": missing(reason or NO_LABELS)}})
    groups = intervals.near_duplicates(labelled["original"], similarity=similarity, group=labelled["group"])
    try:
        dose = give_doses(
            policy, frames.readouts, labelled, layer, groups, directions=directions, strengths=strengths, seed=seed
        )
    except InputError as reason:
        return Measured({}, {"steering-vector": {"slope": missing(str(reason))}})
    clusters, changes = groups[dose.which], dose.changes
    bounds = [_mean_intervals(changes[0, :, i], clusters, bootstrap) for i in range(len(strengths))]
    arrays = {
        "dose/frames": labelled["frames"][dose.which],
        "dose/clusters": clusters,
        "dose/strengths": np.array(strengths, float),
        "dose/vector": dose.vector,
        "dose/change": changes[0].mean(0),
        "dose/interval": np.stack(bounds),
        "dose/random": changes[1:].mean(1),
    }
    slope = slope_estimate(side * changes[..., frames.steering], clusters, bootstrap, strengths=strengths)
    return Measured(arrays, {"steering-vector": {"slope": slope}})


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
    """Adds the steering vector of one half of the labelled frames to a layer of the other half, and random directions.

    Raises:
      InputError: too few frames with a trunk on each side, or none to test on.
    """
    chosen, tested = intervals.cluster_halves(clusters)
    greys = labelled["original"]
    vector = interventions.steering_vector(policy, layer, greys[chosen], labelled["position"][chosen])
    random = interventions.random_directions(vector, count=directions, seed=seed)
    vectors = np.concatenate([vector[None], random])
    changes = interventions.dose_response(policy, readouts, layer, greys[tested], vectors, strengths=strengths)
    return Dose(tested, vector, changes)


def detector_estimates(
    effects: Mapping[str, Effects],
    gradient: np.ndarray,
    difference: np.ndarray,
    clusters: np.ndarray,
    bootstrap: Bootstrap,
    *,
    channel: int,
    sign: int,
) -> Parts:
    """Does a channel push the steering the expected way, and does its removal matter among the layer's channels?

    gradient: of turning left, left half less right half, times `sign`. ablation-rank: share of the other channels whose
    zero ablation changes the steering more. ablation-zero, -mean, -resample: mean absolute change; chance is the median
    over the layer's channels. patch: share of `difference` that patching the channel from the mirrored frame carries
    over; chance is the mean over the channels.

    Args:
      effects: the layer's on the steering by replacement, `[N, C]`. gradient: `[N, C]`.
      difference: `[N]`, mirrored steering less steering.
      sign: -1 where trunks switch the channel off, so that pushing left at a trunk means a negative gradient.
    """

    def estimate(statistic: Statistic, chance: float) -> Estimate:
        known = float(chance) if np.isfinite(chance) else None
        return intervals.estimate(statistic, clusters, bootstrap, chance=known)

    def effect(name: str) -> Estimate:
        if name not in effects:
            return missing("all frames are near-duplicates of one another, so none can lend its activation")
        size = effects[name].size.astype(np.float64)
        return estimate(intervals.weighted_mean(size[:, channel]), np.median(size.mean(0)))

    patch = effects["patch"].change
    share = intervals.weighted_ratio(patch[:, channel] * difference, difference**2)
    return {
        "gradient": estimate(intervals.weighted_mean(sign * gradient[:, channel]), 0.0),
        "ablation-rank": estimate(interventions.rank_share(effects["zero"].size, channel), 0.5),
        **{f"ablation-{name}": effect(name) for name in ("zero", "mean", "resample")},
        "patch": estimate(share, float(interventions.carried_share(patch, difference).mean())),
    }


def rank_correlation_estimate(
    strength: Sequence[np.ndarray], effect: Sequence[np.ndarray], bootstrap: Bootstrap
) -> Estimate:
    """Spearman's correlation over the channels of several layers, each `[C]`; n counts channels.

    Ranks are taken within each layer, as shares of its channels, since a channel's effect depends on how many share its
    layer's work; the bootstrap draws channels. Channels without a strength (NaN) are left out.
    """
    known = [np.isfinite(layer) for layer in strength]

    def ranks(layers: Sequence[np.ndarray]) -> np.ndarray:
        of_known = (layer[k] for layer, k in zip(layers, known, strict=True))
        return np.concatenate([(scipy.stats.rankdata(layer) - 0.5) / max(1, len(layer)) for layer in of_known])

    x, y = ranks(strength), ranks(effect)
    return intervals.estimate(intervals.weighted_correlation(x, y), np.arange(len(x)), bootstrap, chance=0.0)


def slope_estimate(
    changes: np.ndarray, clusters: np.ndarray, bootstrap: Bootstrap, *, strengths: Sequence[float]
) -> Estimate:
    """Change for one unit of strength, less that of random directions; the mean over frames.

    A frame's slope is that of least squares through the origin, since strength 0 changes nothing.

    Args:
      changes: `[V, N, S]` of one readout: the vector, then random directions.
    """
    steps = np.asarray(strengths, np.float64)
    slopes = changes @ steps / (steps @ steps)
    return intervals.estimate(intervals.weighted_mean(slopes[0] - slopes[1:].mean(0)), clusters, bootstrap, chance=0.0)


def _mean_intervals(values: np.ndarray, clusters: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Intervals of the means over frames of `[N, R]`, `[R, 2]`; NaN where there is none."""
    estimates = [intervals.estimate(intervals.weighted_mean(column), clusters, bootstrap) for column in values.T]
    return np.array([estimate.interval or (np.nan, np.nan) for estimate in estimates])

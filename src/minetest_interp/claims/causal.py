"""What causes the steering: channels replaced and patched from mirrored frames; `vectors` adds directions.

Replaced are the channels of the layers that the claims name. At the last of these the gradient is taken and vectors are
added.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy

from minetest_interp.analysis import draws, intervals, interventions
from minetest_interp.analysis.activity import activity
from minetest_interp.analysis.intervals import Estimate, Level, Statistic, missing
from minetest_interp.analysis.interventions import Effects
from minetest_interp.claims import vectors
from minetest_interp.claims.measured import Arrays, Measured, Parts, check_channels, without_interval
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.labels import NO_LABELS, why_none
from minetest_interp.model.objectives import Objective
from minetest_interp.model.policy import Policy, shuffled_networks

NO_UNITS = "no channel could be compared with trunks"
NO_OTHERS = "no channel of a network of shuffled weights pushes on as many frames"
NO_SIGN = "the first half of the labelled frames cannot tell whether {unit} is switched on or off by what it detects"
# Part to the strength that it ranks.
RELATIONS = {"given-activity": "rectified", "rank-correlation": "rectified", "before-relu": "auroc"}
GIVEN_ACTIVITY = ("given-activity",)


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
    networks: int = 20,
    seed: int = 0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
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
      networks: of shuffled weights, whose channels push the steering too; the first has this seed.
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
    removals = replace_channels(policy, frames, channels, donors=donors, seed=seed, level=level)
    gradient = side * frames.gradient
    reason = why_none(np.isfinite(labelled["position"])) if labelled else NO_LABELS
    pushed = [
        interventions.gradient_sides(network, readouts[steering], detects, stacks["original"])[1]
        for network in shuffled_networks(policy, count=networks, seed=seed)
    ]
    detector = detector_estimates(
        removals.steering[detects],
        gradient,
        np.concatenate(pushed, axis=1),
        frames.difference,
        frames.clusters,
        level,
        channel=channels[detects],
        sign=expected_sign(units, detects, channels[detects], reason=reason),
    )
    active = [activity(policy, layer, stacks["original"]) for layer in asked(units)]
    relation = _relate_to_trunks(units, removals, active, level, reason=reason)
    added = vectors.measure(
        policy,
        frames.readouts,
        frames.steering,
        labelled,
        detects,
        side=side,
        directions=directions,
        strengths=strengths,
        seed=seed,
        similarity=similarity,
        level=level,
        reason=reason,
    )
    arrays = {"frames": stacks["frames"], "clusters": frames.clusters, "quantities": np.array(list(readouts))}
    arrays |= removals.arrays | {f"gradient/{detects}/sides": gradient} | relation.arrays | added.arrays
    arrays |= {f"gradient/{detects}/shuffled": np.stack([push_share(of).mean(0) for of in pushed])}
    estimates = {"tree-detector-steers": detector}
    return Measured(arrays, estimates | relation.estimates | added.estimates)


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
    policy: Policy, frames: Frames, channels: Mapping[str, int], *, donors: int, seed: int, level: Level
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
            arrays[f"{name}/{layer}/interval"] = vectors.mean_intervals(
                size[:, channels[layer]], frames.clusters, level
            )
        steering[layer] = {
            name: Effects(*(values[..., frames.steering] for values in of)) for name, of in effects.items()
        }
        arrays[f"zero/{layer}/steering"] = steering[layer]["zero"].size
        arrays[f"patch/{layer}/share"] = interventions.carried_share(steering[layer]["patch"].change, frames.difference)
    return Removals(arrays, steering)


def expected_sign(units: Mapping[str, np.ndarray], layer: str, channel: int, *, reason: str | None) -> int | Estimate:
    """1 where trunks switch a channel on, -1 where they switch it off; missing where that is not known.

    It is that of the AUROC on the first half of the labelled frames, whose interval must exclude .5.

    Args:
      units: the arrays of `units.measure`. reason: why there are no trunks, None where there are.
    """
    if reason or f"{layer}/held_in" not in units:
        return missing(reason or NO_UNITS)
    _, low, high = units[f"{layer}/held_in"]
    if low > 0.5:
        return 1
    return -1 if high < 0.5 else missing(NO_SIGN.format(unit=f"{layer}/{channel}"))


def asked(units: Mapping[str, np.ndarray]) -> list[str]:
    """The layers that were asked about trunks, where anything is known of them."""
    return [str(layer) for layer in units.get("layers", ()) if f"{layer}/auroc" in units]


def _relate_to_trunks(
    units: Mapping[str, np.ndarray],
    removals: Removals,
    active: Sequence[np.ndarray],
    level: Level,
    *,
    reason: str | None,
) -> Measured:
    """Are the units that tell trunks those that move the steering? active: by layer `[2, C]`, `activity`."""
    layers = asked(units)
    if not layers:
        return Measured({}, {"trunk-units-steer": dict.fromkeys(RELATIONS, missing(reason or NO_UNITS))})

    def strength(name: str) -> dict[str, np.ndarray]:
        return {layer: np.abs(units[f"{layer}/{name}"] - 0.5) for layer in layers}

    effect = [removals.steering[layer]["zero"].size.mean(0) for layer in layers]
    given = [[of[i] for of in active] for i in (0, 1)]
    parts = {
        part: rank_correlation_estimate(
            list(strength(name).values()), effect, level, given=given if part in GIVEN_ACTIVITY else ()
        )
        for part, name in RELATIONS.items()
    }
    arrays = {f"trunk/{layer}": values for layer, values in strength("rectified").items()}
    arrays |= {f"activity/{layer}": of for layer, of in zip(layers, active, strict=True)}
    return Measured(arrays, {"trunk-units-steer": parts})


def detector_estimates(
    effects: Mapping[str, Effects],
    gradient: np.ndarray,
    shuffled: np.ndarray,
    difference: np.ndarray,
    clusters: np.ndarray,
    level: Level,
    *,
    channel: int,
    sign: int | Estimate,
) -> Parts:
    """Does a channel push the steering the expected way, and does its removal matter among the layer's channels?

    pushes: share of the frames on which the gradient of turning left, left half less right half, has the expected sign,
    one that is zero counting half. over-shuffled: the same less the mean over the channels of networks of shuffled
    weights that push on as many frames or more, each of which has the expected sign by chance; the error holds the
    spread of single ones. gradient: its mean, times `sign`. ablation-rank: share of the other channels whose
    zero ablation changes the steering more. ablation-zero, -mean, -resample: mean absolute change; chance is the median
    over the layer's channels. patch: share of `difference` that patching the channel from the mirrored frame carries
    over; chance is the mean over the channels.

    Args:
      effects: the layer's on the steering by replacement, `[N, C]`. gradient: `[N, C]`. shuffled: `[N, K * C]`, the
        gradient in K networks of shuffled weights.
      difference: `[N]`, mirrored steering less steering.
      sign: -1 where trunks switch the channel off, so that pushing left at a trunk means a negative gradient; a
        missing estimate where that is not known.
    """

    def estimate(statistic: Statistic, chance: float) -> Estimate:
        known = float(chance) if np.isfinite(chance) else None
        return intervals.estimate(statistic, clusters, level, chance=known)

    def effect(name: str) -> Estimate:
        if name not in effects:
            return missing("all frames are near-duplicates of one another, so none can lend its activation")
        size = effects[name].size.astype(np.float64)
        return estimate(intervals.weighted_mean(size[:, channel]), np.median(size.mean(0)))

    def push(values: np.ndarray, chance: float, scale: str) -> Estimate:
        if isinstance(sign, Estimate):
            return sign
        signed = intervals.weighted_mean(chance + sign * values)
        return intervals.estimate(signed, clusters, level, chance=chance, scale=scale)

    def over_shuffled() -> Estimate:
        if isinstance(sign, Estimate):
            return sign
        null = push_share(sign * shuffled[:, (shuffled != 0).sum(0) >= (own != 0).sum()])
        if not null.size:
            return missing(NO_OTHERS)
        above = intervals.weighted_mean(push_share(sign * own) - null.mean(1))
        return draws.beyond_draws(above, clusters, level, draws=null.mean(0))

    own, patch = gradient[:, channel], effects["patch"].change
    share = intervals.weighted_ratio(patch[:, channel] * difference, difference**2)
    return {
        "pushes": push(np.sign(own) / 2, 0.5, "share"),
        "over-shuffled": over_shuffled(),
        "gradient": push(own, 0.0, "plain"),
        "ablation-rank": without_interval(estimate(interventions.rank_share(effects["zero"].size, channel), 0.5)),
        **{f"ablation-{name}": effect(name) for name in ("zero", "mean", "resample")},
        "patch": estimate(share, float(interventions.carried_share(patch, difference).mean())),
    }


def push_share(gradient: np.ndarray) -> np.ndarray:
    """1 where a gradient is positive, 0 where it is negative, and one half where it is zero."""
    return np.sign(gradient, dtype=np.float64) / 2 + 0.5


def rank_correlation_estimate(
    strength: Sequence[np.ndarray],
    effect: Sequence[np.ndarray],
    level: Level,
    *,
    given: Sequence[Sequence[np.ndarray]] = (),
) -> Estimate:
    """Spearman's correlation over the channels of several layers, each `[C]`; n counts channels.

    Ranks are taken within each layer, as shares of its channels, since a channel's effect depends on how many share its
    layer's work; channels are left out one at a time. Channels without a strength (NaN) are left out.

    Args:
      given: of each other number, what the layers' channels have of it; then the correlation is the partial one.
    """
    known = [np.isfinite(layer) for layer in strength]

    def ranks(layers: Sequence[np.ndarray]) -> np.ndarray:
        of_known = (layer[k] for layer, k in zip(layers, known, strict=True))
        return np.concatenate([(scipy.stats.rankdata(layer) - 0.5) / max(1, len(layer)) for layer in of_known])

    x, y = ranks(strength), ranks(effect)
    statistic = intervals.weighted_partial_correlation(x, y, [ranks(layers) for layers in given])
    return intervals.estimate(statistic, np.arange(len(x)), level, chance=0.0, scale="correlation")

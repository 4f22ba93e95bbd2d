"""What the policy does when one thing in the world changes: a trunk gone or moved, night for day, motion for rest.

A contrast is measured on groups of frames that share their place: `frames` `[P, R, S, S]` grey and `trunk`
`[P, R, S, S]`, the share of each pixel that is trunk, in the order of the contrast's roles. *Turning* is the steering
behaviour with the sign that is positive to the left; positions run from -1 (left edge) to 1 (right edge).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import draws, intervals, interventions, stats
from minetest_interp.analysis.intervals import Estimate, Level, Statistic, missing
from minetest_interp.claims.measured import NO_VALUE, Arrays, Measured, Parts
from minetest_interp.model import frame_groups, objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.labels import NO_LABELS
from minetest_interp.model.policy import Policy, shuffled_networks

NO_PAIRS = "no labelled frames differ in this alone; those of make capture do"
NOTHING_MOVES = "what differs is hidden in all of these frames"
NO_MOTION = "this network sees one picture at a time, so there is no stack of successive ones"

# Grey frames [N, S, S] or stacks [N, T, S, S] to `turning` and, where the policy has one, `value`, [N] each.
ReadOut = Callable[[np.ndarray], Arrays]


class Contrast(NamedTuple):
    """One claim about frames that differ in one thing.

    roles: of a group's frames, {concept} standing for the concept; none for the frames of a turn.
    parts: of the claim. measure: (read_out, frames, trunk) to arrays `[P, ...]`. estimate: those arrays by name,
    clusters `[P]` and a level to an estimate of each part.
    beside_shuffled: whether it is compared with networks of shuffled weights; then there is an array more, `shuffled`
    `[P, K, R]`, the turning of K of them.
    """

    claim: str
    roles: tuple[str, ...]
    parts: tuple[str, ...]
    measure: Callable[[ReadOut, np.ndarray, np.ndarray], Arrays]
    estimate: Callable[..., Parts]
    beside_shuffled: bool = False

    def members(self, group: np.ndarray, role: np.ndarray, concept: str, *, frames: int) -> np.ndarray:
        """Which frames, `[P, R]`; frames: how many a stack has."""
        return (
            frame_groups.members(group, role, [own.format(concept=concept) for own in self.roles])
            if self.roles
            else frame_groups.stacks(group, role, frames=frames)
        )


def measure(
    policy: Policy,
    table: ActionTable,
    labelled: Mapping[str, np.ndarray] | None,
    *,
    concept: str = "trunk",
    steering: str,
    side: int = 1,
    networks: int = 20,
    seed: int = 0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Tests the claims of every contrast in `CONTRASTS`; those without labelled frames are missing.

    Args:
      labelled: M frames: frames, group and role `[M]` of names; original `[M, S, S]` grey; share `[M, S, S]`, of each
        pixel that is of the concept. concept: what stands for {concept} in the roles.
      steering: the name of the steering behaviour. networks: of shuffled weights, the first with this seed.
      similarity: of grey levels, above which frames are near-duplicates.
    """
    readouts = objectives.readouts(table, policy.architecture)
    asked = {"turning": readouts.pop(steering)} | {name: readouts[name] for name in readouts.keys() & {"value"}}

    def reader(network: Policy) -> ReadOut:
        def read_out(frames: np.ndarray) -> Arrays:
            found = dict(zip(asked, interventions.read_out(network, list(asked.values()), frames).T, strict=True))
            return found | {"turning": side * found["turning"]}

        return read_out

    arrays: Arrays = {}
    estimates: dict[str, Parts] = {}
    for name, contrast in CONTRASTS.items():
        groups = _groups(contrast, labelled, concept, frames=policy.architecture.frames)
        if isinstance(groups, Estimate):
            estimates[contrast.claim] = dict.fromkeys(contrast.parts, groups)
            continue
        clusters = intervals.near_duplicates(groups["original"][:, -1], similarity=similarity)
        shown = groups["original"], groups["share"]
        changes = contrast.measure(reader(policy), *shown)
        if contrast.beside_shuffled:
            others = map(reader, shuffled_networks(policy, count=networks, seed=seed))
            changes["shuffled"] = np.stack([contrast.measure(each, *shown)["turning"] for each in others], axis=1)
        changes |= {"frames": groups["frames"], "clusters": clusters}
        visible = _visible(changes)
        if not visible.any():
            estimates[contrast.claim] = dict.fromkeys(contrast.parts, missing(NOTHING_MOVES))
            continue
        changes = {key: array[visible] for key, array in changes.items()}
        measured = {key: array for key, array in changes.items() if key != "frames"}
        estimates[contrast.claim] = contrast.estimate(**measured, level=level)
        arrays |= {f"{name}/{key}": array for key, array in changes.items()}
    return Measured(arrays, estimates)


def _visible(changes: Arrays) -> np.ndarray:
    """Which pairs, `[P]`, show what is changed: what hides behind something else has no position."""
    places = [changes[name] for name in ("position", "moved") if name in changes]
    return np.all([np.isfinite(place) for place in places] or [np.ones(len(changes["turning"]), bool)], axis=0)


def _groups(
    contrast: Contrast, labelled: Mapping[str, np.ndarray] | None, concept: str, *, frames: int
) -> Arrays | Estimate:
    """The labelled frames that differ in one thing, `[P, R, ...]` by name; a missing estimate where there are none."""
    if labelled is None:
        return missing(NO_LABELS)
    if not contrast.roles and (frames == 1 or labelled["original"].ndim > 3):
        return missing(NO_MOTION)
    members = contrast.members(labelled["group"], labelled["role"], concept, frames=frames)
    if not len(members):
        return missing(NO_PAIRS)
    return {name: labelled[name][members] for name in ("frames", "original", "share")}


def elsewhere(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The change from one frame to another made half a picture aside, `[P, S, S]`: as much of it, but not there."""
    return np.clip(before + np.roll(after - before, before.shape[-1] // 2, axis=-1), 0, 255)


def where_gone(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Mean column, -1 to 1, of what there was of a mask and is no more, `[P, S, S]` to `[P]`; NaN for nothing."""
    gone = np.clip(before - after, 0, None).sum(1, dtype=np.float64)
    side, total = gone.shape[-1], gone.sum(-1)
    columns = 2 * (np.arange(side) + 0.5) / side - 1
    return np.divide(gone @ columns, total, out=np.full(len(gone), np.nan), where=total > 0)


def measure_removal(read_out: ReadOut, frames: np.ndarray, trunk: np.ndarray) -> Arrays:
    """turning, value: `[P, 2]`, with the trunk and without. control: `[P]`, turning on `elsewhere`. position: `[P]`."""
    control = read_out(elsewhere(frames[:, 0], frames[:, 1]))["turning"]
    return _both(read_out, frames) | {"control": control, "position": where_gone(trunk[:, 0], trunk[:, 1])}


def removal_estimates(
    turning: np.ndarray,
    control: np.ndarray,
    position: np.ndarray,
    clusters: np.ndarray,
    level: Level,
    *,
    value: np.ndarray | None = None,
) -> Parts:
    """What goes when a trunk goes; its leaves stay.

    above-control: mean size of the change of turning, less that of the control's. towards: mean turn towards the trunk
    while it is there, less that once it is gone. change: mean size of the change of turning. value: mean fall of it.
    """
    present, gone = turning.T

    def mean(numbers: np.ndarray, chance: float | None = None) -> Estimate:
        return intervals.estimate(intervals.weighted_mean(numbers), clusters, level, chance=chance)

    return {
        "above-control": mean(np.abs(gone - present) - np.abs(control - present), 0.0),
        # Left is negative in a picture and positive in turning.
        "towards": mean(-np.sign(position) * (present - gone), 0.0),
        "change": mean(np.abs(gone - present)),
        "value": missing(NO_VALUE) if value is None else mean(value[:, 0] - value[:, 1], 0.0),
    }


def measure_move(read_out: ReadOut, frames: np.ndarray, trunk: np.ndarray) -> Arrays:
    """turning: `[P, 2]`, before and after. moved: `[P]`, how far to the right the trunk went."""
    before, after = trunk[:, 0], trunk[:, 1]
    return {
        "turning": _both(read_out, frames)["turning"],
        "moved": where_gone(after, before) - where_gone(before, after),
    }


def move_estimates(turning: np.ndarray, moved: np.ndarray, clusters: np.ndarray, level: Level) -> Parts:
    """Does the steering go where the trunk goes?

    sides: share of the pairs whose turning changes to the side to which the trunk moved. correlation: of the changes.
    """
    turned = turning[:, 1] - turning[:, 0]
    sides = intervals.weighted_mean(stats.opposite_signs(turned, moved))
    return {
        "sides": intervals.estimate(sides, clusters, level, chance=0.5, scale="share"),
        "correlation": intervals.estimate(
            intervals.weighted_correlation(turned, -moved), clusters, level, chance=0.0, scale="correlation"
        ),
    }


def measure_light(read_out: ReadOut, frames: np.ndarray, trunk: np.ndarray) -> Arrays:
    """turning: `[P, 2]`, by day and by night."""
    return {"turning": _both(read_out, frames)["turning"]}


def measure_motion(read_out: ReadOut, frames: np.ndarray, trunk: np.ndarray) -> Arrays:
    """turning, mirrored: `[P, 2]`, on real stacks and on their newest frame repeated, and in a mirror."""
    seen = (frames, frames[:, -1])
    return {
        "turning": np.stack([read_out(each)["turning"] for each in seen], axis=1),
        "mirrored": np.stack([read_out(each[..., ::-1])["turning"] for each in seen], axis=1),
    }


def likeness_estimates(turning: np.ndarray, clusters: np.ndarray, level: Level) -> Parts:
    """Does the policy steer the same way on two renderings of one view?

    correlation: of the two. sides: share that turn to the same side. strength: mean size of the second turning over
    that of the first.
    """
    one, other = turning.T
    sides = intervals.weighted_mean(np.sign(one) * np.sign(other) > 0)
    return {
        "correlation": intervals.estimate(
            intervals.weighted_correlation(one, other), clusters, level, chance=0.0, scale="correlation"
        ),
        "sides": intervals.estimate(sides, clusters, level, chance=0.5, scale="share"),
        "strength": intervals.estimate(
            intervals.weighted_ratio(np.abs(other), np.abs(one)), clusters, level, chance=1.0, scale="ratio"
        ),
    }


def light_estimates(turning: np.ndarray, shuffled: np.ndarray, clusters: np.ndarray, level: Level) -> Parts:
    """`likeness_estimates`, and how much closer the two go than those of networks of shuffled weights.

    over-shuffled: Fisher's z of the correlation, less the mean of the networks'.

    Args:
      shuffled: `[P, K, 2]`, of K networks.
    """
    own, *others = (_fisher(each) for each in (turning, *np.moveaxis(shuffled, 1, 0)))
    return likeness_estimates(turning, clusters, level) | {
        "over-shuffled": draws.beyond_others(own, others, clusters, level)
    }


def _fisher(turning: np.ndarray) -> Statistic:
    of = intervals.weighted_correlation(*turning.T)
    return lambda weights: intervals.SCALES["correlation"].to(of(weights))


def motion_estimates(turning: np.ndarray, mirrored: np.ndarray, clusters: np.ndarray, level: Level) -> Parts:
    """`likeness_estimates`, and the mirror test on the same frames, as real stacks and repeated.

    flips-stack, flips-still: share whose turning changes sign in a mirror.
    """
    flips = [intervals.weighted_mean(each) for each in stats.opposite_signs(turning, mirrored).T]
    names = ("flips-stack", "flips-still")
    return likeness_estimates(turning, clusters, level) | {
        name: intervals.estimate(each, clusters, level, chance=0.5, scale="share")
        for name, each in zip(names, flips, strict=True)
    }


def _both(read_out: ReadOut, frames: np.ndarray) -> Arrays:
    """What is read out on both frames of each pair, `[P, 2]` each."""
    return {name: found.reshape(-1, 2) for name, found in read_out(frames.reshape(-1, *frames.shape[2:])).items()}


LIKENESS = ("correlation", "sides", "strength")
CONTRASTS = {
    "removed": Contrast(
        "trunk-removed",
        ("{concept}", "no {concept}"),
        ("above-control", "towards", "change", "value"),
        measure_removal,
        removal_estimates,
    ),
    "moved": Contrast(
        "trunk-moved", ("{concept}", "moved {concept}"), ("sides", "correlation"), measure_move, move_estimates
    ),
    "light": Contrast(
        "day-night",
        ("day", "night"),
        (*LIKENESS, "over-shuffled"),
        measure_light,
        light_estimates,
        beside_shuffled=True,
    ),
    "motion": Contrast("still-stacks", (), (*LIKENESS, "flips-stack", "flips-still"), measure_motion, motion_estimates),
}

"""What can be read linearly from each layer, and whether the steering follows a concept in every group of frames.

A *step* is what a probe reads: a map of the picture's brightness, its pixels, or what a layer passes on. A *target* is
what it is asked for: the side of the concept and, where the labels have them, the distance of the nearest trunk, its
species, and whether the view ray crosses a trunk. `analysis.probes` says how a probe is fitted and tested.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import activity, intervals, mask_overlap, probes
from minetest_interp.analysis.intervals import Estimate, Level, Statistic, missing
from minetest_interp.claims import groups
from minetest_interp.claims.measured import Arrays, Measured, Parts, check_channels
from minetest_interp.claims.units import newest_grey
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.labels import NO_LABELS, OFF_MIDDLE, why_none
from minetest_interp.model.policy import Policy, shuffled_networks

BRIGHTNESS, PIXELS = "brightness", "pixels"
SIDE, DISTANCE, SPECIES, RAY = "side", "distance", "species", "ray"
SIDE_PARTS = ("over-brightness", "accuracy", "brightness", "over-weights", "over-labels", DISTANCE, SPECIES, RAY)


class ProbeTarget(NamedTuple):
    """What N frames show. frames: their numbers among all labelled ones. clusters: `[N]`.

    values: `[N]`, numbers, or those of the classes. classes: their names; none for numbers.
    """

    frames: np.ndarray
    clusters: np.ndarray
    values: np.ndarray
    classes: tuple[str, ...] = ()


class Decoding(NamedTuple):
    """How well probes decode a target, `[R, N]`: first as it is, then with its answers shuffled.

    A score is the sum over frames of `gained` over that of `possible`: of classes the share that is right, of numbers
    the share of the variance that is explained, on the frames that a probe is tested on.
    """

    gained: np.ndarray
    possible: np.ndarray

    def score(self, row: int = 0) -> Statistic:
        return intervals.weighted_ratio(self.gained[row], self.possible[row])


class Decoded(NamedTuple):
    """What probes decode of a target, by step; of layers also with each of some networks of shuffled weights."""

    real: dict[str, Decoding]
    shuffled: dict[str, list[Decoding]]


def measure(
    policy: Policy,
    table: ActionTable,
    labelled: Mapping[str, np.ndarray] | None,
    *,
    channels: Mapping[str, int],
    concept: str = "trunk",
    steering: str,
    side: int = 1,
    penalties: Sequence[float] = probes.PENALTIES,
    shuffles: int = 20,
    networks: int = 3,
    least_group: int = 20,
    seed: int = 0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Tests whether a layer holds the side of the concept, and whether the steering follows it in every group.

    Args:
      labelled: M frames: frames, group, species, biome `[M]` of text; original `[M, S, S]` grey or `[M, 3, S, S]`
        colours; position, of the concept, and distance, ray_trunks `[M]`, NaN where there is none. What they cannot
        decide is a missing estimate with its reason.
      channels: the layers that the claims name, of which the last is asked about the side. concept: what it is called.
      steering: the name of the steering behaviour. side: +1 where it is positive to the left, -1 to the right.
      penalties: to choose from, see `probes.predict`. shuffles: of the answers. networks: with shuffled weights.
      least_group: clusters that a species or surroundings must have to be asked about. seed: of all shuffling.
      similarity: of grey levels, above which frames are near-duplicates.

    Raises:
      InputError: there is no such layer or channel.
    """
    check_channels(policy, channels)
    if labelled is None:
        unknown = {name: NO_LABELS for name in (SIDE, DISTANCE, SPECIES, RAY)}
        parts = side_parts({}, unknown, list(channels)[-1], level)
        return Measured({}, {"side-is-encoded": parts, "species": dict.fromkeys(groups.GROUPINGS, missing(NO_LABELS))})
    clusters = intervals.near_duplicates(labelled["original"], similarity=similarity, group=labelled["group"])
    found, unknown = targets(labelled, clusters, concept=concept)
    decoded = decode_all(
        policy, labelled["original"], found, penalties=penalties, shuffles=shuffles, networks=networks, seed=seed
    )
    arrays: Arrays = {"steps": np.array([BRIGHTNESS, PIXELS, *policy.architecture.targets[1:]])}
    for name, target in found.items():
        chance = 0.5 if name == SIDE else naming(target).mean() if target.classes else 0.0
        of_target = _arrays(target, decoded[name], chance, level) | {"frames": labelled["frames"][target.frames]}
        arrays |= {f"{name}/{key}": array for key, array in of_target.items()}
    followed = groups.measure(
        policy,
        table,
        labelled,
        clusters,
        steering=steering,
        side=side,
        least_group=least_group,
        level=level,
    )
    pairs = {name: (target, decoded[name]) for name, target in found.items()}
    estimates = {"side-is-encoded": side_parts(pairs, unknown, list(channels)[-1], level)}
    return Measured(arrays | followed.arrays, estimates | followed.estimates)


def targets(
    labelled: Mapping[str, np.ndarray], clusters: np.ndarray, *, concept: str
) -> tuple[dict[str, ProbeTarget], dict[str, str]]:
    """What probes can be asked of these frames, and why they cannot be asked the rest.

    side: of the concept, of frames where it is more than `OFF_MIDDLE` from the middle. distance: logarithm of 1 and the
    nodes. species: those that both halves have. ray: whether the view ray crosses any trunk.
    """
    position, species, trunks = labelled["position"], labelled["species"], labelled["ray_trunks"]
    names = sorted(set.intersection(*({*species[half]} for half in intervals.cluster_halves(clusters))) - {""})

    def target(known: np.ndarray, values: np.ndarray, classes: Sequence[str] = ()) -> ProbeTarget:
        return ProbeTarget(np.flatnonzero(known), clusters[known], values[known], tuple(classes))

    possible = {
        SIDE: target(np.abs(position) > OFF_MIDDLE, (position > 0).astype(int), ("left", "right")),
        DISTANCE: target(np.isfinite(labelled["distance"]), np.log1p(labelled["distance"])),
        SPECIES: target(np.isin(species, names), np.searchsorted(names, species), names),
        RAY: target(np.isfinite(trunks), (trunks > 0).astype(int), ("none", "some")),
    }
    unknown = {
        SIDE: why_none(np.isfinite(position)),
        DISTANCE: None if len(possible[DISTANCE].frames) else "the labels give no distances",
        SPECIES: None if (species != "").any() else "the labels name no species",
        RAY: None if len(possible[RAY].frames) else "the labels do not say what the view ray crosses",
    }
    few = {
        SIDE: f"each half of the labelled frames must have the {concept} on the left and on the right",
        DISTANCE: "each half of the labelled frames must have trunks at several distances",
        SPECIES: "each half of the labelled frames must have the same two species or more",
        RAY: "each half of the labelled frames must have some with a trunk on the view ray and some without",
    }
    reasons = {name: unknown[name] or (None if _differs(each) else few[name]) for name, each in possible.items()}
    return (
        {name: each for name, each in possible.items() if reasons[name] is None},
        {name: reason for name, reason in reasons.items() if reason is not None},
    )


def _differs(target: ProbeTarget) -> bool:
    return all(len(np.unique(target.values[half])) > 1 for half, _ in probes.ways(target.clusters))


def decode_all(
    policy: Policy,
    pictures: np.ndarray,
    asked: Mapping[str, ProbeTarget],
    *,
    penalties: Sequence[float],
    shuffles: int,
    networks: int,
    seed: int,
) -> dict[str, Decoded]:
    """What probes decode of every target at every step, from pictures `[M, S, S]` or `[M, 3, S, S]`."""
    decoded = {name: Decoded({}, {}) for name in asked}
    if not asked:
        return decoded
    orders = {name: probes.shuffled_labels(each.clusters, count=shuffles, seed=seed) for name, each in asked.items()}
    brightness = probes.brightness_map(newest_grey(pictures, colour=pictures.ndim > 3))
    for step, features in ((BRIGHTNESS, brightness), (PIXELS, pictures), *_layers(policy, pictures)):
        for name, target in asked.items():
            decoded[name].real[step] = decode(features, target, orders[name], penalties=penalties)
    for network in shuffled_networks(policy, count=networks, seed=seed):
        for step, features in _layers(network, pictures):
            for name, target in asked.items():
                read = decode(features, target, orders[name][:0], penalties=penalties)
                decoded[name].shuffled.setdefault(step, []).append(read)
    return decoded


def _layers(policy: Policy, pictures: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What each layer passes on of the pictures."""
    network = policy.architecture
    for layer, activation in mask_overlap.activations(policy, pictures, network.targets[1:]).items():
        yield layer, activity.pass_on(activation, network.passed_through(layer))


def decode(features: np.ndarray, target: ProbeTarget, orders: np.ndarray, *, penalties: Sequence[float]) -> Decoding:
    """How well the target is decoded from the features `[M, ...]` of all labelled frames.

    Args:
      orders: `[R - 1, N]`, whose answer each frame gets in a control task.
    """
    halves = probes.both_ways(features[target.frames], target.clusters)
    values = np.concatenate([target.values[None], target.values[orders]])
    if target.classes:
        answers = probes.one_for_each(values, count=len(target.classes))
        found = probes.predict(halves, answers.reshape(len(answers), -1), penalties=penalties)
        right = values == found.reshape(answers.shape).argmax(-1).T
        return Decoding(right.astype(np.float64), np.ones(values.shape))
    # One outlying prediction would drown every other error.
    found = probes.within_known(probes.predict(halves, values.T, penalties=penalties).T, values, target.clusters)
    possible = (values - probes.means_before(values, target.clusters)) ** 2
    return Decoding(possible - (values - found) ** 2, possible)


def naming(target: ProbeTarget) -> np.ndarray:
    """Whether naming the class that is most frequent in the half that fits would be right, `[N]`."""
    return probes.most_frequent(target.values, target.clusters)


def _arrays(target: ProbeTarget, decoded: Decoded, chance: float, level: Level) -> Arrays:
    """Of a target at every step; those that are no layers have no shuffled weights."""
    once, reads = np.ones(len(target.frames)), decoded.real.values()
    found = [
        intervals.estimate(read.score(), target.clusters, level, scale="share" if target.classes else "plain")
        for read in reads
    ]
    nothing = [np.nan] * max(map(len, decoded.shuffled.values()), default=0)
    weights = [[one.score()(once) for one in decoded.shuffled[step]] if step in decoded.shuffled else nothing
               for step in decoded.real]  # fmt: skip
    return {
        "clusters": target.clusters,
        "values": target.values,
        "classes": np.array(target.classes, dtype=str),
        "gained": np.stack([read.gained[0] for read in reads]),
        "possible": next(iter(reads)).possible[0],
        "score": np.array([read.score()(once) for read in reads]),
        "interval": np.array([one.bounds for one in found], np.float64),
        "chance": np.float64(chance),
        "shuffled_labels": np.array([[read.score(row)(once) for row in range(1, len(read.gained))] for read in reads]),
        "shuffled_weights": np.array(weights),
    }


def side_parts(
    decoded: Mapping[str, tuple[ProbeTarget, Decoded]], unknown: Mapping[str, str], layer: str, level: Level
) -> Parts:
    """What is decoded of the side from a layer, less what is from its rivals, and of other targets.

    accuracy, brightness: shares that are right from the layer and from the map of brightness. over-brightness: the
    first less the second.
    over-weights: less the mean of networks with shuffled weights. over-labels: less the mean of shuffled answers.
    distance: share of variance explained. species, ray: share that is right less that of the most frequent class.

    Args:
      decoded: what is known of each target. unknown: why nothing is known of the others.
    """
    parts: Parts = {part: missing(unknown[SIDE]) for part in SIDE_PARTS} if SIDE in unknown else {}
    parts |= {name: missing(reason) for name, reason in unknown.items() if name != SIDE}
    for name, (target, of_target) in decoded.items():
        read = of_target.real[layer]

        def estimate(statistic: Statistic, chance: float, scale: str = "plain", own: ProbeTarget = target) -> Estimate:
            return intervals.estimate(statistic, own.clusters, level, chance=chance, scale=scale)

        if name == DISTANCE:
            parts[name] = estimate(read.score(), 0.0)
        elif name != SIDE:
            parts[name] = estimate(intervals.weighted_mean(read.gained[0] - naming(target)), 0.0)
        else:
            right, rival = read.gained[0], of_target.real[BRIGHTNESS].gained[0]
            twins = np.mean([one.gained[0] for one in of_target.shuffled[layer]], axis=0)
            parts |= {
                "over-brightness": estimate(intervals.weighted_mean(right - rival), 0.0),
                "accuracy": estimate(intervals.weighted_mean(right), 0.5, "share"),
                "brightness": estimate(intervals.weighted_mean(rival), 0.5, "share"),
                "over-weights": estimate(intervals.weighted_mean(right - twins), 0.0),
                "over-labels": estimate(intervals.weighted_mean(right - read.gained[1:].mean(0)), 0.0),
            }
    return {part: parts[part] for part in SIDE_PARTS}

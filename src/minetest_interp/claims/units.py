"""What single channels respond to: oriented gradients in the first layer, trunks in others; both against controls.

The first layer is asked about gradients where it is one convolution of the pixels (`Architecture.affine`); every other
layer that the claims name is asked about trunks.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minetest_interp.analysis import activity, draws, edges, intervals, mask_overlap, stats
from minetest_interp.analysis.edges import Choice, Moments
from minetest_interp.analysis.intervals import Estimate, Level, Statistic, missing
from minetest_interp.analysis.mask_overlap import Detection, Samples
from minetest_interp.claims.measured import Arrays, Measured, Parts, check_channels, without_interval
from minetest_interp.io.errors import InputError
from minetest_interp.model.labels import NO_LABELS, why_none
from minetest_interp.model.policy import Policy

SHUFFLES = 99  # of a kernel's pixels, where nothing else is asked for
EDGE_PARTS = ("response", "over-brightness", "over-shuffled", "kernel", "rank")
TRUNK_PARTS = ("auroc", "over-brightness", "q-value", "iou", "rank")
NOT_GREY = "oriented gradients are those of one grey picture; a real stack has several, and colours have none"
NOT_FIRST = "oriented gradients are those of a first layer that is one convolution of the pixels; the study names none"


class Detectors(NamedTuple):
    """How the channels of each layer tell trunks.

    detections: by layer, of its channels and, last, of brightness. q: by layer `[C]`, corrected for all channels.
    rectified: by layer `[C + 1]`, the AUROC of what a channel passes on, after the function that follows.
    held_in: by layer the first half's samples of the channel that the claims name, as it is shown.
    """

    detections: dict[str, Detection]
    q: dict[str, np.ndarray]
    rectified: dict[str, np.ndarray]
    held_in: dict[str, Samples]


class Followers(NamedTuple):
    """How the channels of the first layer follow gradients and brightness, chosen on the first half of the frames.

    gradient, brightness: the choice of each channel. gradient_following, brightness_following: statistics of the second
    half's weights, to `[..., C]`.
    """

    gradient: Choice
    brightness: Choice
    gradient_following: Statistic
    brightness_following: Statistic


def measure(
    policy: Policy,
    stacks: Mapping[str, np.ndarray],
    labelled: Mapping[str, np.ndarray] | None,
    *,
    channels: Mapping[str, int],
    trunk_share: float = mask_overlap.TRUNK_SHARE,
    shifts: int = 999,
    false_discovery: float = 0.05,
    named: int = 5,
    shuffles: int = SHUFFLES,
    seed: int = 0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Tests the claims about what the channels of `channels` detect, each among the channels of its layer.

    Args:
      stacks: frames `[N]`, their names; original, grey `[N, S, S]`; colours, where they are some. Of stacks
        `[N, T, S, S]` gradients are not measured.
      labelled: M frames: frames, group `[M]` of names; original as above; share `[M, S, S]`, of each pixel that
        is trunk. What they cannot decide is a missing estimate with its reason.
      channels: layer to the channel that the claims name, in the network's order.
      trunk_share: of a receptive field; from here on it holds a trunk. shifts: of the masks, for the null.
      false_discovery: rate at which units are named. named: how many units the data may name.
      shuffles: random orders of a kernel's pixels, for how well a kernel without a shape follows gradients.
      similarity: of grey levels, above which frames are near-duplicates.

    Raises:
      InputError: there is no such layer or channel.
    """
    check_channels(policy, channels)
    clusters = intervals.near_duplicates(stacks["original"], similarity=similarity)
    gradients = _gradients(policy, stacks["original"], clusters, channels, shuffles, seed, level)
    asked = {layer: channel for layer, channel in channels.items() if layer != policy.architecture.affine}
    trunks = _trunks(
        policy,
        labelled,
        asked,
        colour="colours" in stacks,
        trunk_share=trunk_share,
        shifts=shifts,
        false_discovery=false_discovery,
        named=named,
        seed=seed,
        similarity=similarity,
        level=level,
    )
    arrays = {"frames": stacks["frames"], "clusters": clusters, "layers": np.array(list(asked), dtype=str)}
    return Measured(arrays | gradients.arrays | trunks.arrays, gradients.estimates | trunks.estimates)


def _trunks(
    policy: Policy,
    labelled: Mapping[str, np.ndarray] | None,
    channels: Mapping[str, int],
    *,
    colour: bool,
    false_discovery: float,
    named: int,
    similarity: float,
    level: Level,
    **trials: Any,
) -> Measured:
    """Which channels of these layers tell trunks; trials: options of `detect_trunks`."""
    if not channels:
        return Measured({}, {})
    try:
        if labelled is None:
            raise InputError(NO_LABELS)
        if reason := why_none(np.any(labelled["share"], axis=(1, 2))):
            raise InputError(reason)
        stacks = labelled["original"]
        groups = intervals.near_duplicates(stacks, similarity=similarity, group=labelled["group"])
        greys = newest_grey(stacks, colour=colour)
        detectors = detect_trunks(policy, channels, stacks, greys, labelled["share"], groups, **trials)
    except InputError as error:
        unknown = dict.fromkeys(TRUNK_PARTS, missing(str(error)))
        return Measured({}, {f"tree-detector-{layer}": unknown for layer in channels})
    arrays = {"labelled/frames": labelled["frames"], "labelled/clusters": groups}
    arrays["found"] = np.array(best_units(detectors, false_discovery=false_discovery)[:named], dtype=str)
    arrays |= _channel_arrays(detectors, groups) | _first_halves(detectors, groups, level)
    return Measured(arrays, _detector_claims(detectors, groups, channels, level))


def _gradients(
    policy: Policy,
    greys: np.ndarray,
    clusters: np.ndarray,
    channels: Mapping[str, int],
    shuffles: int,
    seed: int,
    level: Level,
) -> Measured:
    layer = next((name for name in channels if name == policy.architecture.affine), None)
    seen = policy.architecture.extent(layer) if layer and greys.ndim == 3 else None
    if layer is None or seen is None:
        reason = NOT_GREY if layer else NOT_FIRST
        return Measured({}, {"edge-detector": dict.fromkeys(EDGE_PARTS, missing(reason))})
    kernels, channel = edges.still_kernels(policy), channels[layer]
    templates = edges.templates(*kernels.shape[1:])
    filters = np.concatenate([templates, edges.mean_filter(*kernels.shape[1:])])
    sums = edges.moments(greys, kernels, filters, seen=seen)
    halves = intervals.cluster_halves(clusters)
    followers = follow(sums, halves, templates=len(templates))
    share = edges.kernel_share(kernels, templates)
    once = np.ones(halves[1].sum())
    arrays = {
        "kernel": share,
        "template": followers.gradient.filters,
        "gradient/first": followers.gradient.correlation,
        "gradient/second": followers.gradient_following(once),
        "brightness/first": followers.brightness.correlation,
        "brightness/second": followers.brightness_following(once),
    }
    shapeless = edges.moments(greys, edges.shuffled(kernels[channel], count=shuffles, seed=seed), filters, seen=seen)
    orders = follow(shapeless, halves, templates=len(templates)).gradient_following
    arrays |= {"shuffled": orders(once)}
    kernel = intervals.exact(share[channel], n=len(share), chance=edges.shuffled_share(kernels, templates, seed=seed))
    estimates = edge_estimates(followers, channel, clusters[halves[1]], level, orders=orders)
    estimates |= {"kernel": kernel}
    arrays = {f"{layer}/{name}": array for name, array in arrays.items()}
    return Measured(arrays, {"edge-detector": {part: estimates[part] for part in EDGE_PARTS}})


def follow(sums: Moments, halves: tuple[np.ndarray, np.ndarray], *, templates: int) -> Followers:
    """The gradient and the brightness that each channel follows.

    Args:
      sums: of N frames; their filters are the templates, and then the mean. halves: two boolean masks `[N]`.
    """
    first, second = (sums.take(half) for half in halves)
    gradient, brightness = edges.choose_filters(first, range(templates)), edges.choose_filters(first, [templates])
    return Followers(gradient, brightness, *(edges.following(second, choice) for choice in (gradient, brightness)))


def edge_estimates(
    followers: Followers, channel: int, clusters: np.ndarray, level: Level, *, orders: Statistic
) -> Parts:
    """How a channel follows its gradient on the second half.

    response: its correlation; chance is the mean over its kernel's pixels in random orders. over-brightness: the same
    less that with brightness. over-shuffled: Fisher's z of it less the mean of random orders'. rank: share of the other
    channels that follow gradients better.

    Args:
      orders: the correlations of its kernel with the pixels in each random order.
    """
    gradient, brightness = followers.gradient_following, followers.brightness_following
    once, fisher = np.ones(len(clusters)), intervals.SCALES["correlation"].to
    chance = float(orders(once).mean())

    def estimate(statistic: Statistic, chance: float, scale: str = "plain") -> Estimate:
        return intervals.estimate(statistic, clusters, level, chance=chance, scale=scale)

    def above(weights: np.ndarray) -> np.ndarray:
        return np.asarray(fisher(gradient(weights)[..., channel]) - fisher(orders(weights)).mean(-1))

    return {
        "response": estimate(lambda weights: gradient(weights)[..., channel], chance, "correlation"),
        "over-shuffled": draws.beyond_draws(above, clusters, level, draws=fisher(orders(once))),
        "over-brightness": estimate(lambda weights: (gradient(weights) - brightness(weights))[..., channel], 0.0),
        "rank": without_interval(estimate(lambda weights: stats.share_larger(gradient(weights), channel), 0.5)),
    }


def newest_grey(stacks: np.ndarray, *, colour: bool) -> np.ndarray:
    """The grey picture `[M, S, S]` that masks are of: a stack's newest frame, or the mean of colours."""
    if stacks.ndim == 3:
        return stacks
    return stacks.mean(1) if colour else stacks[:, -1]


def detect_trunks(
    policy: Policy,
    channels: Mapping[str, int],
    stacks: np.ndarray,
    greys: np.ndarray,
    trunk: np.ndarray,
    clusters: np.ndarray,
    *,
    trunk_share: float,
    shifts: int,
    seed: int,
) -> Detectors:
    """Holds every channel of some layers, and brightness, against the trunks in its receptive fields.

    Args:
      channels: layer to the channel that the claims name.
      stacks: grey `[M, S, S]` or `[M, T, S, S]`. greys: `[M, S, S]`, the pictures that the masks are of.
      trunk: `[M, S, S]`.

    Raises:
      InputError: a half of the frames has too few, or no place with trunk or none without.
    """
    halves, network = intervals.cluster_halves(clusters), policy.architecture
    detections, rectified, held_in = {}, {}, {}
    for layer, activation in mask_overlap.activations(policy, stacks, list(channels)).items():
        scores = mask_overlap.with_brightness(activation, greys, network, layer)
        labels = mask_overlap.field_labels(trunk, network, layer, trunk_share=trunk_share)
        detections[layer] = mask_overlap.detect(scores, labels, halves, shifts=shifts, seed=seed)
        rectified[layer] = mask_overlap.observed_singly(
            mask_overlap.auroc, activity.pass_on(activation, network.passed_through(layer)), labels
        )
        own = scores[halves[0]][..., [channels[layer]]]
        held_in[layer] = mask_overlap.samples(own, labels.take(halves[0]))
    q = mask_overlap.corrected({layer: detection.p[:-1] for layer, detection in detections.items()})
    return Detectors(detections, q, rectified, held_in)


def best_units(detectors: Detectors, *, false_discovery: float) -> list[str]:
    """Units that tell trunks on the second half too; those that tell them best on the first half come first."""
    units = [
        (-detection.first[channel], f"{layer}/{channel}")
        for layer, detection in detectors.detections.items()
        for channel in np.flatnonzero((detectors.q[layer] < false_discovery) & (detection.second[:-1] > 0.5))
    ]
    return [name for _, name in sorted(units, key=lambda unit: unit[0])]


def _channel_arrays(detectors: Detectors, clusters: np.ndarray) -> Arrays:
    """By layer, `[C]` for the channels, one number for brightness, and what the second half has of both classes."""
    names = ("auroc", "first", "second", "iou", "iou_chance", "p", "null")
    arrays: Arrays = {}
    for layer, detection in detectors.detections.items():
        values = {name: getattr(detection, name) for name in names}
        positive, negative = detection.held_out.labels.moved()
        counts = class_counts(detection.held_out, clusters[intervals.cluster_halves(clusters)[1]])
        of_layer = {name: value[..., :-1] for name, value in values.items()} | {"q": detectors.q[layer]}
        of_layer |= {f"brightness/{name}": values[name][-1] for name in ("auroc", "first", "second")}
        of_layer |= {"positives": positive.sum(), "negatives": negative.sum(), "rectified": detectors.rectified[layer]}
        of_layer |= {"counts": counts}
        arrays |= {f"{layer}/{name}": array for name, array in of_layer.items()}
    return arrays


def class_counts(samples: Samples, clusters: np.ndarray) -> np.ndarray:
    """Of places with trunk, and of places without: places, frames that have some, and independent ones, `[2, 3]`."""
    found = []
    for labels in samples.labels.moved():
        by_frame = labels.reshape(len(clusters), -1).sum(1)
        found.append((by_frame.sum(), (by_frame > 0).sum(), len(np.unique(clusters[by_frame > 0]))))
    return np.array(found)


def _auroc(samples: Samples) -> Statistic:
    """Of samples of a single channel."""
    auroc = mask_overlap.weighted(mask_overlap.auroc, samples, [0])
    return lambda weights: auroc(weights)[..., 0]


def _first_halves(detectors: Detectors, clusters: np.ndarray, level: Level) -> Arrays:
    """By layer, how the channel that the claims name tells trunks on the first half: AUROC, low, high; NaN for none."""
    first = clusters[intervals.cluster_halves(clusters)[0]]
    arrays: Arrays = {}
    for layer, samples in detectors.held_in.items():
        found = intervals.estimate(_auroc(samples), first, level, chance=0.5, scale="share")
        arrays[f"{layer}/held_in"] = np.array(found.numbers, float)
    return arrays


def _detector_claims(
    detectors: Detectors, clusters: np.ndarray, channels: Mapping[str, int], level: Level
) -> dict[str, Parts]:
    held_out = clusters[intervals.cluster_halves(clusters)[1]]
    return {
        f"tree-detector-{layer}": overlap_estimates(detection, detectors.q[layer], channels[layer], held_out, level)
        for layer, detection in detectors.detections.items()
    }


def overlap_estimates(detection: Detection, q: np.ndarray, channel: int, clusters: np.ndarray, level: Level) -> Parts:
    """How well a channel tells trunks on the second half, in the first half's direction.

    over-brightness: AUROC less that of brightness. rank: share of the layer's other channels with a higher AUROC.

    Args:
      q: `[C]`. clusters: of the second half's frames.
    """
    auroc = mask_overlap.weighted(mask_overlap.auroc, detection.held_out, [channel, -1])
    every_auroc = mask_overlap.linear_auroc(detection.held_out)
    iou = mask_overlap.weighted(mask_overlap.iou, detection.held_out, [channel])

    def estimate(statistic: Statistic, chance: float, scale: str = "plain") -> Estimate:
        return intervals.estimate(statistic, clusters, level, chance=chance, scale=scale)

    return {
        "auroc": estimate(lambda weights: auroc(weights)[..., 0], 0.5, "share"),
        "over-brightness": estimate(lambda weights: auroc(weights) @ np.array([1, -1]), 0.0),
        "q-value": intervals.exact(q[channel], n=len(clusters)),
        "iou": estimate(lambda weights: iou(weights)[..., 0], float(detection.iou_chance[channel]), "fraction"),
        "rank": without_interval(
            estimate(lambda weights: stats.share_larger(every_auroc(weights)[..., :-1], channel), 0.5)
        ),
    }

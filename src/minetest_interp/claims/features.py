"""What the channels of the first two layers with positions follow: brightness, edges, concepts, or none of these.

The first layer is asked about light and darkness, where it is one convolution of the pixels. The *second layer* is the
second that the claims name, or else the network's second with positions. Its responses are those before the function
that follows it, unless a part says "passed on". Questions that need no masks are asked of the study's own frames, the
others of the labelled ones; where there are none, the basis of picture features makes do without concepts.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import activity, draws, half_samples, intervals, mask_overlap, picture_features
from minetest_interp.analysis.intervals import Estimate, Level, Statistic, missing
from minetest_interp.claims import bases, light_and_dark
from minetest_interp.claims.measured import Arrays, Measured, Parts, check_channels
from minetest_interp.claims.units import newest_grey
from minetest_interp.io.errors import InputError
from minetest_interp.model.labels import NO_LABELS, why_none
from minetest_interp.model.policy import Policy, shuffled_networks

PARTS = {
    "follows-brightness": ("share", "over-shuffled", "this-network", "inverted", "passed-on", "shifted", "labelled"),
    "uninterpreted": ("share", "this-network", "pictures-alone", "passed-on", "explained"),
    "one-tree-detector": ("at-least-one", "at-most-one", "switched-on", "any-brightness"),
    "axis-aligned": tuple(bases.PARTS),
}
NO_SECOND = "the study names one layer with positions and the network has no second"
TOO_FEW = light_and_dark.TOO_FEW
STILL = "no channel of this layer varies on these frames"
SINGLE = "a single frame has no other to take its brightness from"
# A whole number of channels is 1 where it lies between these.
BETWEEN = (0.5, 1.5)


class Shown(NamedTuple):
    """Frames of which a layer's responses are known.

    frames: `[N]`, names. clusters: `[N]`. greys: `[N, H, W]`, what people see. activation: `[N, h, w, C]`. shares:
    concept to the share of each pixel that is of it, `[N, H, W]`.
    """

    frames: np.ndarray
    clusters: np.ndarray
    greys: np.ndarray
    activation: np.ndarray
    shares: Mapping[str, np.ndarray]


def measure(
    policy: Policy,
    stacks: Mapping[str, np.ndarray],
    labelled: Mapping[str, np.ndarray] | None,
    *,
    channels: Mapping[str, int],
    concept: str = "trunk",
    explained: float = 0.25,
    detects: float = 0.7,
    concept_share: float = 0.1,
    shifts: int = 19,
    rotations: int = 4,
    penalty: float = 0.1,
    networks: int = 20,
    seed: int = 0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Tests the claims of `PARTS` and of `light_and_dark`; what cannot be measured is missing, with its reason.

    Args:
      stacks: frames `[N]`, their names; original, grey `[N, S, S]` or stacks `[N, T, S, S]`; colours, where they are
        some.
      labelled: M frames: frames, group `[M]` of names; original as above; share `[M, S, S]`, of each pixel that is of
        the concept; NAME/share of any other concept.
      channels: layer to the channel that the claims name, in the network's order.
      explained: share of a channel's variance that counts as following or explained. detects: AUROC from which a
        channel detects. concept_share: of a receptive field; from here on it holds the concept.
      shifts: of brightness maps, from frame to frame. rotations: random bases. penalty: of the dictionary.
      networks: of shuffled weights, which follow brightness too; the first has this seed.
      similarity: of grey levels, above which frames are near-duplicates.

    Raises:
      InputError: there is no such layer or channel.
    """
    check_channels(policy, channels)
    clusters = intervals.near_duplicates(stacks["original"], similarity=similarity)
    arrays: Arrays = {"frames": stacks["frames"], "clusters": clusters}
    light = light_and_dark.measure(policy, stacks["original"], clusters, level, networks=networks, seed=seed)
    layer = second_layer(policy, channels)
    arrays |= {"second": np.array(layer or ""), **light.arrays}
    if layer is None:
        without = {claim: dict.fromkeys(parts, missing(NO_SECOND)) for claim, parts in PARTS.items()}
        return Measured(arrays, light.estimates | without)
    own, masked = _shown(policy, layer, {**stacks, "clusters": clusters}, labelled, concept, similarity)
    if masked is not None:
        arrays |= {"labelled/frames": masked.frames, "labelled/clusters": masked.clusters}
    others = shuffled_networks(policy, count=networks, seed=seed)
    shuffled = (mask_overlap.activations(each, stacks["original"], [layer])[layer] for each in others)
    made = [
        brightness_followers(
            policy, layer, own, masked, shuffled, least=explained, shifts=shifts, seed=seed, level=level
        ),
        unexplained(policy, layer, masked or own, least=explained, level=level),
        detectors(policy, layer, masked, concept, least=detects, concept_share=concept_share, level=level),
        bases.compare(
            policy.architecture,
            layer,
            activity.pass_on((masked or own).activation, policy.architecture.passed_through(layer)),
            (masked or own).clusters,
            masked.shares if masked else {},
            concept_share=concept_share,
            rotations=rotations,
            penalty=penalty,
            seed=seed,
            level=level,
        ),
    ]
    for each in made:
        arrays |= each.arrays
    return Measured(
        arrays, light.estimates | {claim: parts for each in made for claim, parts in each.estimates.items()}
    )


def second_layer(policy: Policy, channels: Mapping[str, int]) -> str | None:
    """The second of the layers that the claims name, or else of those with positions; None without one."""
    layers = list(channels) if len(channels) > 1 else list(policy.architecture.maps)
    return layers[1] if len(layers) > 1 else None


def brightness_followers(
    policy: Policy,
    layer: str,
    own: Shown,
    masked: Shown | None,
    shuffled: Iterable[np.ndarray],
    *,
    least: float,
    shifts: int,
    seed: int,
    level: Level,
) -> Measured:
    """The share of channels of which brightness explains at least `least`, in the receptive fields of each position.

    Args:
      shuffled: the layer's responses in networks of shuffled weights, each as `own.activation`.
    """
    size = np.sqrt(least)

    def parts_of(shown: Shown, activation: np.ndarray) -> Parts:
        responses = _varying(activation)
        channels = responses.shape[-1]
        if not channels:
            return {}
        feature = picture_features.field_means(shown.greys, policy.architecture, layer)
        sums = picture_features.response_moments(responses, feature[..., None])
        of = picture_features.feature_correlation(sums)

        def share(holds: Statistic, *, chance: float | None = None, drawn: bool = False) -> Estimate:
            return half_samples.share_of_channels(holds, shown.clusters, channels, level, chance=chance, drawn=drawn)

        def follows(weights: np.ndarray) -> np.ndarray:
            return np.abs(of(weights)) >= size

        moved = np.random.default_rng(seed).permutation(np.arange(1, len(responses)))[:shifts]
        others = picture_features.shifted_shares(sums, responses, feature, shifts=moved, least=least)
        return {
            "share": share(follows, chance=0.5, drawn=True),
            "this-network": share(follows, chance=0.5),
            "inverted": share(lambda weights: of(weights) <= -size),
            "shifted": half_samples.stepping_estimate(others, shown.clusters, level, scale="share")
            if len(moved)
            else missing(SINGLE),
        }

    passed = parts_of(own, activity.pass_on(own.activation, policy.architecture.passed_through(layer)))
    found, arrays = parts_of(own, own.activation), {}
    if found:
        feature = picture_features.field_means(own.greys, policy.architecture, layer)[..., None]
        each = (_varying(activation) for activation in chain([own.activation], shuffled))
        first, *others = [_share_beyond(of, feature, size) for of in each if of.shape[-1]]
        stepping = half_samples.stepping_estimate
        found["over-shuffled"] = draws.beyond_others(first, others, own.clusters, level, estimate=stepping)
        arrays["bright/shuffled"] = np.array([other(np.ones(len(feature))) for other in others], float)
    found["passed-on"] = passed.get("share", missing(STILL))
    found["labelled"] = (
        parts_of(masked, masked.activation).get("share", missing(STILL)) if masked else missing(NO_LABELS)
    )
    name = "follows-brightness"
    return Measured(arrays, {name: {part: found.get(part, missing(STILL)) for part in PARTS[name]}})


def _share_beyond(responses: np.ndarray, feature: np.ndarray, size: float) -> Statistic:
    """The share of channels whose correlation with a feature is at least so large, whatever its sign."""
    of = picture_features.feature_correlation(picture_features.response_moments(responses, feature))
    return lambda weights: (np.abs(of(weights)) >= size).mean(-1)


def unexplained(policy: Policy, layer: str, shown: Shown, *, least: float, level: Level) -> Measured:
    """The share of channels of which the basis explains less than `least` on the half that it was not fitted to."""
    name, halves = "uninterpreted", intervals.cluster_halves(shown.clusters)
    responses, network = _varying(shown.activation), policy.architecture
    if not all(half.any() for half in halves) or not responses.shape[-1]:
        reason = missing(TOO_FEW if responses.shape[-1] else STILL)
        return Measured({}, {name: dict.fromkeys(PARTS[name], reason)})
    first, second = halves
    clusters = shown.clusters[second]
    pictures = picture_features.of_pictures(shown.greys, network, layer, shares={})
    every = picture_features.of_pictures(shown.greys, network, layer, shares=shown.shares)

    def explain(responses: np.ndarray, features: Iterable[np.ndarray]) -> Statistic:
        predicted = picture_features.predict_responses(responses, np.stack(list(features), -1), first)
        return picture_features.explained_shares(picture_features.misses(responses[second], predicted[second]))

    def share(of: Statistic, channels: int, *, drawn: bool = False) -> Estimate:
        return half_samples.share_of_channels(
            lambda weights: of(weights) < least, clusters, channels, level, chance=0.25, drawn=drawn
        )

    whole, plain = explain(responses, every.values()), explain(responses, pictures.values())
    bright = explain(responses, [pictures[picture_features.BRIGHTNESS]])
    passed, count = _varying(activity.pass_on(shown.activation, network.passed_through(layer))), responses.shape[-1]
    parts = {
        "share": share(whole, count, drawn=True),
        "this-network": share(whole, count),
        "pictures-alone": share(plain, count),
        "passed-on": share(explain(passed, every.values()), passed.shape[-1], drawn=True)
        if passed.shape[-1]
        else missing(STILL),
        "explained": intervals.estimate(lambda weights: whole(weights).mean(-1), clusters, level),
    }
    once = np.ones(len(clusters))
    sums = picture_features.response_moments(responses, pictures[picture_features.BRIGHTNESS][..., None])
    sign = np.where(picture_features.feature_correlation(sums.take(first))(np.ones(first.sum())) < 0, -1, 1)
    arrays = {
        "features": np.array(list(every)),
        "explained/channels": _varies(shown.activation),
        "explained/brightness": bright(once),
        "explained/sign": sign,
        "explained/basis": whole(once),
        "explained/least": np.array(least),
    }
    return Measured(arrays, {name: parts})


def detectors(
    policy: Policy,
    layer: str,
    masked: Shown | None,
    concept: str,
    *,
    least: float,
    concept_share: float,
    level: Level,
) -> Measured:
    """How many channels have a held-out AUROC above `least` for the concept that exceeds brightness's.

    Directions are those of the first half. At least one is claimed, and at most one: the number 1 lies further than
    any other from both `BETWEEN`.
    """
    name = "one-tree-detector"
    try:
        if masked is None:
            raise InputError(NO_LABELS)
        if reason := why_none(np.any(masked.shares[concept], axis=(1, 2))):
            raise InputError(reason)
        halves, network = intervals.cluster_halves(masked.clusters), policy.architecture
        scores = mask_overlap.with_brightness(masked.activation, masked.greys, network, layer)
        labels = mask_overlap.field_labels(masked.shares[concept], network, layer, trunk_share=concept_share)
        chosen, held_out = mask_overlap.turn(scores, labels, halves)
    except InputError as error:
        return Measured({}, {name: dict.fromkeys(PARTS[name], missing(str(error)))})
    # Few half-samples are taken, so that AUROCs need no approximation.
    auroc = half_samples.remember(mask_overlap.weighted(mask_overlap.auroc, held_out, range(len(chosen))))
    up = chosen[:-1] >= 0.5

    clusters, channels = masked.clusters[halves[1]], len(up)

    def beyond(weights: np.ndarray) -> np.ndarray:
        return auroc(weights)[..., :-1] > least

    def detects(weights: np.ndarray) -> np.ndarray:
        found = auroc(weights)
        return beyond(weights) & (found[..., :-1] > found[..., -1:])

    def number(holds: Statistic, chance: float | None = None) -> Estimate:
        return half_samples.number(
            lambda weights: np.asarray(holds(weights).sum(-1), np.float64), clusters, level, chance=chance
        )

    parts = {
        "at-least-one": number(detects, BETWEEN[0]),
        "at-most-one": number(detects, BETWEEN[1]),
        "switched-on": half_samples.share_of_channels(lambda weights: detects(weights) & up, clusters, channels, level),
        "any-brightness": number(beyond),
    }
    found = mask_overlap.observed(mask_overlap.auroc, held_out)
    arrays = {
        "auroc/channels": found[:-1],
        "auroc/on": up,
        "auroc/brightness": found[-1],
        "auroc/least": np.array(least),
    }
    return Measured(arrays, {name: parts})


def _shown(
    policy: Policy,
    layer: str,
    stacks: Mapping[str, np.ndarray],
    labelled: Mapping[str, np.ndarray] | None,
    concept: str,
    similarity: float,
) -> tuple[Shown, Shown | None]:
    """The study's own frames, whose clusters are known, and the labelled ones, with a layer's responses to each."""
    seen, shares = [stacks["original"]], {}
    if labelled is not None:
        seen.append(labelled["original"])
        shares = {key.removesuffix("/share"): each for key, each in labelled.items() if key.endswith("/share")}
        shares = {concept: labelled["share"], **shares}
    # Together, so that one compiled function serves both.
    together = [np.concatenate(seen)] if len({frames.ndim for frames in seen}) == 1 else seen
    activation = np.concatenate([mask_overlap.activations(policy, frames, [layer])[layer] for frames in together])
    greys = [newest_grey(frames, colour="colours" in stacks) for frames in seen]
    count = len(seen[0])
    own = Shown(stacks["frames"], stacks["clusters"], greys[0], activation[:count], {})
    if labelled is None:
        return own, None
    clusters = intervals.near_duplicates(seen[1], similarity=similarity, group=labelled["group"])
    return own, Shown(labelled["frames"], clusters, greys[1], activation[count:], shares)


def _varies(activation: np.ndarray) -> np.ndarray:
    """The channels that are not the same everywhere."""
    return np.flatnonzero(np.ptp(activation, axis=(0, 1, 2)) > 0)


def _varying(activation: np.ndarray) -> np.ndarray:
    """The responses of those channels, `[N, P, C]`."""
    frames, height, width, _ = activation.shape
    varying = activation[..., _varies(activation)].astype(np.float64)
    return varying.reshape(frames, height * width, varying.shape[-1])

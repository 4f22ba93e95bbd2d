"""What the channels of the first two layers with positions follow: brightness, edges, concepts, or none of these.

The first layer is asked about light and darkness, where it is one convolution of the pixels. The *second layer* is the
second that the claims name, or else the network's second with positions. Its responses are those before the function
that follows it, unless a part says "passed on". Questions that need no masks are asked of the study's own frames, the
others of the labelled ones; where there are none, the basis of picture features makes do without concepts.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import intervals, mask_overlap, picture_features
from minetest_interp.analysis.intervals import Bootstrap, Estimate, Statistic, missing
from minetest_interp.claims import bases, light_and_dark
from minetest_interp.claims.measured import Arrays, Measured, check_channels
from minetest_interp.claims.units import newest_grey, pass_on
from minetest_interp.io.errors import InputError
from minetest_interp.model.labels import NO_LABELS, why_none
from minetest_interp.model.policy import Policy

PARTS = {
    "follows-brightness": ("share", "this-network", "inverted", "passed-on", "shifted", "labelled"),
    "uninterpreted": ("share", "this-network", "pictures-alone", "passed-on", "explained"),
    "one-tree-detector": ("at-least-one", "at-most-one", "switched-on", "any-brightness"),
    "axis-aligned": tuple(bases.PARTS),
}
NO_SECOND = "the study names one layer with positions and the network has no second"
TOO_FEW = light_and_dark.TOO_FEW
STILL = "no channel of this layer varies on these frames"
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
    seed: int = 0,
    similarity: float = 0.9,
    bootstrap: Bootstrap = intervals.BOOTSTRAP,
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
      similarity: of grey levels, above which frames are near-duplicates.

    Raises:
      InputError: there is no such layer or channel.
    """
    check_channels(policy, channels)
    clusters = intervals.near_duplicates(stacks["original"], similarity=similarity)
    arrays: Arrays = {"frames": stacks["frames"], "clusters": clusters}
    light = light_and_dark.measure(policy, stacks["original"], clusters, bootstrap)
    layer = second_layer(policy, channels)
    arrays |= {"second": np.array(layer or ""), **light.arrays}
    if layer is None:
        without = {claim: dict.fromkeys(parts, missing(NO_SECOND)) for claim, parts in PARTS.items()}
        return Measured(arrays, light.estimates | without)
    own, masked = _shown(policy, layer, {**stacks, "clusters": clusters}, labelled, concept, similarity)
    if masked is not None:
        arrays |= {"labelled/frames": masked.frames, "labelled/clusters": masked.clusters}
    made = [
        brightness_followers(
            policy, layer, own, masked, least=explained, shifts=shifts, seed=seed, bootstrap=bootstrap
        ),
        unexplained(policy, layer, masked or own, least=explained, bootstrap=bootstrap),
        detectors(policy, layer, masked, concept, least=detects, concept_share=concept_share, bootstrap=bootstrap),
        bases.compare(
            policy.architecture,
            layer,
            pass_on((masked or own).activation, policy.architecture.passed_through(layer)),
            (masked or own).clusters,
            masked.shares if masked else {},
            concept_share=concept_share,
            rotations=rotations,
            penalty=penalty,
            seed=seed,
            bootstrap=bootstrap,
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
    *,
    least: float,
    shifts: int,
    seed: int,
    bootstrap: Bootstrap,
) -> Measured:
    """The share of channels of which brightness explains at least `least`, in the receptive fields of each position."""
    function, size = policy.architecture.passed_through(layer), np.sqrt(least)

    def follow(shown: Shown, activation: np.ndarray) -> tuple[Statistic, np.ndarray, np.ndarray]:
        responses = _varying(activation)
        feature = picture_features.field_means(shown.greys, policy.architecture, layer)
        sums = picture_features.moments(responses, feature[..., None])
        return picture_features.correlation(sums), responses, feature

    def share(shown: Shown, activation: np.ndarray, chance: float | None) -> Estimate:
        of, responses, _ = follow(shown, activation)
        if not responses.shape[-1]:
            return missing(STILL)
        return picture_features.share_of_channels(
            lambda weights: np.abs(of(weights)) >= size, shown.clusters, responses.shape[-1], bootstrap, chance=chance
        )

    of, responses, feature = follow(own, own.activation)
    frames = len(own.frames)
    moved = np.random.default_rng(seed).permutation(np.arange(1, frames))[:shifts]
    sums = picture_features.moments(responses, feature[..., None])

    def alone(statistic: Statistic, chance: float | None = None) -> Estimate:
        return intervals.estimate(statistic, own.clusters, bootstrap, chance=chance)

    few = missing("a single frame has no other to take its brightness from")
    parts = {
        "share": share(own, own.activation, 0.5),
        "this-network": alone(lambda weights: (np.abs(of(weights)) >= size).mean(-1), 0.5),
        "inverted": alone(lambda weights: (of(weights) <= -size).mean(-1)),
        "passed-on": share(own, pass_on(own.activation, function), 0.5),
        "shifted": alone(picture_features.shifted_shares(sums, responses, feature, shifts=moved, least=least))
        if len(moved)
        else few,
        "labelled": share(masked, masked.activation, 0.5) if masked else missing(NO_LABELS),
    }
    if not responses.shape[-1]:
        parts = dict.fromkeys(parts, parts["share"])
    return Measured({}, {"follows-brightness": parts})


def unexplained(policy: Policy, layer: str, shown: Shown, *, least: float, bootstrap: Bootstrap) -> Measured:
    """The share of channels of which the basis explains less than `least` on the half that it was not fitted to."""
    name, halves = "uninterpreted", intervals.cluster_halves(shown.clusters)
    responses, network = _varying(shown.activation), policy.architecture
    if not all(half.any() for half in halves) or not responses.shape[-1]:
        return Measured({}, {name: dict.fromkeys(PARTS[name], missing(TOO_FEW))})
    first, second = halves
    clusters = shown.clusters[second]
    pictures = picture_features.of_pictures(shown.greys, network, layer, shares={})
    every = picture_features.of_pictures(shown.greys, network, layer, shares=shown.shares)

    def explain(responses: np.ndarray, features: Sequence[np.ndarray]) -> Statistic:
        predicted = picture_features.predict(responses, np.stack(list(features), -1), first)
        return picture_features.explained(picture_features.misses(responses[second], predicted[second]))

    def share(of: Statistic, channels: int, chance: float | None) -> Estimate:
        return picture_features.share_of_channels(
            lambda weights: of(weights) < least, clusters, channels, bootstrap, chance=chance
        )

    def alone(statistic: Statistic, chance: float | None = None) -> Estimate:
        return intervals.estimate(statistic, clusters, bootstrap, chance=chance)

    whole, plain, bright = (
        explain(responses, features)
        for features in (every.values(), pictures.values(), [pictures[picture_features.BRIGHTNESS]])
    )
    passed = _varying(pass_on(shown.activation, network.passed_through(layer)))
    parts = {
        "share": share(whole, responses.shape[-1], 0.25),
        "this-network": alone(lambda weights: (whole(weights) < least).mean(-1), 0.25),
        "pictures-alone": alone(lambda weights: (plain(weights) < least).mean(-1), 0.25),
        "passed-on": share(explain(passed, list(every.values())), passed.shape[-1], 0.25)
        if passed.shape[-1]
        else missing("no channel of this layer passes anything on"),
        "explained": alone(lambda weights: whole(weights).mean(-1)),
    }
    once = np.ones(len(clusters))
    sums = picture_features.moments(responses, every[picture_features.BRIGHTNESS][..., None])
    sign = np.where(picture_features.correlation(sums.take(first))(np.ones(first.sum())) < 0, -1, 1)
    arrays = {
        "features": np.array(list(every)),
        "channels": _varies(shown.activation),
        "explained/brightness": bright(once),
        "explained/sign": sign,
        "explained/basis": whole(once),
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
    bootstrap: Bootstrap,
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
    auroc, up = mask_overlap.linear_auroc(held_out), chosen[:-1] >= 0.5

    def number(weights: np.ndarray, *, beyond: bool = True, of: np.ndarray | bool = True) -> np.ndarray:
        found = auroc(weights)
        above = (found[..., :-1] > least) & (found[..., :-1] > (found[..., -1:] if beyond else 0)) & of
        return above.sum(-1).astype(np.float64)

    def estimate(statistic: Statistic, chance: float | None = None) -> Estimate:
        return intervals.estimate(statistic, masked.clusters[halves[1]], bootstrap, chance=chance)

    parts = {
        "at-least-one": estimate(number, BETWEEN[0]),
        "at-most-one": estimate(number, BETWEEN[1]),
        "switched-on": estimate(lambda weights: number(weights, of=up)),
        "any-brightness": estimate(lambda weights: number(weights, beyond=False)),
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
    activation = mask_overlap.activations(policy, np.concatenate(seen), [layer])[layer]
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
    return (
        activation[..., _varies(activation)].reshape(len(activation), -1, len(_varies(activation))).astype(np.float64)
    )

"""The post's claims about what the policy does: mirroring, trunks, brightness, and how often it walks and jumps.

`[N]` arrays hold the steering behaviour of N frames, -1 to 1, or of Q values a difference in reward units. A *side* of
+1 says that positive steering turns left, -1 that it turns right; positions run from -1 (left edge) to 1 (right edge).
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from minetest_interp.analysis import intervals, paint, stats
from minetest_interp.analysis.intervals import Level, missing
from minetest_interp.claims import asymmetry, walking
from minetest_interp.claims.measured import Measured, Parts
from minetest_interp.model import actions, networks
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.batches import map_batches
from minetest_interp.model.frames import as_stacks
from minetest_interp.model.labels import NO_LABELS, OFF_MIDDLE, why_none
from minetest_interp.model.policy import Policy, shuffled_networks

VIEWS = ("original", "mirrored")
COVERED = ("masked", "masked-mirrored")
MIRROR_PARTS = ("flips", "correlation")
TRUNK_PARTS = ("correlation", "sides")
NIGHT = "night"  # of what is said of a labelled frame's light
NO_NIGHT = "no frame of the study, and no labelled one, was taken at night"


class Steered(NamedTuple):
    """Frames that the policy was run on.

    clusters: `[N]`, of near-duplicates. behaviours: view to name to `[N]`.
    steering: view to `[N]`.
    """

    clusters: np.ndarray
    behaviours: dict[str, dict[str, np.ndarray]]
    steering: dict[str, np.ndarray]

    def mirror_estimates(self, level: Level, *, frames: np.ndarray | slice = slice(None)) -> Parts:
        """`mirror_estimates` of some of the frames and their mirror images."""
        original, mirrored = (self.steering[view][frames] for view in VIEWS)
        return mirror_estimates(original, mirrored, self.clusters[frames], level)


def measure(
    policy: Policy,
    table: ActionTable,
    stacks: Mapping[str, np.ndarray],
    labelled: Mapping[str, np.ndarray] | None,
    *,
    steering: str,
    side: int = 1,
    night: Collection[str] = (),
    shuffles: int = 20,
    seed: int = 0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Tests the claims about what the policy does.

    Args:
      stacks: frames `[N]`, their names; original and mirrored, and masked and masked-mirrored where hand and display
        are covered, each grey frames `[N, S, S]` or real stacks `[N, T, S, S]`.
      labelled: frames, original and mirrored as above; position `[M]`, where the trunk is, NaN without one; group `[M]`
        of names, frames of which are no independent samples; light `[M]`, "night" for frames taken at night.
      steering: the name of the steering behaviour. night: names of the study's frames taken at night.
      shuffles: networks of shuffled weights that say what chance is; the first has this seed.
      similarity: of grey levels, above which frames are near-duplicates.
    """
    views = [view for view in (*VIEWS, *COVERED) if view in stacks]
    clusters = intervals.near_duplicates(stacks["original"], similarity=similarity)
    steered = _steer(policy, table, stacks, views, clusters, steering=steering)
    dark = np.isin(stacks["frames"], list(night))
    changed = {
        name: read_behaviours(policy, table, frames)[steering] for name, frames in retouched(stacks["original"]).items()
    }
    difference = brightness_difference(stacks["original"])
    shuffled = _shuffled(policy, table, stacks, clusters, steering=steering, count=shuffles, seed=seed)
    walks = walking.measure(
        policy,
        steered.behaviours["original"],
        [each.behaviours["original"] for each in shuffled],
        clusters,
        level,
    )
    arrays = {"frames": stacks["frames"], "clusters": clusters, "night": dark, "difference": difference}
    trunks = _on_trunks(policy, table, labelled, steering=steering, side=side, similarity=similarity, level=level)
    by_night = _by_night(policy, table, stacks, labelled, dark, steering=steering, similarity=similarity, level=level)
    estimates = {
        **_mirror_claims(steered, dark, trunks.estimates["mirror"], _covered(stacks, steered, level), level),
        **by_night.estimates,
        "yaw-follows-trunk": trunks.estimates["follows"],
        "asymmetry": asymmetry.estimates(_both(steered), [_both(each) for each in shuffled], clusters, level),
        **walks.estimates,
        "not-mere-brightness": brightness_estimates(steered.steering["original"], changed, difference, clusters, level),
    }
    return Measured(arrays | steered.steering | changed | walks.arrays | trunks.arrays | by_night.arrays, estimates)


def _both(steered: Steered) -> np.ndarray:
    """The steering on frames and on their mirror images, `[2, N]`."""
    return np.stack([steered.steering[view] for view in VIEWS])


def _steer(
    policy: Policy,
    table: ActionTable,
    frames: Mapping[str, np.ndarray],
    views: Collection[str],
    clusters: np.ndarray,
    *,
    steering: str,
) -> Steered:
    behaviours = {view: read_behaviours(policy, table, frames[view]) for view in views}
    return Steered(clusters, behaviours, {view: values[steering] for view, values in behaviours.items()})


def _mirror_claims(steered: Steered, dark: np.ndarray, trunks: Parts, covered: Parts, level: Level) -> dict[str, Parts]:
    """The mirror test on all frames, by day, with a trunk, and with hand and display covered."""
    by_day = (
        dict.fromkeys(MIRROR_PARTS, missing("no frame of the study was taken by day"))
        if dark.all()
        else steered.mirror_estimates(level, frames=~dark)
    )
    original, mirrored = (steered.steering[view] for view in VIEWS)
    bias = intervals.weighted_mean((original + mirrored) / 2)
    return {
        "yaw-mirror": {
            **steered.mirror_estimates(level),
            "flips-day": by_day["flips"],
            "flips-trunk": trunks["flips"],
            "correlation-trunk": trunks["correlation"],
            "flips-covered": covered["flips"],
            "correlation-covered": covered["correlation"],
            "bias": intervals.estimate(bias, steered.clusters, level, chance=0.0),
        },
    }


def _by_night(
    policy: Policy,
    table: ActionTable,
    stacks: Mapping[str, np.ndarray],
    labelled: Mapping[str, np.ndarray] | None,
    dark: np.ndarray,
    *,
    steering: str,
    similarity: float,
    level: Level,
) -> Measured:
    """The mirror test on all frames taken at night, the study's own and labelled ones.

    Args:
      dark: `[N]`, the study's frames that were.
    """
    frames = policy.architecture.frames
    own = {name: stacks[name][dark] for name in ("frames", *VIEWS)} | {"group": np.full(dark.sum(), "")}
    if labelled:
        chosen = labelled["light"] == NIGHT
        chosen[chosen] = ~_occur(as_stacks(labelled["original"][chosen], frames), as_stacks(own["original"], frames))
        both = {name: (own[name], labelled[name][chosen]) for name in own}
        stacked = {view: [as_stacks(part, frames) for part in both[view]] for view in VIEWS}
        own = {name: np.concatenate(parts) for name, parts in (both | stacked).items()}
    if not len(own["frames"]):
        parts = {f"{part}-night": missing(NO_NIGHT) for part in MIRROR_PARTS}
        return Measured({}, {"yaw-mirror-night": parts})
    clusters = intervals.near_duplicates(own["original"], similarity=similarity, group=own["group"])
    steered = _steer(policy, table, own, VIEWS, clusters, steering=steering)
    arrays = {"frames": own["frames"], "clusters": clusters, **steered.steering}
    parts = {f"{part}-night": found for part, found in steered.mirror_estimates(level).items()}
    return Measured({f"night/{name}": array for name, array in arrays.items()}, {"yaw-mirror-night": parts})


def _occur(frames: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Which frames `[M, ...]` are among others `[N, ...]`, pixel by pixel, boolean `[M]`."""
    known = {frame.tobytes() for frame in among}
    return np.array([frame.tobytes() in known for frame in frames], bool)


def _shuffled(
    policy: Policy,
    table: ActionTable,
    stacks: Mapping[str, np.ndarray],
    clusters: np.ndarray,
    *,
    steering: str,
    count: int,
    seed: int,
) -> list[Steered]:
    """What networks of the same weights in random order do on the frames and their mirror images."""
    return [
        _steer(network, table, stacks, VIEWS, clusters, steering=steering)
        for network in shuffled_networks(policy, count=count, seed=seed)
    ]


def _covered(stacks: Mapping[str, np.ndarray], steered: Steered, level: Level) -> Parts:
    """The mirror test with hand and display covered in both images; missing where the study covers nothing."""
    if np.array_equal(stacks.get(COVERED[0], stacks["original"]), stacks["original"]):
        return dict.fromkeys(MIRROR_PARTS, missing("no hand or display is named to be covered"))
    original, mirrored = (steered.steering[view] for view in COVERED)
    return mirror_estimates(original, mirrored, steered.clusters, level)


def _on_trunks(
    policy: Policy,
    table: ActionTable,
    labelled: Mapping[str, np.ndarray] | None,
    *,
    steering: str,
    side: int,
    similarity: float,
    level: Level,
) -> Measured:
    """The mirror test (`mirror`) and `trunk_estimates` (`follows`) on the labelled frames that show a trunk."""
    reason = why_none(np.isfinite(labelled["position"])) if labelled else NO_LABELS
    if not labelled or reason:
        unknown = missing(reason or NO_LABELS)
        parts = {"mirror": MIRROR_PARTS, "follows": TRUNK_PARTS}
        return Measured({}, {name: dict.fromkeys(names, unknown) for name, names in parts.items()})
    shown = np.isfinite(labelled["position"])
    trunks = {name: labelled[name][shown] for name in ("frames", *VIEWS, "position", "group")}
    clusters = intervals.near_duplicates(trunks["original"], similarity=similarity, group=trunks["group"])
    steered = _steer(policy, table, trunks, VIEWS, clusters, steering=steering)
    estimates = {
        "mirror": steered.mirror_estimates(level),
        "follows": trunk_estimates(steered.steering["original"], trunks["position"], clusters, level, side=side),
    }
    arrays = {"frames": trunks["frames"], "clusters": clusters, "position": trunks["position"], **steered.steering}
    return Measured({f"labelled/{name}": array for name, array in arrays.items()}, estimates)


def read_behaviours(policy: Policy, table: ActionTable, greys: np.ndarray) -> dict[str, np.ndarray]:
    """Every behaviour on grey frames `[N, S, S]`, each repeated, or on real stacks `[N, T, S, S]`: name to `[N]`."""
    network, frames = networks.plain(policy), policy.architecture.frames
    output = "q" if "q" in policy.architecture.outputs else "logits"
    found = map_batches(lambda batch: getattr(networks.run(network, as_stacks(batch, frames)), output), greys)
    return actions.behaviours_of({output: found}, table)


def retouched(greys: np.ndarray) -> dict[str, np.ndarray]:
    """Frames `[N, ..., S, S]` that ask whether brightness alone steers: name to `[N, ..., S, S]`, grey levels 0 to 255.

    equalised: the brighter of the left and the right half scaled down to the other's mean. inverted: black and white
    exchanged. darker, brighter: gamma 2 and 0.5.
    """
    greys = np.asarray(greys, np.float32)
    middle = greys.shape[-1] // 2
    means = np.stack([half.mean((-2, -1), keepdims=True) for half in (greys[..., :middle], greys[..., middle:])])
    gains = np.divide(means.min(0), means, out=np.ones_like(means), where=means > 0)
    columns = np.arange(greys.shape[-1]) < middle
    return {
        "equalised": greys * np.where(columns, gains[0], gains[1]),
        "inverted": 255 - greys,
        "darker": paint.at_gamma(greys, 2),
        "brighter": paint.at_gamma(greys, 0.5),
    }


def brightness_difference(greys: np.ndarray) -> np.ndarray:
    """Mean grey level of the left half less that of the right, `[N, ..., S, S]` to `[N]`."""
    left, right = stats.half_means(greys)
    return left - right


def mirror_estimates(steering: np.ndarray, mirrored: np.ndarray, clusters: np.ndarray, level: Level) -> Parts:
    """Flips and correlation of `stats.mirror_test` with their intervals.

    Args:
      steering, mirrored: `[N]`, on frames and on their mirror images.
    """
    flips = intervals.weighted_mean(stats.opposite_signs(steering, mirrored))
    correlation = intervals.weighted_correlation(steering, -mirrored)
    return {
        "flips": intervals.estimate(flips, clusters, level, chance=0.5, scale="share"),
        "correlation": intervals.estimate(correlation, clusters, level, chance=0.0, scale="correlation"),
    }


def trunk_estimates(
    steering: np.ndarray, position: np.ndarray, clusters: np.ndarray, level: Level, *, side: int
) -> Parts:
    """Does the steering follow the trunk? `[M]` frames with a trunk at `position`.

    correlation: of turning left with how far left the trunk is. sides: share of the trunks more than `OFF_MIDDLE` from
    the middle to whose side the policy turns.
    """
    left, off = side * steering, np.abs(position) > OFF_MIDDLE
    correlation = intervals.weighted_correlation(left, -position)
    sides = intervals.weighted_mean(stats.opposite_signs(left[off], position[off]))
    return {
        "correlation": intervals.estimate(correlation, clusters, level, chance=0.0, scale="correlation"),
        "sides": intervals.estimate(sides, clusters[off], level, chance=0.5, scale="share"),
    }


def brightness_estimates(
    steering: np.ndarray,
    retouched: Mapping[str, np.ndarray],
    difference: np.ndarray,
    clusters: np.ndarray,
    level: Level,
) -> Parts:
    """What a mere comparison of brightness cannot do; chance is what such a comparison would give.

    Args:
      steering: `[N]`. retouched: name to the steering on the frames of `retouched`. difference: `[N]`, of brightness.
    """
    chances = {"equalised": 0.0, "inverted": -1.0, "darker": 1.0, "brighter": 1.0}
    estimates = {
        name: intervals.estimate(
            intervals.weighted_correlation(steering, retouched[name]),
            clusters,
            level,
            chance=chances[name],
            scale="correlation",
        )
        for name in chances
    }
    related = intervals.weighted_correlation(steering, difference)
    explained = intervals.estimate(lambda weights: related(weights) ** 2, clusters, level, chance=1.0, scale="fraction")
    return estimates | {"explained": explained}

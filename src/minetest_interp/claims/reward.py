"""Does the value follow what the shaped reward pays: trunks on the view ray, trunks in the middle of the picture?

That reward pays for every tree node that the view ray crosses, which is known of frames whose pose and map are. All
labelled frames count, those of pairs and turns too, in clusters. Brightness is the mean grey level of a frame.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Bool, Float

from minetest_interp.analysis import intervals, interventions, paint
from minetest_interp.analysis.intervals import Estimate, Level, missing
from minetest_interp.claims.measured import NO_VALUE, Arrays, Measured, Parts
from minetest_interp.claims.pairs import NO_PAIRS
from minetest_interp.model import frame_groups, objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.labels import NO_LABELS, why_none
from minetest_interp.model.policy import Policy

CLAIM = "value-follows-reward"
RAY, MIDDLE, AREA, BRIGHTNESS, PRESENT = "ray", "middle", "area", "brightness", "present"
CORRELATED = RAY, MIDDLE, AREA, BRIGHTNESS
EDITS = LOGS, TRUNK, DARKER = "logs", "trunk", "darker"
PARTS = (*CORRELATED, PRESENT, *EDITS)
NO_RAYS = "the labels do not tell how many trunks lie on the view ray; those of make capture do"
NO_DISPLAY = "no labelled frame is known to show the display, so no logs can be counted in it"
MOST_NODES = 4  # of trees on the ray that are drawn apart; more are drawn with them
ROUNDING = 1e-7  # of shares of float32 pictures; a pixel of a mask is more of a picture
GROUPS = 4  # of equally many frames, of those with the concept in the middle


class Box(NamedTuple):
    """Part of a picture, each number a share of its height or width."""

    top: float
    left: float
    height: float
    width: float


# The game draws the icon of the first slot's item here, 48x48 of 1024x600 pixels: a block from above, and the count.
ICON_TOP = Box(544 / 600, 288 / 1024, 20 / 600, 48 / 1024), 136.0  # mean grey level of default_tree_top.png
ICON_SIDE = Box(564 / 600, 288 / 1024, 28 / 600, 48 / 1024), 46.0  # of default_tree.png
COUNT = Box(578 / 600, 322 / 1024, 12 / 600, 10 / 1024), 255.0  # one white digit


def measure(
    policy: Policy,
    table: ActionTable,
    labelled: Mapping[str, np.ndarray] | None,
    *,
    concept: str = "trunk",
    middle: float = 0.5,
    gamma: float = 2.0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Tests `value-follows-reward`; what cannot be measured is missing.

    Args:
      labelled: M frames: frames, group and role `[M]` of names; original `[M, S, S]` grey or `[M, 3, S, S]`; share
        `[M, S, S]`, of each pixel that is of the concept; ray_trunks and hud `[M]`, NaN where unknown. concept: what
        stands before or after "no" in the roles of pairs.
      middle: of the picture's height and of its width. gamma: of the edit that darkens, above 1.
      similarity: of grey levels, above which frames are near-duplicates.
    """
    readouts = objectives.readouts(table, policy.architecture)
    if labelled is None or "value" not in readouts:
        reason = NO_LABELS if labelled is None else NO_VALUE
        return Measured({"reason": np.array(reason)}, {CLAIM: dict.fromkeys(PARTS, missing(reason))})

    def read_value(frames: np.ndarray) -> np.ndarray:
        return interventions.read_out(policy, [readouts["value"]], frames)[:, 0]

    original, share = labelled["original"], labelled["share"]
    arrays = {
        "frames": labelled["frames"],
        "clusters": intervals.near_duplicates(original, similarity=similarity, group=labelled["group"]),
        "value": read_value(original),
        RAY: labelled["ray_trunks"],
        MIDDLE: equal_shares(middle_share(share, middle)),
        AREA: equal_shares(share.mean((1, 2), dtype=np.float64)),
        BRIGHTNESS: original.reshape(len(original), -1).mean(1, dtype=np.float64),
    }
    edits = _edits(read_value, labelled, arrays, concept, gamma)
    arrays |= {f"edits/{name}/{key}": array for name, of in edits.items() for key, array in of.items()}
    parts = _parts(arrays, np.any(share > 0, axis=(1, 2)), edits, level)
    return Measured(arrays | _drawn(arrays, parts, level), {CLAIM: parts})


def middle_share(share: Float[np.ndarray, "frame row column"], middle: float) -> Float[np.ndarray, " frame"]:
    """Share of the middle of each picture that is of the concept; the middle is `middle` of its rows and columns."""
    height, width = share.shape[1:]
    weights = coverage(Box((1 - middle) / 2, (1 - middle) / 2, middle, middle), height, width)
    return (share * weights).sum((1, 2), dtype=np.float64) / weights.sum()


def equal_shares(shares: Float[np.ndarray, " frame"]) -> Float[np.ndarray, " frame"]:
    """Shares that differ by rounding alone, which would give them different ranks, as the smallest of them."""
    order = np.argsort(shares, kind="stable")
    first = np.diff(shares[order], prepend=-np.inf) > ROUNDING
    found = np.empty(shares.shape)
    found[order] = shares[order][first][np.cumsum(first) - 1]
    return found


def coverage(box: Box, height: int, width: int) -> Float[np.ndarray, "{height} {width}"]:
    """Share of each pixel that a box covers, 0 to 1."""

    def overlap(start: float, length: float, count: int) -> np.ndarray:
        edges = np.clip(np.arange(count + 1) / count, start, start + length)
        return np.diff(edges) * count

    return np.outer(overlap(box.top, box.height, height), overlap(box.left, box.width, width))


def with_logs(frames: Float[np.ndarray, "frame *colour row column"]) -> Float[np.ndarray, "frame *colour row column"]:
    """Frames with an icon of logs and a count of one digit in the first slot of the display, all in grey."""
    for box, level in (ICON_TOP, ICON_SIDE, COUNT):
        covered = coverage(box, *frames.shape[-2:])
        frames = (frames * (1 - covered) + level * covered).astype(np.float32)
    return frames


def _edits(read_value, labelled: Mapping[str, np.ndarray], arrays: Arrays, concept: str, gamma: float) -> dict:
    """By edit that can be made: the value before and after, and clusters; `[frame or pair of the edit]`."""
    original, value, clusters = labelled["original"], arrays["value"], arrays["clusters"]
    darker = paint.at_gamma(original, gamma).astype(np.float32)
    found = {DARKER: {"before": value, "after": read_value(darker), "clusters": clusters}}
    if (shown := labelled["hud"] == 1).any():
        after = read_value(with_logs(original[shown]))
        found[LOGS] = {"before": value[shown], "after": after, "clusters": clusters[shown]}
    pairs = frame_groups.members(labelled["group"], labelled["role"], [f"no {concept}", concept])
    if len(pairs):
        without, present = pairs.T
        found[TRUNK] = {"before": value[without], "after": value[present], "clusters": clusters[present]}
    return found


def _parts(arrays: Arrays, shown: Bool[np.ndarray, " frame"], edits: dict, level: Level) -> Parts:
    """ray, middle, area: partial rank correlation of the value with each, given brightness. brightness: its rank
    correlation. present: AUROC of frames with the concept above those without. Of each edit the mean change.
    """
    value, clusters, nothing = arrays["value"], arrays["clusters"], why_none(shown)

    def correlated(name: str) -> Estimate:
        known = np.isfinite(arrays[name])
        value, other, bright = (scipy.stats.rankdata(arrays[key][known]) for key in ("value", name, BRIGHTNESS))
        statistic = (
            intervals.weighted_correlation(value, other)
            if name == BRIGHTNESS
            else intervals.weighted_partial_correlation(value, other, [bright])
        )
        return intervals.estimate(statistic, clusters[known], level, chance=0.0, scale="correlation")

    def change(name: str, reason: str) -> Estimate:
        if name not in edits:
            return missing(reason)
        before, after, own = (edits[name][key] for key in ("before", "after", "clusters"))
        return intervals.estimate(intervals.weighted_mean(after - before), own, level, chance=0.0)

    auroc = intervals.weighted_auroc(value, shown, np.arange(len(value)))
    return {
        RAY: correlated(RAY) if np.isfinite(arrays[RAY]).any() else missing(NO_RAYS),
        **{name: missing(nothing) if nothing else correlated(name) for name in (MIDDLE, AREA)},
        BRIGHTNESS: correlated(BRIGHTNESS),
        PRESENT: missing(nothing) if nothing else intervals.estimate(auroc, clusters, level, chance=0.5, scale="share"),
        LOGS: change(LOGS, NO_DISPLAY),
        TRUNK: change(TRUNK, NO_PAIRS),
        DARKER: change(DARKER, ""),
    }


def _drawn(arrays: Arrays, parts: Parts, level: Level) -> Arrays:
    """The estimates and means that a figure draws; intervals are NaN where there are none."""
    found: Arrays = {}
    for kind, names in (("correlations", CORRELATED), ("changes", EDITS)):
        known = [name for name in names if parts[name].estimate is not None]
        found[f"{kind}/names"] = np.array(known, dtype=str)
        found[f"{kind}/estimate"] = np.array([parts[name].estimate for name in known], np.float64)
        found[f"{kind}/interval"] = np.array([parts[name].bounds for name in known]).reshape(-1, 2)
    nodes = np.minimum(arrays[RAY], MOST_NODES)
    for name, groups in ((RAY, nodes), (MIDDLE, _quarters(arrays[MIDDLE]))):
        means = []
        for group in np.unique(groups[np.isfinite(groups)]):
            own = groups == group
            mean = intervals.weighted_mean(arrays["value"][own])
            estimate = intervals.estimate(mean, arrays["clusters"][own], level)
            means.append((arrays[name][own].mean(), *estimate.numbers))
        found[f"means/{name}"] = np.array(means, np.float64).reshape(-1, 4)
    return found


def _quarters(shares: Float[np.ndarray, " frame"]) -> Float[np.ndarray, " frame"]:
    """0 for nothing, and 1 to `GROUPS` for groups of about equally many frames by their share."""
    some = shares > 0
    if not some.any():
        return np.zeros(len(shares))
    bounds = np.quantile(shares[some], np.arange(1, GROUPS) / GROUPS)
    return np.where(some, 1 + np.searchsorted(bounds, shares), 0).astype(np.float64)

"""Do maps of a behaviour point at what is labelled? Where the largest attribution lies, and how much lies inside."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minetest_interp.analysis import attribution, intervals, localisation
from minetest_interp.analysis.attribution import AttributionMethod, Readouts
from minetest_interp.analysis.intervals import Level, missing
from minetest_interp.analysis.localisation import Found
from minetest_interp.claims.measured import Arrays, Measured, Parts
from minetest_interp.io.errors import InputError
from minetest_interp.model import frames as model_frames
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.batches import map_batches
from minetest_interp.model.labels import NO_LABELS, why_none
from minetest_interp.model.networks import fast
from minetest_interp.model.policy import Policy

CLAIM = "maps-find-trunks"
PARTS = ("pointing", "mass", "pointing-share", "mass-share")
# Trusted on both studies, and its maps add up to the change of the score: chosen before any map was held against masks.
JUDGED = "IG, mean frame"
MOSTLY = 0.5  # of a pixel; from here on it is inside a mask


class Drawn(NamedTuple):
    """Labelled frames `[N]` of as many clusters: names, what the network sees, and which pixels `[N, S, S]` are inside.

    mean: `[T, S, S]`, the mean stack of all labelled frames.
    """

    frames: np.ndarray
    original: np.ndarray
    inside: np.ndarray
    mean: np.ndarray


def measure(
    policy: Policy,
    table: ActionTable,
    labelled: Mapping[str, np.ndarray] | None,
    *,
    steering: str,
    settings: Mapping[str, Any],
    masks: int = 60,
    size: int = 10,
    seed: int = 0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Tests whether the maps of each method find their own frame's mask more than those of other frames.

    Args:
      labelled: M frames: frames, group `[M]` of names; original, grey `[M, S, S]` or colours; share `[M, S, S]`, of
        each pixel that is of the concept.
      steering: the name of the behaviour that maps are of. settings: options of `attribution.methods`, without seed.
      masks: how many frames are drawn, at most, each of another cluster. size: frames at a time.
      seed: of the drawn frames and of the methods. similarity: of grey levels, above which frames are near-duplicates.
    """
    network = policy.architecture
    try:
        drawn = draw(labelled, frames=network.frames, masks=masks, seed=seed, similarity=similarity)
    except InputError as error:
        return Measured({"masks/reason": np.array(str(error))}, {CLAIM: dict.fromkeys(PARTS, missing(str(error)))})
    methods = attribution.methods(drawn.mean, read=network.reads, seed=seed, **settings)
    readouts = objectives.readouts(table, network)
    every = Readouts(fast(policy, convolve=True), tuple(readouts.values()))
    strength, scores = _strengths(every, list(readouts).index(steering), methods, drawn, network.reads, size)
    found = {
        name: localisation.find(strength[:, m], drawn.inside, read=network.reads) for m, name in enumerate(methods)
    }
    shown = int(np.abs(scores).argmax())
    arrays = {
        "masks/frames": drawn.frames,
        "masks/judged": np.array(JUDGED),
        "masks/shown/frame": drawn.frames[shown],
        "masks/shown/grey": model_frames.as_stacks(drawn.original[shown : shown + 1], network.frames)[0].mean(0),
        "masks/shown/inside": drawn.inside[shown],
        "masks/shown/strength": strength[shown].astype(np.float32),
        "masks/shown/score": scores[shown],
    }
    clusters = np.arange(len(drawn.frames))
    return Measured(arrays | _by_method(found, clusters, level), {CLAIM: _parts(found[JUDGED], clusters, level)})


def draw(labelled: Mapping[str, np.ndarray] | None, *, frames: int, masks: int, seed: int, similarity: float) -> Drawn:
    """One frame of each of at most `masks` clusters of the labelled frames that show the concept.

    Args:
      frames: how many a stack has.

    Raises:
      InputError: there are none, or of one cluster alone, so that there is no other frame's mask.
    """
    if labelled is None:
        raise InputError(NO_LABELS)
    inside = labelled["share"] >= MOSTLY
    shows = np.any(inside, axis=(1, 2))
    if reason := why_none(shows):
        raise InputError(reason)
    shown = np.flatnonzero(shows)
    clusters = intervals.near_duplicates(
        labelled["original"][shown], similarity=similarity, group=labelled["group"][shown]
    )
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(clusters.max() + 1)[:masks]
    if len(chosen) < 2:
        raise InputError("all labelled frames are near-duplicates, so there is no other frame's mask. Label more.")
    taken = shown[np.sort([generator.choice(np.flatnonzero(clusters == cluster)) for cluster in chosen])]
    mean = model_frames.as_stacks(labelled["original"].mean(0)[None], frames)[0]
    return Drawn(labelled["frames"][taken], labelled["original"][taken], inside[taken], mean)


def _strengths(
    readouts: Readouts,
    which: int,
    methods: Mapping[str, AttributionMethod],
    drawn: Drawn,
    read: tuple[int, int],
    size: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The strengths `[N, method, S, S]` of maps of the readout of a number, and the readout `[N]`."""
    count = len(drawn.frames)
    filled = np.minimum(np.arange(max(count, size)), count - 1)  # few frames take the step compiled for a whole batch

    def attribute(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        stack = model_frames.as_stacks(batch, len(drawn.mean))
        maps = np.stack([method.attribute(readouts, stack)[:, which] for method in methods.values()], axis=1)
        return localisation.pixel_strength(maps, read=read), attribution.run(readouts, stack)[:, which]

    strength, scores = map_batches(attribute, drawn.original[filled], size=size)
    return strength[:count], scores[:count]


def _by_method(found: Mapping[str, Found], clusters: np.ndarray, level: Level) -> Arrays:
    """own, others: `[N, method]`. above_others: `[mean low high, method]`; NaN where there is no interval."""
    arrays: Arrays = {}
    for score in Found._fields:
        each = [getattr(of, score) for of in found.values()]
        above = [intervals.estimate(localisation.above_others(of), clusters, level, chance=0.0) for of in each]
        arrays |= {
            f"masks/{score}/own": np.stack([np.diag(of) for of in each], axis=1),
            f"masks/{score}/others": np.stack([localisation.others(of) for of in each], axis=1),
            f"masks/{score}/above_others": np.array([one.numbers for one in above]).T,
        }
    return arrays


def _parts(found: Found, clusters: np.ndarray, level: Level) -> Parts:
    """pointing, mass: own masks less others'. pointing-share, mass-share: own masks, where others' are chance."""
    parts = {}
    for score, of in found._asdict().items():
        own, chance = intervals.weighted_mean(np.diag(of)), float(localisation.others(of).mean())
        parts[score] = intervals.estimate(localisation.above_others(of), clusters, level, chance=0.0)
        parts[f"{score}-share"] = intervals.estimate(own, clusters, level, chance=chance)
    return {part: parts[part] for part in PARTS}

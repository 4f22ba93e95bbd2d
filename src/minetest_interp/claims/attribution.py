"""Behaviours and value shared out over pixels and channels by every method, and how far to trust each method."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from minetest_interp.analysis import attribution, faithfulness, intervals
from minetest_interp.analysis.attribution import AttributionMethod, Readouts
from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims.measured import Arrays, Measured
from minetest_interp.model import frames as model_frames
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.batches import map_batches
from minetest_interp.model.networks import fast
from minetest_interp.model.policy import Policy

BATCH = 24  # frames at a time: more do not fit into a processor's cache
EXAMPLES = 4  # frames whose maps are stored


class Judged(NamedTuple):
    """What is shared out and by what methods.

    every, judged: all readouts, and those by which methods are judged; rows: of the latter among the former.
    mean: `[S, S]`, the study's mean frame, or `[T, S, S]`, the mean of its real stacks.
    """

    policy: Policy
    methods: dict[str, AttributionMethod]
    every: Readouts
    judged: Readouts
    rows: list[int]
    mean: np.ndarray


class Trials(NamedTuple):
    """draws: random maps, and perturbations. removals: steps of deletion and insertion. radius: grey levels."""

    draws: int
    removals: int
    radius: float
    seed: int


class Checks(NamedTuple):
    """Of M methods and K judged readouts on B frames.

    maps: `[B, M, K, T, S, S]`. sensitivity: `[B, M, K]`. randomisation: `[B, M, K, stages of the cascade]`.
    """

    maps: np.ndarray
    sensitivity: np.ndarray
    randomisation: np.ndarray


def measure(
    policy: Policy,
    table: ActionTable,
    stacks: Mapping[str, np.ndarray],
    *,
    steering: str,
    steps: int = 32,
    samples: int = 16,
    noise: float = 25.5,
    patch: int = 8,
    patch_stride: int = 4,
    removals: int = 16,
    radius: float = 5.1,
    draws: int = 4,
    frames: int = 10,
    seed: int = 0,
    similarity: float = 0.9,
    bootstrap: Bootstrap = intervals.BOOTSTRAP,
) -> Measured:
    """Maps of every readout by every method, and how far to trust each method; no claim rests on it.

    Args:
      stacks: frames `[N]`, their names; original, grey `[N, S, S]`, or real stacks.
      steering: the name of the behaviour by which, beside the value where there is one, methods are judged.
      steps, samples, noise, patch, patch_stride: of `attribution.methods`. removals: steps of deletion and insertion.
      radius: of max-sensitivity, grey levels. draws: random maps, and perturbations. frames: how many maps are tested
        for sensitivity and randomisation. similarity: of grey levels, above which frames are near-duplicates.
    """
    greys, readouts = stacks["original"], objectives.readouts(table, policy.architecture)
    judged = [name for name in (steering, "value") if name in readouts]
    mean = greys.mean(0)
    methods = attribution.methods(
        model_frames.as_stacks(mean[None], policy.architecture.frames)[0],
        read=policy.architecture.reads,
        steps=steps,
        samples=samples,
        noise=noise,
        patch=patch,
        patch_stride=patch_stride,
        seed=seed,
    )
    setup = _set_up(policy, methods, readouts, judged, mean)
    trials = Trials(draws, removals, radius, seed)
    scored = _score_frames(setup, greys, trials)
    channels = scored.pop("channels")
    checked = evenly_spaced(len(greys), frames)
    checks = _check_methods(setup, greys[checked], trials)
    clusters = intervals.near_duplicates(greys, similarity=similarity)
    means = _mean_scores(scored, checks, clusters, checked, bootstrap)
    failed = faithfulness.failures(
        means["deletion_above_random"][1, :, 0], means["randomisation"][0, :, 0, -1], means["sensitivity"][0, :, 0]
    )
    shown = evenly_spaced(len(checked), EXAMPLES)
    by_frame = scored | {"sensitivity": checks.sensitivity, "randomisation": checks.randomisation}
    arrays = {
        "frames": stacks["frames"],
        "clusters": clusters,
        **_names(policy, methods, readouts, judged),
        "failed": failed,
        "verdicts": np.array([faithfulness.verdict(each) for each in failed]),
        "checked_frames": stacks["frames"][checked],
        "maps": checks.maps[shown].transpose(1, 2, 0, 3, 4, 5),
        "maps_frames": stacks["frames"][checked][shown],
        "completeness_median": np.median(scored["completeness"], axis=0),
        **{f"frame/{name}": values for name, values in by_frame.items()},
        **{f"mean/{name}": values for name, values in means.items()},
        **{f"channels/{layer}": values.mean(0) for layer, values in channels.items()},
        **{f"channels/{layer}/size": np.abs(values).mean(0) for layer, values in channels.items()},
    }
    return Measured(arrays, {})


def _names(policy: Policy, methods: Mapping, readouts: Mapping, judged: Sequence[str]) -> Arrays:
    """What stands on the axes of the other arrays."""
    names = {
        "methods": methods,
        "objectives": readouts,
        "judged": judged,
        "replacements": faithfulness.REPLACEMENTS,
        "cascade": list(faithfulness.stages(policy.architecture)),
        "failures": faithfulness.FAILURES,
    }
    return {name: np.array(list(values)) for name, values in names.items()}


def _set_up(
    policy: Policy,
    methods: dict[str, AttributionMethod],
    readouts: Mapping[str, objectives.Objective],
    judged: Sequence[str],
    mean: np.ndarray,
) -> Judged:
    network, rows = fast(policy, convolve=True), [list(readouts).index(name) for name in judged]
    every = Readouts(network, tuple(readouts.values()))
    return Judged(policy, methods, every, Readouts(network, tuple(readouts[name] for name in judged)), rows, mean)


def _score_frames(setup: Judged, greys: np.ndarray, trials: Trials) -> dict:
    """What each method finds on every frame, `[N, ...]` by name; `channels` by layer."""
    size = -(-len(greys) // -(-len(greys) // BATCH))  # equal batches: little is filled up
    return map_batches(_batch_scorer(setup, trials), greys, np.arange(len(greys)), size=size)


def _batch_scorer(setup: Judged, trials: Trials) -> Callable[[np.ndarray, np.ndarray], dict]:
    """The step of `_score_frames`, from frames `[B, S, S]` or stacks, and their numbers in the study `[B]`."""
    policy, methods = setup.policy, setup.methods.values()
    by_channel = jax.jit(lambda objective, stack: attribution.channel_attributions(policy, objective, stack))

    def score(batch: np.ndarray, items: np.ndarray) -> dict:
        stack = model_frames.as_stacks(batch, policy.architecture.frames)
        maps = [method.attribute(setup.every, stack) for method in methods]
        own, random = faithfulness.removals(
            setup.judged,
            stack if batch.ndim == 4 else batch[:, None],  # one frame stands for a stack whose frames are the same
            setup.mean,
            [each[:, setup.rows] for each in maps],
            items,
            read=policy.architecture.reads,
            steps=trials.removals,
            draws=trials.draws,
            seed=trials.seed,
        )
        pairs = zip(methods, maps, strict=True)
        channels = [by_channel(objective, stack) for objective in objectives.of_one_kind(setup.every.objectives)]
        errors = [faithfulness.completeness_error(setup.every, stack, *pair) for pair in pairs]
        return {
            "channels": {layer: np.stack([each[layer] for each in channels], axis=1) for layer in channels[0]},
            "scores": attribution.run(setup.every, stack),
            "completeness": np.stack(errors, 1),
            **own._asdict(),
            **{f"random_{name}": values for name, values in random._asdict().items()},
        }

    return score


def _check_methods(setup: Judged, greys: np.ndarray, trials: Trials) -> Checks:
    """Do the maps of each method hold still, and do they depend on the weights?"""
    network = setup.policy.architecture
    stack = model_frames.as_stacks(greys, network.frames)
    shuffled = list(faithfulness.cascade(setup.policy, seed=trials.seed))

    def check(method: AttributionMethod) -> Checks:
        maps = method.attribute(setup.judged, stack)
        sensitivity = faithfulness.max_sensitivity(
            method, setup.judged, stack, maps, radius=trials.radius, draws=trials.draws, seed=trials.seed
        )
        others = [
            method.attribute(Readouts(fast(each, convolve=True), setup.judged.objectives), stack) for each in shuffled
        ]
        correlations = [faithfulness.map_correlation(maps, each, read=network.reads) for each in others]
        return Checks(maps, sensitivity, np.stack(correlations, axis=-1))

    return Checks(*(np.stack(values, axis=1) for values in zip(*map(check, setup.methods.values()), strict=True)))


def _mean_scores(
    scored: Arrays, checks: Checks, clusters: np.ndarray, checked: np.ndarray, bootstrap: Bootstrap
) -> Arrays:
    """Means over frames with their intervals; deletion and insertion beyond those of random maps."""
    above = scored["deletion"] - scored["random_deletion"][:, None]
    below = scored["random_insertion"][:, None] - scored["insertion"]
    return {
        "deletion_above_random": mean_with_interval(above, clusters, bootstrap),
        "insertion_below_random": mean_with_interval(below, clusters, bootstrap),
        "sensitivity": mean_with_interval(checks.sensitivity, clusters[checked], bootstrap),
        "randomisation": mean_with_interval(checks.randomisation, clusters[checked], bootstrap),
    }


def evenly_spaced(count: int, most: int) -> np.ndarray:
    """At most `most` numbers from 0 to `count` - 1, as evenly spaced as can be."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)


def mean_with_interval(values: np.ndarray, clusters: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Means over frames with their intervals, `[N, ...]` to (mean, low, high) `[3, ...]`; NaN where there is none."""

    def summarise(column: np.ndarray) -> list[float]:
        mean = intervals.estimate(intervals.weighted_mean(column), clusters, bootstrap)
        return [np.nan if mean.estimate is None else mean.estimate, *(mean.interval or (np.nan, np.nan))]

    return np.apply_along_axis(summarise, 0, values)

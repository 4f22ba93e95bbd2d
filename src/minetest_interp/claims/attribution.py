"""Behaviours and value shared out over pixels and channels by every method, and how far to trust each method."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from minetest_interp.analysis import attribution, faithfulness, intervals
from minetest_interp.analysis.attribution import AttributionMethod, Readouts
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import maps
from minetest_interp.claims.measured import Arrays, Measured
from minetest_interp.model import frames as model_frames
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.batches import map_batches
from minetest_interp.model.networks import fast
from minetest_interp.model.policy import Policy

BATCH = 24  # frames at a time, at most: more do not fit into a processor's cache
EXAMPLES = 4  # frames whose maps are stored


class Judged(NamedTuple):
    """What is shared out and by what methods.

    judged: the readouts by which methods are judged, by number.
    mean: `[S, S]`, the study's mean frame, or `[T, S, S]`, the mean of its real stacks.
    """

    policy: Policy
    methods: dict[str, AttributionMethod]
    readouts: Readouts
    judged: list[int]
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
    labelled: Mapping[str, np.ndarray] | None,
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
    masks: int = 60,
    seed: int = 0,
    similarity: float = 0.9,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Maps of every readout by every method, how far to trust each method, and whether its maps find what is labelled.

    Args:
      stacks: frames `[N]`, their names; original, grey `[N, S, S]`, or real stacks.
      labelled: as of `maps.measure`, and masks: how many of them.
      steering: the name of the behaviour by which, beside the value where there is one, methods are judged.
      steps, samples, noise, patch, patch_stride: of `attribution.methods`. removals: steps of deletion and insertion.
      radius: of max-sensitivity, grey levels. draws: random maps, and perturbations. frames: how many maps are tested
        for sensitivity and randomisation. similarity: of grey levels, above which frames are near-duplicates.
    """
    greys, readouts = stacks["original"], objectives.readouts(table, policy.architecture)
    judged = [name for name in (steering, "value") if name in readouts]
    mean = greys.mean(0)
    how: dict[str, Any] = {
        "steps": steps,
        "samples": samples,
        "noise": noise,
        "patch": patch,
        "patch_stride": patch_stride,
    }
    baseline = model_frames.as_stacks(mean[None], policy.architecture.frames)[0]
    methods = attribution.methods(baseline, read=policy.architecture.reads, seed=seed, **how)
    every = Readouts(fast(policy, convolve=True), tuple(readouts.values()))
    setup = Judged(policy, methods, every, [list(readouts).index(name) for name in judged], mean)
    trials = Trials(draws, removals, radius, seed)
    checked = evenly_spaced(len(greys), frames)
    size = min(len(checked), BATCH)  # of all batches, so that what is compiled serves them all
    scored = map_batches(_batch_scorer(setup, trials), greys, np.arange(len(greys)), size=size)
    channels = scored.pop("channels")
    checks = map_batches(_batch_checker(setup, trials), greys[checked], size=size)
    clusters = intervals.near_duplicates(greys, similarity=similarity)
    means = _mean_scores(scored, checks, clusters, checked, level)
    failed = faithfulness.failures(
        means["deletion_above_random"][1, :, 0], means["randomisation"][0, :, 0, -1], means["sensitivity"][0, :, 0]
    )
    shown = evenly_spaced(len(checked), EXAMPLES)
    found = maps.measure(
        policy,
        table,
        labelled,
        steering=steering,
        settings=how,
        masks=masks,
        size=size,
        seed=seed,
        similarity=similarity,
        level=level,
    )
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
    return Measured(arrays | found.arrays, found.estimates)


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


def _batch_scorer(setup: Judged, trials: Trials) -> Callable[[np.ndarray, np.ndarray], dict]:
    """From frames `[B, S, S]` or stacks, and their numbers in the study `[B]`, to what each method finds, by name."""
    policy, methods = setup.policy, setup.methods.values()
    by_channel = jax.jit(lambda objective, stack: attribution.channel_attributions(policy, objective, stack))

    def score(batch: np.ndarray, items: np.ndarray) -> dict:
        stack = model_frames.as_stacks(batch, policy.architecture.frames)
        maps = [method.attribute(setup.readouts, stack) for method in methods]
        own, random = faithfulness.removals(
            setup.readouts,
            stack,
            setup.mean,
            maps,
            items,
            judged=setup.judged,
            read=policy.architecture.reads,
            steps=trials.removals,
            draws=trials.draws,
            seed=trials.seed,
        )
        pairs = zip(methods, maps, strict=True)
        channels = [by_channel(objective, stack) for objective in objectives.of_one_kind(setup.readouts.objectives)]
        errors = [faithfulness.completeness_error(setup.readouts, stack, *pair) for pair in pairs]
        return {
            "channels": {layer: np.stack([each[layer] for each in channels], axis=1) for layer in channels[0]},
            "scores": attribution.run(setup.readouts, stack),
            "completeness": np.stack(errors, 1),
            **own._asdict(),
            **{f"random_{name}": values for name, values in random._asdict().items()},
        }

    return score


def _batch_checker(setup: Judged, trials: Trials) -> Callable[[np.ndarray], Checks]:
    """From frames `[B, S, S]` or stacks: do the maps of each method hold still, and do they depend on the weights?"""
    policy, judged, read = setup.policy, setup.judged, setup.policy.architecture.reads
    shuffled = [
        Readouts(fast(each, convolve=True), setup.readouts.objectives)
        for each in faithfulness.cascade(policy, seed=trials.seed)
    ]

    def check(batch: np.ndarray) -> Checks:
        stack = model_frames.as_stacks(batch, policy.architecture.frames)

        def check_method(method: AttributionMethod) -> Checks:
            maps = method.attribute(setup.readouts, stack)
            sensitivity = faithfulness.max_sensitivity(
                method, setup.readouts, stack, maps, radius=trials.radius, draws=trials.draws, seed=trials.seed
            )
            others = [method.attribute(scores, stack)[:, judged] for scores in shuffled]
            correlations = [faithfulness.map_correlation(maps[:, judged], each, read=read) for each in others]
            return Checks(maps[:, judged], sensitivity[:, judged], np.stack(correlations, axis=-1))

        each = map(check_method, setup.methods.values())
        return Checks(*(np.stack(values, axis=1) for values in zip(*each, strict=True)))

    return check


def _mean_scores(scored: Arrays, checks: Checks, clusters: np.ndarray, checked: np.ndarray, level: Level) -> Arrays:
    """Means over frames with their intervals; deletion and insertion beyond those of random maps."""
    above = scored["deletion"] - scored["random_deletion"][:, None]
    below = scored["random_insertion"][:, None] - scored["insertion"]
    return {
        "deletion_above_random": mean_with_interval(above, clusters, level),
        "insertion_below_random": mean_with_interval(below, clusters, level),
        "sensitivity": mean_with_interval(checks.sensitivity, clusters[checked], level),
        "randomisation": mean_with_interval(checks.randomisation, clusters[checked], level),
    }


def evenly_spaced(count: int, most: int) -> np.ndarray:
    """At most `most` numbers from 0 to `count` - 1, as evenly spaced as can be."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)


def mean_with_interval(values: np.ndarray, clusters: np.ndarray, level: Level) -> np.ndarray:
    """Means over frames with their intervals, `[N, ...]` to (mean, low, high) `[3, ...]`; NaN where there is none."""

    def summarise(column: np.ndarray) -> tuple[float, float, float]:
        return intervals.estimate(intervals.weighted_mean(column), clusters, level).numbers

    return np.apply_along_axis(summarise, 0, values)

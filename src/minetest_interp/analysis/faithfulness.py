"""How far to trust a map: does it find the pixels that count, does it depend on the weights, does it hold still?

Scores, maps and stacks are as in `attribution`. Only the first rows and columns count, as many as the network reads
(`Architecture.reads`). A *ranking* numbers the pixels of each item: 0 for the one that goes first, and the number of
those that are read for all others.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import scipy.ndimage
from jaxtyping import Bool, Float, Int

from minetest_interp.analysis import attribution
from minetest_interp.analysis.attribution import AttributionMethod, Scores
from minetest_interp.analysis.stats import spearman
from minetest_interp.model import steps
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.arrays import AnyArray
from minetest_interp.model.policy import Policy, shuffled_weights

REPLACEMENTS = ("mean frame", "blurred")  # what a removed pixel shows
BLUR = 4.0  # pixels, sd: one stride of the first layer; what is finer than its 8-pixel kernel goes
LEAST_CHANGE = 1e-3  # a completeness error is relative to at least this much of the score
MOST_CORRELATION = 0.5  # with the map of shuffled weights, and
MOST_SENSITIVITY = 1.0  # relative change under perturbation: both set before any was measured
FAILURES = ("not shown to beat random", "survives shuffled weights", "unstable")


class Removal(NamedTuple):
    """Mean absolute change of the scores while pixels are removed in some order, strongest first.

    deletion: as they are removed from the stack; a good map changes the score much.
    insertion: as they are put back on the replacement; a good map soon leaves little changed.
    """

    deletion: Float[np.ndarray, "batch ..."]
    insertion: Float[np.ndarray, "batch ..."]


def blurred(stack: Float[np.ndarray, "batch frame row column"]) -> Float[np.ndarray, "batch frame row column"]:
    """Stacks under a Gaussian of `BLUR` pixels: what is left where detail is removed."""
    return scipy.ndimage.gaussian_filter(stack, BLUR, axes=(-2, -1), mode="nearest")


def rank_pixels(
    maps: Float[AnyArray, "batch frame row column"], *, read: tuple[int, int]
) -> Int[np.ndarray, "batch row column"]:
    """The ranking of maps for one readout: strongest first; ties in reading order.

    The frames' attributions are added up before the strength is taken, since a pixel goes from all frames at once.
    """
    strength = np.abs(maps.sum(1))[:, : read[0], : read[1]]
    return _ranking(np.argsort(-strength.reshape(len(maps), -1), axis=1, kind="stable"), maps.shape[-2:], read)


def random_ranks(
    items: Int[np.ndarray, " batch"], shape: tuple[int, int], *, read: tuple[int, int], draws: int, seed: int
) -> list[Int[np.ndarray, "batch row column"]]:
    """Rankings of `draws` maps that know nothing, for the study's items by number; an item always has the same ones."""
    generators = [np.random.default_rng([seed, item]) for item in items]
    return [_ranking(np.stack([g.permutation(math.prod(read)) for g in generators]), shape, read) for _ in range(draws)]


def removal(
    scores: Scores,
    stack: Float[AnyArray, "batch frame row column"],
    replacement: Float[AnyArray, "batch frame row column"],
    ranking: Int[np.ndarray, "batch row column"],
    *,
    read: tuple[int, int],
    steps: int,
) -> Removal:
    """Deletion and insertion, each `[batch, question]` (Petsiuk et al. 2018), for scores of either sign.

    Pixels go, or come back, in all frames of the stack at once and in equal `steps`; the last takes all.

    Args:
      replacement: what a removed pixel shows.
    """
    begin, replaced = (attribution.first(scores, shown) for shown in (stack, replacement))
    whole = attribution.rest(scores, begin)

    def changes(gone: np.ndarray) -> list[np.ndarray]:
        deleted = attribution.first(scores, np.where(gone[:, None], replacement, stack))
        inserted = begin + replaced - deleted  # since the beginning is affine
        return [np.abs(attribution.rest(scores, moved) - whole) for moved in (deleted, inserted)]

    counts = [round(step * math.prod(read) / steps) for step in range(1, steps + 1)]
    return Removal(*np.mean([changes(ranking < n) for n in counts], axis=0))


def removals(
    scores: Scores,
    stack: Float[np.ndarray, "batch frame row column"],
    mean: Float[np.ndarray, "*frame row column"],
    maps: Sequence[Float[AnyArray, "batch readout frame row column"]],
    items: Int[np.ndarray, " batch"],
    *,
    judged: Sequence[int],
    read: tuple[int, int],
    steps: int,
    draws: int,
    seed: int,
) -> tuple[Removal, Removal]:
    """Deletion and insertion by the maps of several methods, and by random maps, with each of the `REPLACEMENTS`.

    Args:
      mean: the study's mean frame, or the mean of its real stacks.
      maps: of each method.
      items: the stacks' numbers in the study. judged: the readouts that are looked at. draws: random maps whose mean
        is taken.

    Returns:
      each score by its own map, `[batch, method, question, replacement]`, and by random maps, without `method`.
    """
    replacements = np.broadcast_to(mean, stack.shape), blurred(stack)

    def ordered(ranking: np.ndarray) -> np.ndarray:
        each = [removal(scores, stack, shown, ranking, read=read, steps=steps) for shown in replacements]
        return np.stack(each, axis=-1)  # [2, B, K, R]

    own = [[ordered(rank_pixels(each[:, k], read=read))[:, :, k] for k in judged] for each in maps]
    ranks = random_ranks(items, stack.shape[-2:], read=read, draws=draws, seed=seed)
    random = [ordered(ranking)[:, :, judged] for ranking in ranks]
    return Removal(*np.moveaxis(np.array(own), (2, 3), (0, 1))), Removal(*np.mean(random, axis=0))


def completeness_error(
    scores: Scores,
    stack: Float[AnyArray, "batch frame row column"],
    method: AttributionMethod,
    maps: Float[AnyArray, "batch readout frame row column"],
) -> Float[np.ndarray, "batch readout"]:
    """How far a method's maps miss the score gained over its baseline, as a share of it; NaN without a baseline."""
    if method.baseline is None:
        return np.full(maps.shape[:2], np.nan)
    begin, end = (attribution.run(scores, np.broadcast_to(shown, stack.shape)) for shown in (method.baseline, stack))
    gained = end - begin
    return np.abs(maps.sum((2, 3, 4)) - gained) / np.maximum(np.abs(gained), LEAST_CHANGE)


def stages(network: Architecture) -> dict[str, tuple[str, ...]]:
    """The order in which weights are shuffled, from the heads down: a stage's name to the names of its parameters.

    All at once where it is not known which layer has which.
    """
    if any(isinstance(step, steps.Part) for layer in network.layers for step in layer.steps):
        return {"all": tuple(network.parameters())}
    given: steps.Shape = network.stack
    found = []
    for layer in network.layers:
        found.append((layer.name, tuple(steps.parameters(layer.steps, given))))
        given = steps.shape(layer.steps, given)
    return dict([("heads", tuple(head.name for head in network.heads)), *reversed(found)])


def cascade(policy: Policy, *, seed: int) -> Iterator[Policy]:
    """The policy with the weights shuffled of one of its `stages`, of two, ..., of all (Adebayo et al. 2018)."""
    shuffled, params = shuffled_weights(policy, seed=seed).params, dict(policy.params)
    for names in stages(policy.architecture).values():
        params |= {name: shuffled[name] for name in names}
        yield Policy(policy.network, dict(params))


def map_correlation(
    maps: Float[AnyArray, "*maps frame row column"],
    others: Float[AnyArray, "*maps frame row column"],
    *,
    read: tuple[int, int],
) -> Float[np.ndarray, "*maps"]:
    """Spearman's correlation of the strengths of two sets of maps, over read pixels of all frames.

    A map of zeros has nothing in common with any: 0.
    """
    shape, sizes = maps.shape[:-3], [np.abs(each[..., : read[0], : read[1]]) for each in (maps, others)]
    pairs = zip(*(each.reshape(np.prod(shape), -1) for each in sizes), strict=True)
    return np.nan_to_num([spearman(*pair) for pair in pairs]).reshape(shape)


def max_sensitivity(
    method: AttributionMethod,
    scores: Scores,
    stack: Float[AnyArray, "batch frame row column"],
    maps: Float[AnyArray, "batch readout frame row column"],
    *,
    radius: float,
    draws: int,
    seed: int,
) -> Float[np.ndarray, "batch readout"]:
    """The largest change of a map under small perturbations, over the map's length (Yeh et al. 2019).

    Args:
      maps: the method's own of `stack`; one of zeros counts as not moving at all.
      radius: grey levels, the most by which a pixel is perturbed. draws: uniform perturbations, the same for all items.
    """
    noise = np.random.default_rng(seed).uniform(-radius, radius, (draws, *stack.shape[1:])).astype(np.float32)
    moved = [_length(method.attribute(scores, stack + one[None]) - maps) for one in noise]
    lengths = _length(maps)
    return np.divide(np.max(moved, axis=0), lengths, out=np.zeros_like(lengths), where=lengths > 0)


def failures(
    low: Float[np.ndarray, "method replacement"],
    correlation: Float[np.ndarray, " method"],
    sensitivity: Float[np.ndarray, " method"],
) -> Bool[np.ndarray, "method failure"]:
    """Which conditions for trusting each method fail, in the order of `FAILURES`.

    The rules, set before any method was measured: deletion beats the random map with every replacement (the interval
    of the paired difference lies above zero); maps correlate less than `MOST_CORRELATION` with those of wholly
    shuffled weights; their max-sensitivity is below `MOST_SENSITIVITY`. What is not known (NaN) fails.

    Args:
      low: the lower ends of the intervals. correlation, sensitivity: means over frames.
    """
    passed = (low > 0).all(1), correlation < MOST_CORRELATION, sensitivity < MOST_SENSITIVITY
    return ~np.stack(passed, axis=1)


def verdict(failed: Bool[np.ndarray, " failure"]) -> str:
    """One method's `failures` in words."""
    return "; ".join(np.array(FAILURES)[failed]) or "trust"


def _ranking(
    orders: Int[np.ndarray, "batch pixel"], shape: tuple[int, ...], read: tuple[int, int]
) -> Int[np.ndarray, "batch row column"]:
    ranking = np.full((len(orders), *shape), math.prod(read))
    ranking[:, : read[0], : read[1]] = np.argsort(orders, axis=1).reshape(-1, *read)
    return ranking


def _length(maps: Float[AnyArray, "batch readout frame row column"]) -> Float[np.ndarray, "batch readout"]:
    return np.sqrt((np.asarray(maps, np.float64) ** 2).sum((-3, -2, -1)))

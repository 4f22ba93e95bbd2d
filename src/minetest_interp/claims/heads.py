"""How far the heads read the same hidden units: cosines of the actor's weights `[A, D]` with the critic's `[D]`.

What is common to the weights of all actions raises or lowers all logits by the same amount, which the softmax ignores,
so it is taken out first; with it the cosines are shown and not judged.
"""

import numpy as np

from minetest_interp.analysis import intervals, stats
from minetest_interp.analysis.intervals import Level, Statistic, missing
from minetest_interp.claims.measured import Measured
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.description import why_not_aligned
from minetest_interp.model.policy import Policy

PARTS = ("cosine", "p-value", "with-common")
CHUNK = 1024  # random orders held at a time


def measure(
    policy: Policy,
    table: ActionTable,
    *,
    permutations: int = 9999,
    seed: int = 0,
    level: Level = intervals.LEVEL,
) -> Measured:
    """Tests whether actor and critic read the same features; the array `reason` says why that is not known.

    Args:
      permutations: random orders of the critic's weights. seed: of these orders.
    """
    if reason := why_not_aligned(policy):
        return Measured({"reason": np.array(reason)}, {"actor-critic-aligned": dict.fromkeys(PARTS, missing(reason))})
    actor = np.asarray(policy.params["actor"]["kernel"], np.float64).T
    critic = np.asarray(policy.params["critic"]["kernel"], np.float64)[:, 0]
    own = own_weights(actor)
    null, with_common = (random_orders(weights, critic, count=permutations, seed=seed) for weights in (own, actor))
    # ASSUME: hidden units are a sample of those that training could have made.
    units, statistic = np.arange(len(critic)), mean_cosine(own, critic)
    observed = statistic(np.ones(len(units)))
    whole, p_value = mean_cosine(actor, critic), float(intervals.exceedance(observed, null))
    parts = {
        "cosine": intervals.estimate(statistic, units, level, chance=float(null.mean())),
        "p-value": intervals.exact(p_value, n=len(units)),
        "with-common": intervals.estimate(whole, units, level, chance=float(with_common.mean())),
    }
    arrays = {
        "labels": np.array(table.labels),
        "cosines": stats.cosine_similarity(own, critic),
        "observed": observed,
        "null": null,
    }
    return Measured(arrays, {"actor-critic-aligned": parts})


def own_weights(actor: np.ndarray) -> np.ndarray:
    """Each action's weights less their mean over the actions, `[A, D]`."""
    return actor - actor.mean(0)


def mean_cosine(actor: np.ndarray, critic: np.ndarray) -> Statistic:
    """Mean over actions of the absolute cosine, as a statistic over the D hidden units; 0 for a head of length 0."""

    def statistic(weights: np.ndarray) -> np.ndarray:
        products = np.abs(weights @ (actor * critic).T)
        lengths = np.sqrt((weights @ (actor**2).T) * (weights @ critic**2)[..., None])
        cosines = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
        return np.asarray(cosines.mean(-1))

    return statistic


def random_orders(actor: np.ndarray, critic: np.ndarray, *, count: int, seed: int) -> np.ndarray:
    """The same with the critic's weights in random order, `[count]`: what heads that share no features would give."""
    generator = np.random.default_rng(seed)

    def draw(size: int) -> np.ndarray:
        shuffled = generator.permuted(np.broadcast_to(critic, (size, len(critic))), axis=1)
        return np.mean([np.abs(stats.cosine_similarity(shuffled, weights)) for weights in actor], axis=0)

    return np.concatenate([draw(min(CHUNK, count - first)) for first in range(0, count, CHUNK)])

"""How far the heads read the same hidden units: cosines of the actor's weights `[A, D]` with the critic's `[D]`."""

import numpy as np

from minetest_interp.analysis import intervals, stats
from minetest_interp.analysis.intervals import Bootstrap, Statistic, missing
from minetest_interp.claims.measured import Measured
from minetest_interp.model.actions import ActionTable
from minetest_interp.model.description import why_not_aligned
from minetest_interp.model.policy import Policy

CHUNK = 1024  # random orders held at a time


def measure(
    policy: Policy,
    table: ActionTable,
    *,
    permutations: int = 9999,
    seed: int = 0,
    bootstrap: Bootstrap = intervals.BOOTSTRAP,
) -> Measured:
    """Tests whether actor and critic read the same features; the array `reason` says why that is not known.

    Args:
      permutations: random orders of the critic's weights. seed: of these orders.
    """
    if reason := why_not_aligned(policy):
        parts = dict.fromkeys(("cosine", "p-value"), missing(reason))
        return Measured({"reason": np.array(reason)}, {"actor-critic-aligned": parts})
    actor = np.asarray(policy.params["actor"]["kernel"], np.float64).T
    critic = np.asarray(policy.params["critic"]["kernel"], np.float64)[:, 0]
    null = random_orders(actor, critic, count=permutations, seed=seed)
    # ASSUME: hidden units are a sample of those that training could have made.
    units, statistic = np.arange(len(critic)), mean_cosine(actor, critic)
    observed = statistic(np.ones(len(units)))
    p_value = float(intervals.exceedance(observed, null))
    parts = {
        "cosine": intervals.estimate(statistic, units, bootstrap, chance=float(null.mean())),
        "p-value": intervals.exact(p_value, n=len(units)),
    }
    arrays = {
        "labels": np.array(table.labels),
        "cosines": stats.cosine_similarity(actor, critic),
        "observed": observed,
        "null": null,
    }
    return Measured(arrays, {"actor-critic-aligned": parts})


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

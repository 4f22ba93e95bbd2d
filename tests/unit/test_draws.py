"""A number beside single draws of a null: intervals hold the truth as often as they say, planted effects are found."""

import numpy as np
import pytest

from minetest_interp.analysis import draws, intervals
from minetest_interp.analysis.intervals import Level

LEVEL = Level()


def test_a_network_like_the_others_lies_within_and_a_mean_s_error_would_be_too_small():
    generator, beyond, naive = np.random.default_rng(0), 0, 0
    for _ in range(400):
        null = generator.standard_normal(20)
        observed = np.full(20, generator.standard_normal())
        found = draws.beside_draws(np.stack([observed, null]), LEVEL)
        low, high = found.interval
        beyond += not low <= found.chance <= high
        reach = 2.1 * null.std(ddof=1) / np.sqrt(20)
        naive += abs(found.estimate - found.chance) > reach
    assert beyond < 0.09 * 400 < 0.4 * 400 < naive


def test_the_estimate_is_the_mean_and_chance_that_of_the_null():
    observed, null = np.random.default_rng(1).random((2, 20)) + np.array([[3], [0]])
    found = draws.beside_draws(np.stack([observed, null]), LEVEL)
    assert (found.estimate, found.chance) == (pytest.approx(observed.mean()), pytest.approx(null.mean()))
    assert found.error == pytest.approx((observed - null).std(ddof=1)) and found.interval[0] > found.chance
    few = draws.beside_draws(np.stack([observed, null])[:, :5], LEVEL)
    assert few.estimate is not None and few.interval is None


def test_errors_of_frames_and_draws_add_in_squares():
    generator = np.random.default_rng(2)
    observed, null = generator.standard_normal(30), generator.standard_normal((8, 30))
    statistic = intervals.weighted_mean(observed - null.mean(0))
    found = draws.beyond_draws(statistic, np.arange(30), LEVEL, draws=null.mean(1))
    alone = intervals.estimate(statistic, np.arange(30), LEVEL)
    assert found.estimate == alone.estimate and (found.n, found.clusters, found.chance) == (30, 30, 0)
    assert found.error**2 == pytest.approx(alone.error**2 + null.mean(1).var(ddof=1))
    assert draws.beyond_draws(statistic, np.arange(30), LEVEL, draws=null[:1].mean(1)).error == alone.error
    few = draws.beyond_draws(statistic, np.arange(30) % 4, LEVEL, draws=null.mean(1))
    assert few.interval is None and few.clusters == 4

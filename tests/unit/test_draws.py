"""A number beside single draws of a null: intervals hold the truth as often as they say, planted effects are found."""

import numpy as np
import pytest
import scipy.stats

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


@pytest.mark.parametrize("count", [3, 20])
def test_a_single_network_like_the_others_lies_beyond_them_as_often_as_the_interval_says(count):
    generator, beyond = np.random.default_rng(4), 0
    for _ in range(1000):
        networks = generator.standard_normal(count + 1)[:, None] + 0.5 * generator.standard_normal((count + 1, 30))
        own, *others = map(intervals.weighted_mean, networks)
        low, high = draws.beyond_others(own, others, np.arange(30), LEVEL).interval
        beyond += not low <= 0 <= high
    assert 0.02 * 1000 < beyond < 0.07 * 1000


def test_errors_of_frames_and_draws_add_in_squares():
    generator = np.random.default_rng(2)
    observed, null = generator.standard_normal(30), generator.standard_normal((8, 30))
    statistic = intervals.weighted_mean(observed - null.mean(0))
    found = draws.beyond_draws(statistic, np.arange(30), LEVEL, draws=null.mean(1))
    alone = intervals.estimate(statistic, np.arange(30), LEVEL)
    assert found.estimate == alone.estimate and (found.n, found.clusters, found.chance) == (30, 30, 0)
    single = 9 / 8 * null.mean(1).var(ddof=1)
    assert found.error**2 == pytest.approx(alone.error**2 + single)
    degrees = found.error**4 / (alone.error**4 / 29 + single**2 / 7)
    assert found.freedom == pytest.approx(degrees) and 7 < degrees < 36
    reach = scipy.stats.t.ppf(0.975, degrees) * found.error
    assert found.interval == pytest.approx((found.estimate - reach, found.estimate + reach))
    others = [intervals.weighted_mean(each) for each in null]
    same = draws.beyond_others(intervals.weighted_mean(observed), others, np.arange(30), LEVEL)
    assert [same.estimate, same.error, same.degrees] == pytest.approx([found.estimate, found.error, found.degrees])
    one = draws.beyond_draws(statistic, np.arange(30), LEVEL, draws=null[:1].mean(1))
    assert (one.estimate, one.interval, one.reason) == (found.estimate, None, draws.SINGLE)
    few = draws.beyond_draws(statistic, np.arange(30) % 4, LEVEL, draws=null.mean(1))
    assert few.interval is None and few.clusters == 4


def test_networks_without_the_number_are_left_out_and_none_with_it_is_said():
    generator = np.random.default_rng(5)
    own, *others = map(intervals.weighted_mean, generator.standard_normal((5, 12)))

    def none(weights):
        return np.full(weights.shape[:-1], np.nan)

    assert draws.beyond_others(own, [*others, none], np.arange(12), LEVEL) == draws.beyond_others(
        own, others, np.arange(12), LEVEL
    )
    missing = draws.beyond_others(own, [none], np.arange(12), LEVEL)
    assert missing.estimate is None and missing.reason == draws.NONE


def test_draws_that_are_all_alike_leave_the_error_that_frames_have():
    own = intervals.weighted_mean(np.random.default_rng(6).standard_normal(12))
    alone = intervals.estimate(own, np.arange(12), LEVEL)
    found = draws.with_draws(alone, np.full(4, 0.3), LEVEL)
    assert found.interval == pytest.approx(alone.interval) and found.freedom == pytest.approx(11)
    exact = draws.with_draws(intervals.estimate(lambda w: 0 * w[..., 0], np.arange(12), LEVEL), np.zeros(4), LEVEL)
    assert exact.interval == (0, 0)

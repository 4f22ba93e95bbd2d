"""Half-samples have the spread of samples: closed forms, the jackknife's, and coverage of numbers that step."""

import numpy as np
import pytest

from minetest_interp.analysis import half_samples, intervals
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import verdicts
from minetest_interp.claims.verdicts import Rule

LEVEL = Level(least_clusters=5)


@pytest.mark.parametrize("count", [2, 3, 8, 9, 30, 31, 57])
def test_each_half_has_as_many_clusters_as_are_left_out(count):
    weights = half_samples.weights(count)
    assert set(np.unique(weights)) <= {0, 1, 2}
    np.testing.assert_array_equal(weights.sum(1), count)
    assert ((weights == 1).sum(1) == count % 2).all()


@pytest.mark.parametrize("count", [2, 3, 6, 9, 15, 16])
def test_all_pairings_give_a_mean_the_variance_that_is_known_on_paper(count):
    values = np.random.default_rng(count).standard_normal(count)
    found = half_samples.variance(intervals.weighted_mean(values), np.arange(count))
    assert found == pytest.approx(values.var(ddof=1) / count)


@pytest.mark.parametrize("count", [40, 61])
def test_some_pairings_come_close_to_it(count):
    values = np.random.default_rng(count).standard_normal(count)
    found = half_samples.variance(intervals.weighted_mean(values), np.arange(count))
    assert found == pytest.approx(values.var(ddof=1) / count, rel=0.15)


def test_a_smooth_statistic_has_nearly_the_jackknife_s_interval():
    generator = np.random.default_rng(3)
    x = generator.standard_normal(120)
    statistic = intervals.weighted_correlation(x, x + generator.standard_normal(120))
    clusters = np.arange(120) // 2
    one = intervals.estimate(statistic, clusters, LEVEL, chance=0.0, scale="correlation")
    other = half_samples.stepping_estimate(statistic, clusters, LEVEL, chance=0.0, scale="correlation")
    assert (one.n, one.clusters, one.estimate, one.chance) == (other.n, other.clusters, other.estimate, other.chance)
    assert other.error == pytest.approx(one.error, rel=0.15)


def beyond(values, threshold):
    """Whether each channel's mean over frames `[N, C]` lies beyond a threshold, as a statistic."""
    return lambda weights: weights @ values / weights.sum(-1, keepdims=True) > threshold


def test_intervals_of_a_share_of_channels_hold_the_truth_as_often_as_they_say():
    """The channels are always the same; each draw sees 40 frames, on which they have a disturbance in common too."""
    generator = np.random.default_rng(0)
    centres = generator.standard_normal(200)
    held = []
    for _ in range(120):
        common, own = generator.standard_normal((40, 1)), generator.standard_normal((40, 200))
        holds = beyond(centres + common + own, 0.3)
        found = half_samples.share_of_channels(holds, np.arange(40), 200, LEVEL)
        held.append(found.interval[0] <= (centres > 0.3).mean() <= found.interval[1])
    assert 0.89 <= np.mean(held) <= 0.99


def test_channels_that_count_as_drawn_widen_the_interval_to_that_of_their_number():
    values = np.where(np.arange(64) < 16, 10.0, -10.0) + np.zeros((30, 1))
    holds, clusters = beyond(values, 0), np.arange(30)
    fixed = half_samples.share_of_channels(holds, clusters, 64, LEVEL, chance=0.5)
    drawn = half_samples.share_of_channels(holds, clusters, 64, LEVEL, chance=0.5, drawn=True)
    assert fixed.estimate == drawn.estimate == 0.25 and fixed.interval == (0.25, 0.25)
    assert drawn.error == pytest.approx(1 / 16)
    assert drawn.interval == pytest.approx((0.148, 0.367), abs=0.005)  # of a binomial share: .15 to .37
    assert (drawn.n, drawn.clusters) == (30, 30)


@pytest.mark.parametrize("share", [0, 1])
def test_no_channel_and_all_of_them_are_no_certainty(share):
    holds = beyond(np.full((30, 20), share - 0.5), 0)
    found = half_samples.share_of_channels(holds, np.arange(30), 20, LEVEL, drawn=True)
    low, high = sorted(abs(bound - share) for bound in found.interval)
    assert low == 0 and 0.03 < high < 0.2


@pytest.mark.parametrize("holds", [False, True])
def test_of_this_network_s_channels_a_share_on_which_all_halves_agree_is_certain(holds):
    found = half_samples.share_of_channels(
        lambda weights: np.full((*weights.shape[:-1], 5), holds), np.arange(20), 5, Level()
    )
    assert found.interval == (float(holds), float(holds))


def test_few_clusters_have_no_interval_and_a_single_one_no_error():
    holds = beyond(np.random.default_rng(0).standard_normal((4, 6)), 0)
    assert half_samples.share_of_channels(holds, np.arange(4), 6, LEVEL).interval is None
    assert half_samples.share_of_channels(holds, np.zeros(4, int), 6, LEVEL).error is None


def counted(counts):
    """A number of channels that lie far from the threshold, and of some that lie near it."""
    sure, near = counts
    generator = np.random.default_rng(1)
    values = np.concatenate(
        [np.full((40, sure), 9.0), generator.standard_normal((40, near)), np.full((40, 9), -9.0)], 1
    )
    return half_samples.number(lambda weights: beyond(values, 0)(weights).sum(-1).astype(float), np.arange(40), LEVEL)


@pytest.mark.parametrize(
    ("counts", "least", "most"),
    [
        ((1, 0), verdicts.SUPPORTED, verdicts.SUPPORTED),
        ((0, 0), verdicts.CONTRADICTED, verdicts.SUPPORTED),
        ((2, 0), verdicts.SUPPORTED, verdicts.CONTRADICTED),
        ((9, 9), verdicts.SUPPORTED, verdicts.CONTRADICTED),
    ],
)
@pytest.mark.parametrize("matters", [0.1, 0.4])
def test_a_number_is_one_where_its_interval_is_from_one_to_one(counts, least, most, matters):
    found = counted(counts)
    assert verdicts.judge(found, Rule(0.5, matters)).verdict == least
    assert verdicts.judge(found, Rule(1.5, matters, direction="below")).verdict == most


def test_a_number_that_some_halves_lose_is_not_known_to_be_one():
    found = counted((0, 3))
    assert verdicts.judge(found, Rule(1.5, 0.4, direction="below")).verdict == verdicts.UNKNOWN


def test_a_statistic_is_computed_once_for_the_same_weights():
    asked = []
    statistic = half_samples.remember(lambda weights: asked.append(len(weights)) or weights.sum(-1))
    for size in (2, 3, 2, 3):
        assert statistic(np.ones((size, 4))).tolist() == [4.0] * size
    assert asked == [2, 3]

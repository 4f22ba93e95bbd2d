"""Intervals cover the truth as often as they say, also where frames come in near-duplicates; p-values are uniform."""

import numpy as np
import pytest
import scipy.stats

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Bootstrap

CLUSTERS, DRAWS = 56, 1000
SIZES, SHARES = (1, 2, 3, 4), (0.86, 0.1, 0.03, 0.01)  # of clusters, as among the published screenshots


def clustered(generator, clusters):
    """Two variables of correlation .6, standard normal, in which 70 % of the variance is shared within a cluster."""

    def variable():
        shared = generator.standard_normal(clusters.max() + 1)[clusters]
        return np.sqrt(0.7) * shared + np.sqrt(0.3) * generator.standard_normal(len(clusters))

    x = variable()
    return x, 0.6 * x + 0.8 * variable()


STATISTICS = {
    "mean": (lambda x, y: intervals.weighted_mean(x + 1), 1.0),
    "share": (lambda x, y: intervals.weighted_mean(x < scipy.stats.norm.ppf(0.7)), 0.7),
    "correlation": (intervals.weighted_correlation, 0.6),
    "ratio": (lambda x, y: intervals.weighted_ratio(y**2, x**2 + y**2), 0.5),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_ninety_five_percent_intervals_contain_the_truth_in_93_to_97_percent_of_1000_draws(name):
    build, truth = STATISTICS[name]
    generator, bootstrap, hits = np.random.default_rng(7), Bootstrap(resamples=1000), 0
    for _ in range(DRAWS):
        clusters = np.repeat(np.arange(CLUSTERS), generator.choice(SIZES, CLUSTERS, p=SHARES))
        low, high = intervals.estimate(build(*clustered(generator, clusters)), clusters, bootstrap).interval
        hits += low <= truth <= high
    assert 0.93 <= hits / DRAWS <= 0.97


def test_intervals_that_ignore_the_clusters_would_not():
    generator, bootstrap, hits = np.random.default_rng(7), Bootstrap(resamples=500), 0
    for _ in range(200):
        clusters = np.repeat(np.arange(CLUSTERS), 3)
        low, high = intervals.estimate(
            intervals.weighted_mean(clustered(generator, clusters)[0]), np.arange(len(clusters)), bootstrap
        ).interval
        hits += low <= 0 <= high
    assert hits / 200 < 0.9


def test_p_values_are_uniform_under_the_null():
    generator = np.random.default_rng(3)
    observed, null = generator.standard_normal(2000), generator.standard_normal((499, 2000))
    p = intervals.exceedance(observed, null)
    assert p.min() >= 1 / 500 and p.max() <= 1
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01
    assert intervals.exceedance(np.array([9.0]), null[:, :1]) == 1 / 500


@pytest.mark.parametrize("name", STATISTICS)
def test_a_weight_counts_a_frame_that_often(name):
    generator = np.random.default_rng(1)
    x, y = clustered(generator, np.arange(20))
    times = generator.integers(0, 4, 20)
    build, _ = STATISTICS[name]
    repeated = build(np.repeat(x, times), np.repeat(y, times))(np.ones(times.sum()))
    np.testing.assert_allclose(build(x, y)(times.astype(float)), repeated, rtol=1e-10)


def test_statistics_agree_with_numpy_and_scipy():
    generator = np.random.default_rng(2)
    x, y, ones = generator.standard_normal(30), generator.standard_normal(30), np.ones(30)
    assert intervals.weighted_mean(x)(ones) == pytest.approx(x.mean())
    assert intervals.weighted_correlation(x, y)(ones) == pytest.approx(scipy.stats.pearsonr(x, y).statistic)
    assert np.isnan(intervals.weighted_correlation(x, ones)(ones))


def test_auroc_counts_pairs_and_carries_the_weight_of_each_samples_frame():
    generator = np.random.default_rng(4)
    frame = np.repeat(np.arange(6), 5)
    scores, positive = generator.integers(0, 6, 30).astype(float), generator.random(30) < 0.4
    times = np.array([0, 1, 2, 1, 3, 1])
    index = np.repeat(np.arange(30), times[frame])
    plus, minus = scores[index][positive[index]], scores[index][~positive[index]]
    pairs = (plus[:, None] > minus) + 0.5 * (plus[:, None] == minus)
    assert intervals.weighted_auroc(scores, positive, frame)(times.astype(float)) == pytest.approx(pairs.mean())


def test_near_duplicates_are_chains_of_similar_frames():
    generator = np.random.default_rng(5)
    a, b = generator.uniform(0, 255, (2, 8, 8))
    near = [a, 2 * a + 3, b, a + 5 * generator.standard_normal((8, 8)), np.full((8, 8), 9.0), np.full((8, 8), 9.0)]
    assert intervals.near_duplicates(np.array(near), similarity=0.9).tolist() == [0, 0, 1, 0, 2, 3]
    steps = np.array([a + t * (b - a) for t in np.linspace(0, 1, 9)])
    assert np.corrcoef(steps[0].ravel(), steps[-1].ravel())[0, 1] < 0.5
    assert set(intervals.near_duplicates(steps, similarity=0.9)) == {0}


def test_halves_keep_clusters_whole():
    clusters = np.array([0, 0, 1, 2, 1, 3])
    first, second = intervals.cluster_halves(clusters)
    assert not set(clusters[first]) & set(clusters[second]) and (first | second).all()


def test_a_share_without_exception_has_the_exact_binomial_interval():
    found = intervals.estimate(intervals.weighted_mean(np.ones(60)), np.arange(60) // 2, Bootstrap(), share=True)
    low = 0.025 ** (1 / 30)  # Clopper and Pearson: low^n = 2.5 % for n of n
    assert found.interval == pytest.approx((low, 1.0))


def test_there_is_no_interval_where_frames_are_too_few_or_the_statistic_undefined():
    few = intervals.estimate(intervals.weighted_mean(np.arange(9.0)), np.arange(9), Bootstrap(least_clusters=10))
    assert few.estimate == 4 and few.interval is None and few.clusters == 9
    same = intervals.estimate(intervals.weighted_correlation(np.ones(20), np.arange(20.0)), np.arange(20), Bootstrap())
    assert same.estimate is None and same.interval is None
    nothing = intervals.estimate(intervals.weighted_mean(np.array([])), np.array([], int), Bootstrap())
    assert nothing.n == 0 and nothing.estimate is None


def test_what_no_resampling_changes_is_certain_and_a_rank_has_percentiles():
    certain = intervals.estimate(intervals.weighted_mean(np.zeros(20)), np.arange(20), Bootstrap())
    assert certain.interval == (0, 0)
    values = np.arange(200.0)

    def rank(weights):  # leaving out one frame moves the mean, 99.5, by no more than .5
        return np.searchsorted([80.3, 95.3, 110.3], weights @ values / weights.sum(-1)).astype(float)

    found = intervals.estimate(rank, np.arange(200), Bootstrap())
    assert found.estimate == 2 and found.interval == (1, 2)


def test_the_same_seed_gives_the_same_interval_however_clusters_are_numbered():
    x = np.random.default_rng(0).standard_normal(40)
    one = intervals.estimate(intervals.weighted_mean(x), np.arange(40), Bootstrap(seed=1))
    assert one == intervals.estimate(intervals.weighted_mean(x), 7 * np.arange(40), Bootstrap(seed=1))
    assert one != intervals.estimate(intervals.weighted_mean(x), np.arange(40), Bootstrap(seed=2))

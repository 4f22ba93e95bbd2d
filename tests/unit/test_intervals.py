"""Intervals cover the truth as often as they say, also where frames come in near-duplicates; p-values are uniform."""

import numpy as np
import pytest
import scipy.stats

from minetest_interp.analysis import intervals
from minetest_interp.analysis.intervals import Level

LEVEL, DRAWS = Level(), 1000
SIZES, SHARES = (1, 2, 3, 4), (0.86, 0.1, 0.03, 0.01)  # of clusters, as among the published screenshots


def clustered(generator, clusters):
    """Two variables of correlation .6, standard normal, in which 70 % of the variance is shared within a cluster."""

    def variable():
        shared = generator.standard_normal(clusters.max() + 1)[clusters]
        return np.sqrt(0.7) * shared + np.sqrt(0.3) * generator.standard_normal(len(clusters))

    x = variable()
    return x, 0.6 * x + 0.8 * variable()


def partial(x, y):
    """Correlation of x and y given z, of which both have a share."""
    z = np.cos(1e4 * x)  # as good as independent of x
    return intervals.weighted_partial_correlation(x + z, y + z, [z])


STATISTICS = {  # build, truth, scale
    "mean": (lambda x, y: intervals.weighted_mean(x + 1), 1.0, "plain"),
    "size": (lambda x, y: intervals.weighted_mean(np.abs(x)), np.sqrt(2 / np.pi), "ratio"),
    "share": (lambda x, y: intervals.weighted_mean(x < scipy.stats.norm.ppf(0.7)), 0.7, "share"),
    "correlation": (intervals.weighted_correlation, 0.6, "correlation"),
    "partial correlation": (partial, 0.6, "correlation"),
    "fraction": (lambda x, y: intervals.weighted_ratio(y**2, x**2 + y**2), 0.5, "fraction"),
    "symmetry": (lambda x, y: intervals.weighted_ratio((x - y) ** 2, 2 * (x**2 + y**2)), 0.2, "fraction"),
    "ratio": (lambda x, y: intervals.weighted_ratio(np.abs(y), np.abs(x)), 1.0, "ratio"),
    "auroc": (
        lambda x, y: intervals.weighted_auroc(x, y > 0, np.arange(len(x))),
        0.5 + 2 / np.pi * np.arcsin(0.6 / np.sqrt(2)),
        "share",
    ),
}
COUNTS = (30, 56)  # clusters; with fewer, coverage is .92 to .98 (docs/claims.md)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", STATISTICS)
def test_ninety_five_percent_intervals_contain_the_truth_in_93_to_97_percent_of_1000_draws(name, count):
    build, truth, scale = STATISTICS[name]
    generator, hits = np.random.default_rng(7), 0
    for _ in range(DRAWS):
        clusters = np.repeat(np.arange(count), generator.choice(SIZES, count, p=SHARES))
        found = intervals.estimate(build(*clustered(generator, clusters)), clusters, LEVEL, scale=scale)
        hits += found.interval[0] <= truth <= found.interval[1]
    assert 0.93 <= hits / DRAWS <= 0.97


def test_intervals_that_ignore_the_clusters_would_not():
    generator, hits = np.random.default_rng(7), 0
    for _ in range(200):
        clusters = np.repeat(np.arange(56), 3)
        low, high = intervals.estimate(
            intervals.weighted_mean(clustered(generator, clusters)[0]), np.arange(len(clusters)), LEVEL
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
    build, *_ = STATISTICS[name]
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
    found = intervals.estimate(intervals.weighted_mean(np.ones(60)), np.arange(60) // 2, Level(), scale="share")
    low = 0.025 ** (1 / 30)  # Clopper and Pearson: low^n = 2.5 % for n of n
    assert found.interval == pytest.approx((low, 1.0))
    assert found.p_value(0.5) == pytest.approx(2 * 0.5**30) and found.p_value(1.0) == 1


def test_there_is_no_interval_where_frames_are_too_few_or_the_statistic_undefined():
    few = intervals.estimate(intervals.weighted_mean(np.arange(9.0)), np.arange(9), Level(least_clusters=10))
    assert few.estimate == 4 and few.interval is None and few.clusters == 9
    same = intervals.estimate(intervals.weighted_correlation(np.ones(20), np.arange(20.0)), np.arange(20), Level())
    assert same.estimate is None and same.interval is None
    nothing = intervals.estimate(intervals.weighted_mean(np.array([])), np.array([], int), Level())
    assert nothing.n == 0 and nothing.estimate is None


@pytest.mark.parametrize(("scale", "low"), [("correlation", -1), ("share", 0), ("fraction", 0)])
def test_what_rounding_puts_beyond_the_end_of_a_scale_is_at_its_end(scale, low):
    of, ends = intervals.SCALES[scale], np.array([low, 1.0])
    beyond = of.to(ends + np.array([-1e-12, 1e-12]))
    assert np.isfinite(beyond).all()
    np.testing.assert_allclose(beyond, of.to(ends))
    np.testing.assert_allclose(of.back(beyond), ends, atol=1e-8)


def test_what_no_frame_changes_is_certain():
    certain = intervals.estimate(intervals.weighted_mean(np.zeros(20)), np.arange(20), LEVEL)
    assert certain.interval == (0, 0) and certain.p_value(0.0) == 1 and certain.p_value(0.1) == 0


@pytest.mark.parametrize("n", [1, 2, 30])
def test_what_is_computed_from_all_there_is_has_no_width_however_little_that_is(n):
    certain = intervals.exact(0.3, n=n)
    assert certain.at(0.95) == certain.at(0.5) == (0.3, 0.3)
    assert certain.p_value(0.3) == 1 and certain.p_value(0.31) == 0


def test_without_one_of_its_clusters_a_statistic_may_not_be_defined():
    pairs = intervals.weighted_ratio(np.arange(12.0), np.arange(12) == 5)  # one frame is divided by
    found = intervals.estimate(pairs, np.arange(12), LEVEL)
    assert found.estimate == 66 and found.interval is None and found.p_value(0.0) is None


def test_an_interval_does_not_depend_on_how_clusters_are_numbered_nor_on_frames_that_are_repeated():
    x = np.random.default_rng(0).standard_normal(40)
    one = intervals.estimate(intervals.weighted_mean(x), np.arange(40), LEVEL)
    assert one == intervals.estimate(intervals.weighted_mean(x), 7 * np.arange(40), LEVEL)
    twice = intervals.estimate(intervals.weighted_mean(np.tile(x, 2)), np.tile(np.arange(40), 2), LEVEL)
    assert twice.interval == pytest.approx(one.interval) and (twice.n, twice.clusters) == (80, 40)


def test_the_interval_of_a_mean_is_students_and_its_p_value_that_of_the_t_test():
    x = np.random.default_rng(1).standard_normal(25)
    found, known = (
        intervals.estimate(intervals.weighted_mean(x), np.arange(25), LEVEL),
        scipy.stats.ttest_1samp(x, 0.2),
    )
    assert found.interval == pytest.approx(tuple(known.confidence_interval(0.95)))
    assert found.at(0.9) == pytest.approx(tuple(known.confidence_interval(0.9)))
    assert found.p_value(0.2) == pytest.approx(known.pvalue)


@pytest.mark.parametrize("name", STATISTICS)
def test_the_p_value_is_five_percent_at_the_bounds_of_the_interval(name):
    build, _, scale = STATISTICS[name]
    x, y = clustered(np.random.default_rng(2), np.arange(30))
    found = intervals.estimate(build(x, y), np.arange(30), LEVEL, scale=scale)
    assert [found.p_value(bound) for bound in found.interval] == pytest.approx([0.05, 0.05])


def test_very_many_clusters_are_left_out_in_groups():
    x = np.random.default_rng(3).standard_normal(3000)
    found = intervals.estimate(intervals.weighted_mean(x), np.arange(3000), LEVEL)
    assert found.freedom == 499  # docs/claims.md says that beyond 500 clusters so many groups are left out
    assert found.error == pytest.approx(x.std(ddof=1) / np.sqrt(3000), rel=0.1)


def test_partial_correlation_is_that_of_residuals():
    generator = np.random.default_rng(4)
    z, w = generator.standard_normal((2, 50))
    x, y, ones = z + generator.standard_normal(50), w - z + generator.standard_normal(50), np.ones(50)
    design = np.stack([z, w, ones], 1)
    left = [values - design @ np.linalg.lstsq(design, values)[0] for values in (x, y)]
    partial = intervals.weighted_partial_correlation(x, y, [z, w])
    assert partial(ones) == pytest.approx(np.corrcoef(left)[0, 1])
    assert intervals.weighted_partial_correlation(x, y, [])(ones) == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert np.isnan(intervals.weighted_partial_correlation(x, ones, [z])(ones))
    for sign in (1, -1):  # a correlation that is perfect leaves no inverse of the matrix of all
        for given in ([], [z], [z, w, z + w]):
            assert intervals.weighted_partial_correlation(x, sign * x, given)(ones) == pytest.approx(sign)
    assert np.isnan(intervals.weighted_partial_correlation(x, z, [z, w])(ones))

import numpy as np
import scipy.stats
import sklearn.metrics.pairwise

from minetest_interp.analysis import stats


def test_similarities_and_correlations_equal_the_libraries():
    generator = np.random.default_rng(0)
    vectors, direction = generator.standard_normal((5, 7)), generator.standard_normal(7)
    expected = sklearn.metrics.pairwise.cosine_similarity(vectors, direction[None])[:, 0]
    np.testing.assert_allclose(stats.cosine_similarity(vectors, direction), expected, atol=1e-12)
    expected = scipy.stats.pearsonr(vectors[0], vectors[1]).statistic
    np.testing.assert_allclose(stats.correlation(vectors[0], vectors[1]), expected, atol=1e-12)


def test_what_does_not_vary_has_no_correlation_and_no_direction():
    assert np.isnan(stats.correlation(np.ones(4), np.arange(4)))
    np.testing.assert_array_equal(stats.cosine_similarity(np.zeros((2, 3)), np.ones(3)), [0, 0])


def test_zero_is_neither_sign():
    assert stats.sign_changes(np.array([1, -1, 0, 2]), np.array([-1, -1, 1, -3])) == 0.5


def test_larger_counts_the_other_channels():
    values = np.array([[1.0, 3.0, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(stats.share_larger(values, 2), [2 / 3, 0])
    np.testing.assert_allclose(stats.share_larger(values, 1), [0, 0])

"""Scores against closed forms and independent implementations."""

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from minetest_interp.analysis import stats
from minetest_interp.dreams import scores


def test_z_counts_natural_standard_deviations_and_never_divides_by_none():
    natural = np.array([1.0, 3.0])
    np.testing.assert_allclose(scores.z_score(np.array([2.0, 5.0]), natural), [0, 3])
    assert np.isnan(scores.z_score(np.ones(2), np.full(4, 7.0))).all()


def test_a_wave_is_high_or_low_as_its_frequency_is():
    x = np.arange(64)
    low, high = (np.cos(2 * np.pi * cycles * x / 64)[None].repeat(64, 0) for cycles in (15, 17))
    both = scores.high_frequency(np.stack([low, high, low + high + 9, np.ones((64, 64))]))
    np.testing.assert_allclose(both[:3], [0, 1, 0.5], atol=1e-9)
    assert np.isnan(both[3])


def test_white_noise_has_the_share_of_frequencies_above_the_edge():
    noise = np.random.default_rng(0).standard_normal((40, 64, 64))
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    np.testing.assert_allclose(scores.high_frequency(noise).mean(), (f > 0.25).mean(), atol=0.01)


def test_spearman_is_scipy_s_with_ties():
    generator = np.random.default_rng(1)
    a, b = generator.integers(0, 5, 40), generator.standard_normal(40)
    np.testing.assert_allclose(stats.spearman(a, b), scipy.stats.spearmanr(a, b).statistic)
    assert np.isnan(stats.spearman(np.ones(4), np.arange(4)))


def test_a_path_like_the_real_ones_scores_one_and_its_opposite_minus_one():
    generator = np.random.default_rng(2)
    natural = (1 + generator.random((20, 30))) * 2.0 ** np.arange(30)
    real = natural[:3]
    assert scores.path(real.mean(0), real, natural) == pytest.approx((1, 1))
    opposite = 2 * natural.mean(0) - real.mean(0)
    assert scores.path(opposite, real, natural).standardised == pytest.approx(-1)
    # Without standardising, what all frames have in common earns most of the score: the reason for the second number.
    assert scores.path(natural.mean(0), real, natural).raw > 0.99


def test_the_path_ceiling_leaves_out_the_frame_it_judges():
    natural = np.random.default_rng(3).random((9, 12))
    ceiling = scores.path_ceiling(natural[:2], natural)
    assert ceiling.raw == pytest.approx(stats.spearman(natural[0], natural[1]))


def test_frechet_is_the_closed_form_with_a_matrix_root():
    generator = np.random.default_rng(4)
    a, b = (scores.gaussian(generator.standard_normal((5, 4, 4, 6)) @ generator.standard_normal((6, 6))) for _ in "ab")
    root = scipy.linalg.sqrtm(a.covariance @ b.covariance).real
    expected = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    assert scores.frechet(a, b) == pytest.approx(expected)
    assert scores.frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert scores.frechet(a, a._replace(mean=a.mean + 2)) == pytest.approx(4 * 6)


def test_agreement_ignores_what_the_prior_gives_for_free_and_what_is_not_seen():
    generator = np.random.default_rng(5)
    mean, own = generator.uniform(0, 255, (64, 64)), generator.standard_normal((3, 64, 64))
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    assert abs(scores.agreement(mean + own, mean, mask)) < 0.15
    own[:, mask] = own[0][mask]
    assert scores.agreement(mean + own, mean, mask) == pytest.approx(1)
    assert scores.control_correlation(mean + own, mean - own, mean, mask) == pytest.approx(-1)


def numbered(*numbers):
    return np.array(numbers, np.float32)[:, None, None] * np.ones((4, 4), np.float32)


def test_halves_share_no_frame_and_leave_none_out():
    first, second = scores.halves(numbered(*range(7)))
    assert sorted([*first, *second]) == list(range(7)) and not set(first) & set(second)


def test_of_equal_frames_only_the_first_is_in_a_half():
    frames = numbered(1, 1, 2, 3, 2, 1, 4)
    first, second = scores.halves(frames)
    assert [first.tolist(), second.tolist()] == [[0, 3], [2, 6]]
    scores.check_apart(frames[first], frames[second])


@pytest.mark.parametrize(("numbers", "different"), [([1], 1), ([1, 2, 3], 3), ([1, 2, 1, 2, 1], 2), ([3, 3, 3, 3], 1)])
def test_fewer_than_four_different_frames_are_not_halved(numbers, different):
    assert scores.why_no_halves(numbered(*numbers)).endswith(f"this study has {different}")
    assert scores.why_no_halves(numbered(*numbers, 5, 6, 7)) is None

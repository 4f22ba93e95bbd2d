"""Directions of a layer, and how active channels are, against plain numpy on all activations at once."""

import numpy as np
import pytest

from minetest_interp.analysis import directions, interventions, stats
from minetest_interp.analysis.activity import activity
from minetest_interp.io.errors import InputError
from minetest_interp.model.policy import Geometry
from tests.conftest import random_policy
from tests.samples import smooth_frames

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
GREYS = smooth_frames(24, SMALL.size)


@pytest.fixture(scope="module")
def policy():
    return random_policy(SMALL, seed=3, gain=50.0)


def activation(policy, layer):
    return np.asarray(policy.run(np.repeat(GREYS[:, None], SMALL.frames, 1)).layers[layer], np.float64)


def test_combined_activations_are_sums_by_weights(policy, monkeypatch):
    monkeypatch.setattr(interventions, "CHUNK", 10)
    weights = np.random.default_rng(0).standard_normal((2, 24))
    expected = np.tensordot(weights, activation(policy, "conv1"), 1)
    found = directions.combined(policy, "conv1", GREYS, weights)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_activity_is_the_mean_and_deviation_of_what_the_relu_leaves(policy, monkeypatch):
    monkeypatch.setattr(interventions, "CHUNK", 10)
    passed = np.maximum(activation(policy, "conv1"), 0).reshape(-1, 5)
    scale = passed.max()
    np.testing.assert_allclose(
        activity(policy, "conv1", GREYS) / scale, np.stack([passed.mean(0), passed.std(0)]) / scale, atol=1e-5
    )


def test_darker_left_is_a_difference_of_two_means():
    difference = np.array([-3, -1, 0, 2, 5, 1.0])
    np.testing.assert_allclose(directions.darker_left(difference, least=2), [1 / 2, 1 / 2, 0, -1 / 3, -1 / 3, -1 / 3])
    with pytest.raises(InputError, match="2 darker on the left, 3 on the right"):
        directions.darker_left(difference, least=3)


def test_the_side_given_brightness_is_what_was_planted_and_brightness_alone_is_none():
    generator = np.random.default_rng(1)
    position = np.r_[generator.uniform(-1, 1, 40), np.nan, 0.1]
    side = -np.sign(position)
    difference = generator.standard_normal(42) - 2 * np.nan_to_num(side)
    weights = directions.side_given(position, difference)
    assert not weights[-2:].any() and weights.sum() == pytest.approx(0)
    known = np.nan_to_num(side)
    assert weights @ (3 * known + 5 * difference + 7) == pytest.approx(6)  # left less right
    assert weights @ difference == pytest.approx(0, abs=1e-9)


def test_without_is_orthogonal_and_only_takes_away_what_lies_along():
    vector, direction = np.random.default_rng(2).standard_normal((2, 3, 4, 5))
    left = directions.without(vector, direction)
    assert (left * direction).sum() == pytest.approx(0, abs=1e-9)
    along = stats.cosine_similarity((vector - left).reshape(1, -1), direction.ravel())
    assert along == pytest.approx(np.sign((vector * direction).sum()))
    np.testing.assert_array_equal(directions.without(vector, 0 * direction), vector)

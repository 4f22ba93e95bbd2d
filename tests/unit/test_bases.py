"""Bases of activations: what is planted is found; units win where they are the features and lose where they are not."""

import numpy as np
import pytest

from minetest_interp.analysis import bases, picture_features
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import bases as claim
from minetest_interp.model.labels import NO_LABELS
from minetest_interp.model.policy import Geometry
from tests.conftest import random_policy

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
NETWORK = random_policy(SMALL).architecture
FRAMES, CHANNELS = 40, 12
OPTIONS = {"concept_share": 0.1, "rotations": 3, "penalty": 0.1, "seed": 0, "level": Level(least_clusters=5)}


def sparse(samples: int, count: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.exponential(size=(samples, count)) * (generator.random((samples, count)) < 0.15)


def test_random_bases_are_orthogonal_and_differ():
    found = bases.rotations(9, count=4, seed=1)
    np.testing.assert_allclose(found @ found.transpose(0, 2, 1), np.broadcast_to(np.eye(9), (4, 9, 9)), atol=1e-12)
    assert np.abs(np.diff(found, axis=0)).max((1, 2)).min() > 0.1


def test_codes_of_an_orthogonal_basis_are_its_thresholded_projections():
    samples = np.random.default_rng(2).standard_normal((30, 9))
    [basis] = bases.rotations(9, count=1, seed=1)
    for penalty in (0.0, 0.3):
        found = bases.codes(samples, basis, penalty=penalty)
        np.testing.assert_allclose(found, np.maximum(samples @ basis.T - penalty, 0), atol=1e-9)


def test_codes_meet_the_conditions_of_the_minimum():
    directions = np.abs(np.random.default_rng(3).standard_normal((6, 9)))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    samples = sparse(50, 6) @ directions
    found = bases._improved(np.zeros((50, 6)), samples, directions, 0.05, steps=3000)
    slope = (found @ directions - samples) @ directions.T + 0.05
    assert (found >= 0).all() and slope.min() > -1e-3 and np.abs(slope[found > 0]).max() < 1e-3


def test_a_dictionary_finds_the_directions_that_samples_are_made_of():
    directions = np.abs(np.random.default_rng(4).standard_normal((8, 20))) ** 3
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    found = bases.dictionary(sparse(1500, 8) @ directions, count=8, penalty=0.05, seed=0)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-9)
    assert (found >= 0).all() and (directions @ found.T).max(1).min() > 0.9


def test_sparseness_is_what_it_is_on_paper():
    first = np.arange(4) < 2
    responses = np.zeros((4, 25, 4))
    responses[2, 0, 0] = 5  # one sample of 50 alone
    responses[..., 1] = 3 * np.sign(np.arange(25) % 2 - 0.5)  # of one size, whatever the sign
    responses[..., 2] = 8  # no different anywhere
    responses[..., 3] = np.random.default_rng(0).standard_normal((4, 25))
    found = bases.sparsity(responses, first)(np.ones(2))
    half = np.abs(responses[2:, :, 1] - np.median(responses[:2, :, 1]))
    assert found[0] == pytest.approx(1 - 1 / 50) and found[2] == 0
    assert found[1] == pytest.approx(1 - half.mean() ** 2 / (half**2).mean())
    weights = np.array([3.0, 1.0])
    sizes = np.abs(responses[2:, :, 3] - np.median(responses[:2, :, 3]))
    mean, square = (weights @ each.mean(1) / 4 for each in (sizes, sizes**2))
    assert bases.sparsity(responses, first)(weights)[3] == pytest.approx(1 - mean**2 / square)


def test_the_typical_length_is_the_root_of_the_mean_square():
    assert bases.typical_length(np.array([[3.0, 4.0], [0.0, 0.0]])) == pytest.approx(np.sqrt(25 / 2))


def planted(turn: bool, seed: int = 5):
    """Activations of which one unit, or the mean of all, is the share of a concept in the field; and masks."""
    generator = np.random.default_rng(seed)
    rows, columns, _ = NETWORK.shape("conv1")
    shown = generator.random(FRAMES) < 0.5
    share = np.zeros((FRAMES, 84, 84), np.float32)
    share[shown, :, : 84 // 2] = 1
    features = sparse(FRAMES * rows * columns, CHANNELS, seed).reshape(FRAMES, rows, columns, CHANNELS)
    held = picture_features.field_means(share, NETWORK, "conv1").reshape(FRAMES, rows, columns)
    features[..., 0] = held + 0.02 * generator.random(held.shape)
    if turn:  # spread evenly over all units, each with its own noise
        features = held[..., None] + 3 * generator.random((*held.shape, CHANNELS))
    return features.astype(np.float32), np.arange(FRAMES), {"trunk": share}


def test_units_win_against_random_directions_where_they_are_the_features():
    made = claim.compare(NETWORK, "conv1", *planted(False), **OPTIONS)
    parts = made.estimates["axis-aligned"]
    assert list(parts) == list(claim.PARTS)
    assert parts["random"].interval[0] > 0 and parts["sparsity-random"].interval[0] > 0
    assert parts["nmf"].estimate < 0.05  # the factors of independent units are these
    assert made.arrays["bases/auroc"].shape == (4, 1) and made.arrays["bases/auroc"][0, 0] > 0.95


def test_a_unit_that_falls_with_a_concept_knows_it_as_well_as_one_that_rises():
    activation, clusters, shares = planted(False)
    activation[..., 0] = activation[..., 0].max() - activation[..., 0]
    made = claim.compare(NETWORK, "conv1", activation, clusters, shares, **OPTIONS)
    assert made.arrays["bases/auroc"][0, 0] > 0.95


def test_units_lose_against_directions_where_a_concept_is_spread_over_all():
    parts = claim.compare(NETWORK, "conv1", *planted(True), **OPTIONS).estimates["axis-aligned"]
    assert parts["random"].interval[1] < 0 and parts["sparsity-dictionary"].interval[1] < 0


def test_without_labels_only_sparseness_is_known_and_dead_layers_say_so():
    activation, clusters, _ = planted(False)
    parts = claim.compare(NETWORK, "conv1", activation, clusters, {}, **OPTIONS).estimates["axis-aligned"]
    assert {parts[kind].reason for kind in claim.OTHERS} == {NO_LABELS}
    assert all(parts[f"sparsity-{kind}"].interval for kind in claim.OTHERS)
    parts = claim.compare(NETWORK, "conv1", 0 * activation, clusters, {}, **OPTIONS).estimates["axis-aligned"]
    assert {part.reason for part in parts.values()} == {claim.NONE_ON}


def test_sparseness_is_the_mean_over_all_directions_and_its_interval_has_a_width():
    activation, clusters, _ = planted(False)
    made = claim.compare(NETWORK, "conv1", activation, clusters, {}, **OPTIONS | {"rotations": 3})
    means = {kind: made.arrays[f"sparsity/{kind}"].mean() for kind in (claim.UNITS, *claim.OTHERS)}
    for kind in claim.OTHERS:
        part = made.estimates["axis-aligned"][f"sparsity-{kind}"]
        assert part.estimate == pytest.approx(means[claim.UNITS] - means[kind])
        assert part.interval[0] < part.estimate < part.interval[1]


def test_a_concept_that_one_half_lacks_is_not_asked_about():
    activation, clusters, shares = planted(False)
    shares["trunk"][clusters % 2 == 1] = 0
    parts = claim.compare(NETWORK, "conv1", activation, clusters, shares, **OPTIONS).estimates["axis-aligned"]
    assert {parts[kind].reason for kind in claim.OTHERS} == {claim.ONE_SIDED}

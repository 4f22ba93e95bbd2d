"""Oriented gradients: kernels whose answer is known, and the whole test again in a few lines of numpy."""

import jax.numpy as jnp
import numpy as np
import pytest

from minetest_interp.analysis import edges, intervals
from minetest_interp.claims import units
from minetest_interp.model import steps
from minetest_interp.model.architecture import Architecture, Layer
from minetest_interp.model.policy import Geometry, Policy
from minetest_interp.model.steps import Convolution, Dense, Extent, Scale
from tests.conftest import random_policy
from tests.samples import smooth_frames

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
SIZE, STRIDE = 8, 4
SEEN = (Extent(SIZE, STRIDE),) * 2


@pytest.fixture(scope="module")
def greys() -> np.ndarray:
    return smooth_frames(12, SMALL.size)


def responses(greys: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """One kernel at every position of every frame, `[N, positions]`, window by window."""
    starts = range(0, greys.shape[1] - SIZE + 1, STRIDE)
    windows = np.array([greys[:, y : y + SIZE, x : x + SIZE] for y in starts for x in starts], float)
    return (windows * kernel).sum((2, 3)).T


def filters() -> np.ndarray:
    return np.concatenate([edges.templates(SIZE, SIZE), edges.mean_filter(SIZE, SIZE)])


@pytest.mark.parametrize("size", [2, 5, 8])
def test_templates_have_no_mean_and_unit_length_and_differ(size):
    templates = edges.templates(size, size)
    np.testing.assert_allclose(templates.sum((1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose((templates**2).sum((1, 2)), 1)
    assert templates.shape == (len(edges.ANGLES) * len(edges.SIGMAS), size, size)


def test_a_template_answers_most_to_a_ramp_along_its_own_angle():
    y, x = np.mgrid[:SIZE, :SIZE]
    templates = edges.templates(SIZE, SIZE).reshape(len(edges.SIGMAS), len(edges.ANGLES), -1)
    for i, angle in enumerate(np.deg2rad(edges.ANGLES)):
        answers = templates @ (x * np.cos(angle) + y * np.sin(angle)).ravel()
        assert (answers.argmax(1) == i).all()


def test_the_share_of_a_template_is_one_and_of_a_flat_kernel_none():
    templates = edges.templates(SIZE, SIZE)
    flat = np.ones((1, SIZE, SIZE))
    kernels = np.concatenate([-3 * templates[[7]], flat, 0 * flat, templates[[7]] + flat / SIZE])
    np.testing.assert_allclose(edges.kernel_share(kernels, templates), [1, 0, 0, 0.5], atol=1e-12)


def test_shuffled_pixels_keep_little_of_a_template():
    templates = edges.templates(SIZE, SIZE)
    shuffled = edges.shuffled_share(templates, templates, seed=0)
    assert 0 < shuffled < 0.3 and shuffled == edges.shuffled_share(templates, templates, seed=0)
    assert edges.shuffled_share(np.ones((3, SIZE, SIZE)), templates, seed=0) == pytest.approx(0, abs=1e-12)


def test_a_template_follows_itself_and_a_flat_kernel_brightness_on_any_frames(greys):
    templates = edges.templates(SIZE, SIZE)
    kernels = np.concatenate([2 * templates[[5]], -templates[[20]], np.full((1, SIZE, SIZE), 0.3)])
    sums = edges.moments(greys, kernels, filters(), seen=SEEN)
    found = edges.filter_correlations(sums)
    np.testing.assert_allclose([found[0, 5], found[1, 20], found[2, -1]], [1, -1, 1])
    choice = edges.choose_filters(sums, range(len(templates)))
    np.testing.assert_array_equal(choice.filters[:2], [5, 20])
    np.testing.assert_array_equal(choice.signs[:2], [1, -1])
    np.testing.assert_allclose(edges.following(sums, choice)(np.ones(12))[:2], 1)


def test_correlations_are_those_of_the_network_s_responses(greys):
    policy = random_policy(SMALL)
    activation = np.asarray(policy.run(np.repeat(greys[:, None], SMALL.frames, 1)).layers["conv0"], float)
    found = edges.filter_correlations(edges.moments(greys, edges.still_kernels(policy), filters(), seen=SEEN))
    for number in (0, 17, 48):
        other = responses(greys, filters()[number]).ravel()
        expected = [np.corrcoef(activation[..., c].ravel(), other)[0, 1] for c in range(SMALL.channels[0])]
        np.testing.assert_allclose(found[:, number], expected, atol=1e-5)


def test_of_a_padded_layer_the_positions_whose_window_lies_inside_the_frame_count(greys):
    first = Layer("a", (Scale(7.0), Convolution("a", 3, (5, 6), (2, 3), "SAME")))
    network = Architecture((1, SMALL.size, SMALL.size), (first,), (Dense("actor", 2),))
    random = np.random.default_rng(4)
    params = {"a": {"kernel": random.normal(size=(5, 6, 1, 3)).astype(np.float32), "bias": np.zeros(3, np.float32)}}
    activation = np.asarray(steps.run(first.steps, params, jnp.asarray(greys[:, None])), float)
    places = [p for p in np.ndindex(*network.shape("a")[:2]) if network.box("a", p)[2:] == (5, 6)]
    boxes = [network.box("a", place)[:2] for place in places]
    kernels = edges.still_kernels(Policy(network, params))
    candidates = edges.templates(5, 6)[[3, 20]]
    sums = edges.moments(greys, kernels, candidates, seen=network.extent("a"))
    assert sums.positions == len(places) < np.prod(network.shape("a")[:2])
    for i, template in enumerate(candidates):
        other = [(greys[:, y : y + 5, x : x + 6] * template).sum((1, 2)) for y, x in boxes]
        for c in range(3):
            own = [activation[:, *place, c] for place in places]
            expected = np.corrcoef(np.ravel(own), np.ravel(other))[0, 1]
            assert edges.filter_correlations(sums)[c, i] == pytest.approx(expected, abs=1e-5)


def test_what_one_half_chooses_is_tested_on_the_other_by_its_own_frames(greys):
    kernels = np.random.default_rng(0).standard_normal((4, SIZE, SIZE))
    sums = edges.moments(greys, kernels, filters(), seen=SEEN)
    first = np.arange(12) < 6
    choice = edges.choose_filters(sums.take(first), range(48))
    tested = edges.following(sums.take(~first), choice)(np.ones(6))
    for channel, kernel in enumerate(kernels):
        in_first = [np.corrcoef(responses(greys[:6], kernel).ravel(), responses(greys[:6], f).ravel())[0, 1]
                    for f in filters()[:48]]  # fmt: skip
        best = np.abs(in_first).argmax()
        assert choice.filters[channel] == best and choice.correlation[channel] == pytest.approx(abs(in_first[best]))
        pair = [responses(greys[6:], k).ravel() for k in (kernel, filters()[best])]
        assert tested[channel] == pytest.approx(np.sign(in_first[best]) * np.corrcoef(*pair)[0, 1])


def test_brightness_is_followed_on_a_second_half_of_another_size_than_the_first(greys):
    policy, odd = random_policy(SMALL), greys[:11]
    stacks = {"frames": np.arange(11).astype(str), "original": odd}
    made = units.measure(policy, stacks, None, channels={"conv0": 0}, shuffles=2, similarity=0.9999).arrays
    np.testing.assert_array_equal(made["clusters"], np.arange(11))
    halves = intervals.cluster_halves(made["clusters"])
    assert sorted(half.sum() for half in halves) == [5, 6]
    mean = responses(odd, np.full((SIZE, SIZE), 1 / SIZE**2))
    kernels = np.asarray(policy.params["conv0"]["kernel"], float).sum(2)
    for channel, found in enumerate(made["conv0/brightness/second"]):
        own = responses(odd, kernels[..., channel])
        before, after = (np.corrcoef(own[half].ravel(), mean[half].ravel())[0, 1] for half in halves)
        assert found == pytest.approx(np.sign(before) * after, abs=1e-6)


def test_weights_are_frames_that_come_more_than_once(greys):
    kernels = np.random.default_rng(1).standard_normal((3, SIZE, SIZE))
    sums = edges.moments(greys, kernels, filters(), seen=SEEN)
    choice = edges.choose_filters(sums, [3, 48])
    weights = np.random.default_rng(2).integers(0, 3, (5, 12))
    found = edges.following(sums, choice)(weights.astype(float))
    for row, values in zip(weights, found, strict=True):
        repeated = edges.moments(np.repeat(greys, row, axis=0), kernels, filters(), seen=SEEN)
        expected = edges.filter_correlations(repeated)[np.arange(3), choice.filters] * choice.signs
        np.testing.assert_allclose(values, expected, rtol=1e-9)


def test_what_does_not_vary_correlates_with_nothing(greys):
    dead = np.zeros((1, SIZE, SIZE))
    assert not edges.filter_correlations(edges.moments(greys, dead, filters(), seen=SEEN)).any()
    flat = np.full((5, SMALL.size, SMALL.size), 77.0, np.float32)
    flat_sums = edges.moments(flat, np.ones((1, SIZE, SIZE)), edges.mean_filter(SIZE, SIZE), seen=SEEN)
    assert not edges.filter_correlations(flat_sums).any()
    assert not edges.filter_correlations(flat_sums.take(np.zeros(5, bool))).any()

"""The notebook's problem done well: `dreams.sign_ascent`."""

import jax
import numpy as np
import pytest

from minetest_interp.dreams import notebook as dreams
from minetest_interp.model import checkpoint, networks, objectives
from tests.conftest import random_stacks


def test_a_step_moves_every_pixel_that_has_a_gradient_by_one_length(policy):
    start = random_stacks(2)
    slope = np.asarray(jax.grad(lambda x: policy.run(x).value.sum())(start))
    moved = np.asarray(dreams.sign_ascent(networks.plain(policy), objectives.value(), start, step=3.0, steps=1).image)
    clear = (np.abs(slope) > 1e-6 * np.abs(slope).max()) | (slope == 0)
    expected = np.clip(start + 3 * np.sign(slope), 0, 255)
    np.testing.assert_allclose(moved[clear], expected[clear], atol=1e-4)
    np.testing.assert_array_equal(moved[..., 60:], start[..., 60:])


def test_a_conv0_unit_reaches_the_corner_of_the_box_its_weights_point_to(policy):
    start, (row, column) = dreams.grey_start(policy.geometry, seed=0), (2, 3)
    unit = objectives.neuron(policy.geometry, "conv0", channel=4, position=(row, column))
    image = dreams.sign_ascent(networks.fast(policy, whole=True), unit, start, step=64.0, steps=12).image
    seen = np.asarray(image)[0, :, 4 * row : 4 * row + 8, 4 * column : 4 * column + 8]
    kernel = np.moveaxis(np.asarray(policy.params["conv0"]["kernel"])[..., 4], -1, 0)
    np.testing.assert_array_equal(seen, np.where(kernel > 0, 255, 0))


def test_an_objective_that_is_not_finite_stops_the_ascent(policy):
    broken = objectives.weighted_sum([objectives.value()], [float("nan")])
    with pytest.raises(FloatingPointError, match="at step 0"):
        dreams.sign_ascent(networks.fast(policy), broken, random_stacks(1), steps=2)


@pytest.mark.treechop
def test_it_gets_nine_times_as_far_as_the_notebook_in_a_fifth_of_the_steps(treechop):
    policy = checkpoint.load(treechop / "ppo_treechop-v0.model", size=64).policy
    start = dreams.grey_start(policy.geometry, seed=0)
    notebook = dreams.deep_dream(policy, objectives.value(), start, steps=500)
    better = dreams.sign_ascent(networks.fast(policy), objectives.value(), start, steps=100)
    assert better.scores[-1] >= 9 * notebook.scores[-1] > 0
    np.testing.assert_allclose(policy.run(better.image).value[0], better.scores[-1], rtol=1e-4)
    assert better.image.min() >= 0 and better.image.max() <= 255

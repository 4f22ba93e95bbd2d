"""The notebook's ascent: `dreams.deep_dream`."""

import inspect

import numpy as np
import pytest

from minetest_interp.dreams import notebook
from minetest_interp.model import objectives
from minetest_interp.model.policy import TARGETS, layer_gradients


def start(policy):
    return notebook.grey_start(policy.geometry, seed=7)


def test_the_start_is_nearly_uniform_grey_and_seeded(policy):
    image = np.asarray(start(policy))
    assert image.shape == (1, 4, 64, 64) and 128 <= image.min() < image.max() <= 128.1
    np.testing.assert_array_equal(image, start(policy))
    assert (image != notebook.grey_start(policy.geometry, seed=8)).any()


@pytest.mark.parametrize("target", TARGETS)
def test_one_step_is_the_clipped_gradient_step(policy, target):
    trace = policy.run(start(policy))
    gradient = layer_gradients(policy, objectives.value(), start(policy))[1][target]
    low, high = {"input": (0, 255), "hidden": (0, np.inf)}.get(target, (-np.inf, np.inf))
    dream = notebook.deep_dream(policy, objectives.value(), start(policy), target=target, lr=50.0, steps=1)
    expected = np.clip(np.asarray(trace.layers[target]) + 50.0 * np.asarray(gradient), low, high)
    np.testing.assert_allclose(dream.image, expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(dream.start, trace.layers[target])
    assert len(dream.scores) == 2 and dream.scores[1] > dream.scores[0]


def test_the_last_score_is_the_images_own_and_the_range_holds(policy):
    dream = notebook.deep_dream(policy, objectives.value(), start(policy), lr=1e5, steps=20)
    image = np.asarray(dream.image)
    assert image.min() == 0 and image.max() == 255  # this step length reaches both ends
    np.testing.assert_allclose(dream.scores[-1], policy.run(dream.image).value[0], rtol=1e-4)


def test_the_same_seed_dreams_the_same_bytes(policy):
    first, second = (notebook.deep_dream(policy, objectives.value(), start(policy), steps=10) for _ in range(2))
    assert np.asarray(first.image).tobytes() == np.asarray(second.image).tobytes()


def test_the_post_s_parameters_are_the_defaults():
    options = inspect.signature(notebook.deep_dream).parameters
    assert [options[name].default for name in ("lr", "steps", "target")] == [1e3, 600, "input"]


def test_an_objective_that_is_not_finite_stops_the_ascent_by_step(policy):
    with pytest.raises(FloatingPointError, match=r"must stay finite .* is \w+ at step 0"):
        notebook.deep_dream(policy, lambda trace: trace.value / 0 * 0, start(policy), steps=2)

"""Ascending batches of objectives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from minetest_interp.dreams import ascent, parametrisations
from minetest_interp.dreams.ascent import Method
from minetest_interp.io.errors import InputError
from minetest_interp.model import networks, objectives
from tests.samples import smooth_frames

SHORT = Method(steps=4, strength=2.0)


@pytest.fixture(scope="module")
def image(policy):
    return parametrisations.frame_prior(parametrisations.fit_prior(smooth_frames(12), policy.geometry), policy.geometry)


def neurons(policy, layer="conv2", channels=(0, 3)):
    trace = jax.jit(policy.run)(np.repeat(smooth_frames(8, seed=2)[:, None], 4, axis=1))
    several = [objectives.neuron(policy.geometry, layer, channel=c) for c in channels]
    return [objectives.scaled(objective, objective(trace)) for objective in several]


def test_the_same_seed_gives_the_same_bytes_whatever_the_batch(policy, image):
    asked = neurons(policy)
    both = ascent.ascend(networks.fast(policy), asked, image, seeds=(3, 4), method=SHORT)
    again = ascent.ascend(networks.fast(policy), asked, image, seeds=(3, 4), method=SHORT)
    assert np.asarray(both.parameters).tobytes() == np.asarray(again.parameters).tobytes()
    alone = ascent.ascend(networks.fast(policy), asked[1:], image, seeds=(4,), method=SHORT)
    np.testing.assert_allclose(both.parameters[1, 1], alone.parameters[0, 0], atol=1e-3)
    assert np.abs(both.parameters[1, 0] - both.parameters[1, 1]).max() > 0.1


def test_without_views_one_step_is_adam_s_first(policy, image):
    """Adam's first step is lr times the sign of the gradient, wherever that is far from zero."""
    asked, method = neurons(policy)[:1], Method(steps=1, copies=1, jitter=0, noise=0.0, strength=2.0, lr=0.05)
    start = image.start(0)

    def gain(z):
        stack = jnp.broadcast_to(image.render(z[None], parametrisations.window((64, 64))), (1, 4, 64, 64))
        return asked[0](policy.run(stack))[0] - jnp.square(z).mean()

    slope = np.asarray(jax.grad(gain)(start))
    moved = ascent.ascend(networks.fast(policy), asked, image, seeds=(0,), method=method).parameters[0, 0] - start
    clear = np.abs(slope) > 1e-4
    assert clear.mean() > 0.05
    np.testing.assert_allclose(np.asarray(moved)[clear], 0.05 * np.sign(slope[clear]), rtol=0.01)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_a_receptive_field_alone_gives_the_full_step_s_result(policy, image, layer):
    """Equal until a ReLU or the cut at black and white, within rounding of its kink, falls to the other side."""
    asked = neurons(policy, layer)
    whole = ascent.ascend(networks.fast(policy), asked, image, seeds=(0, 1), method=SHORT)
    field, position = networks.field(policy, layer), objectives.centre(policy.geometry, layer)
    alone = ascent.ascend(field, asked, image, seeds=(0, 1), method=SHORT, position=position)
    np.testing.assert_allclose(alone.scores, whole.scores, rtol=1e-3, atol=1e-4)
    shown = [ascent.pictures(image, result.parameters) for result in (alone, whole)]
    np.testing.assert_allclose(shown[0], shown[1], atol=0.5)


def test_ascending_raises_the_objective_and_the_penalty_holds_it_back(policy, image):
    asked = neurons(policy)
    free, held = (
        ascent.ascend(networks.fast(policy), asked, image, seeds=(0,), method=Method(steps=40, strength=strength))
        for strength in (1.0, 1000.0)
    )
    assert (free.scores[-1] > free.scores[0] + 1).all()
    assert (jnp.square(free.parameters).mean((2, 3, 4, 5)) > jnp.square(held.parameters).mean((2, 3, 4, 5))).all()


def test_the_target_form_pulls_up_to_its_goal_and_no_further(policy, image):
    """Beyond the goal only the penalty acts, so an image that is good enough from the start shrinks to the mean."""
    asked, views = neurons(policy), {"noise": 0.0, "jitter": 0, "copies": 1}
    method = Method(steps=60, lr=0.005, form="target", strength=0.01, **views)

    def run(goal):
        return ascent.ascend(networks.fast(policy), asked, image, seeds=(0,), method=method, targets=(goal, goal))

    wanting, content = run(3.0), run(-50.0)
    assert (wanting.scores[0] < 2).all() and (wanting.scores[-1] > 2.9).all()
    assert jnp.square(content.parameters).mean() < 0.1 * jnp.square(image.start(0)).mean()


def test_accentuation_starts_from_the_frame_it_is_given(policy, image):
    frame = smooth_frames(1, seed=5)[0]
    anchors = image.encode(frame)[None]
    still = Method(steps=1, lr=0.0)
    result = ascent.ascend(networks.fast(policy), neurons(policy)[:1], image, seeds=(0,), method=still, anchors=anchors)
    shown = ascent.pictures(image, result.parameters)[0, 0, 0]
    assert np.corrcoef(shown.ravel(), frame.ravel())[0, 1] > 0.98


def test_per_frame_deltas_and_separate_frames_are_ascended_too(policy):
    prior = parametrisations.fit_prior(smooth_frames(12), policy.geometry)
    for frames in ("motion", "separate"):
        image = parametrisations.frame_prior(prior, policy.geometry, frames=frames)
        result = ascent.ascend(networks.fast(policy), neurons(policy), image, seeds=(0,), method=SHORT)
        assert ascent.pictures(image, result.parameters).shape == (2, 1, 4, 64, 64)


def test_an_objective_that_is_not_finite_is_named_with_its_step(policy, image):
    broken = [objectives.Scaled(objectives.value(), jnp.float32(0), jnp.float32(sd)) for sd in (1.0, 0.0)]
    with pytest.raises(FloatingPointError, match=r"rotten must stay finite .* at step 0"):
        ascent.ascend(networks.fast(policy), broken, image, seeds=(0,), method=SHORT, names=["sound", "rotten"])


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (Method(form="best"), {}, "`form` must be one of penalty, target; got 'best'"),
        (Method(form="target"), {}, "one target for each"),
        (Method(steps=0), {}, "at least 1"),
        (Method(noise=-1.0), {}, "not negative"),
        (Method(), {"position": (0, 0)}, "`position` must be given for the network of a receptive field, and only"),
        (Method(), {"anchors": np.zeros((3, 1))}, "`anchors` must be"),
    ],
)
def test_settings_out_of_range_are_refused(policy, image, method, options, message):
    with pytest.raises(InputError, match=message):
        ascent.ascend(networks.fast(policy), neurons(policy), image, seeds=(0,), method=method, **options)

"""Attribution against closed forms on linear and polynomial scores, and against plain recomputation on policies."""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from minetest_interp.analysis import attribution
from minetest_interp.analysis.attribution import Readouts
from minetest_interp.io.errors import InputError
from minetest_interp.model import networks, objectives
from minetest_interp.model.policy import Geometry, nature
from tests.conftest import random_policy, random_stacks
from tests.samples import FORWARD, YAW, PixelScores

SMALL = Geometry(channels=(6, 5, 4), hidden=16)  # reads 60 of 64 pixels, as the real one does
TINY = (3, 2, 9, 9)  # stacks for scores that need no network
TOGETHER = {"patch": 3, "patch_stride": 2, "read": (9, 9)}
BEHAVIOURS = (
    objectives.behaviour_probability(YAW),
    objectives.behaviour_probability(FORWARD),
    objectives.value(),
)


@flax.struct.dataclass
class Polynomial(PixelScores):
    """Scores of K questions: a constant plus weights times each pixel to a power; weights `[K, T, H, W]`."""

    weights: Array
    constant: Array
    power: int = flax.struct.field(pytree_node=False, default=1)

    def rest(self, stack: Array) -> Array:
        return jnp.einsum("bthw,kthw->bk", stack**self.power, self.weights) + self.constant[None]


def polynomial(power=1, constant=0.7):
    generator = np.random.default_rng(0)
    stack, baseline = (generator.uniform(0, 2, shape).astype(np.float32) for shape in (TINY, TINY[1:]))
    weights = generator.standard_normal((2, *TINY[1:])).astype(np.float32)
    return Polynomial(jnp.asarray(weights), jnp.full(2, constant), power), stack, baseline


@pytest.fixture(scope="module")
def small():
    return random_policy(SMALL, gain=100.0)


@pytest.fixture(scope="module")
def questions(small):
    return Readouts(networks.fast(small), BEHAVIOURS)


def test_on_a_linear_score_all_methods_give_the_weights_or_weights_times_input():
    scores, stack, _ = polynomial()
    weights, black = np.broadcast_to(scores.weights[None], (3, *scores.weights.shape)), np.zeros_like(stack[0])
    smooth = attribution.smooth_gradient(scores, stack, samples=3, noise=20.0, seed=0)
    for slope in (attribution.gradient(scores, stack), smooth):
        np.testing.assert_allclose(slope, weights, rtol=1e-5)
    for product in (
        attribution.gradient_times_input(scores, stack),
        attribution.integrated_gradients(scores, stack, black, steps=1),
        attribution.integrated_gradients(scores, stack, black, steps=7),
        attribution.occlusion(scores, stack, black, patch=1, patch_stride=1, read=(9, 9)),
    ):
        np.testing.assert_allclose(product, weights * stack[:, None], atol=2e-5)


def test_gradients_are_those_of_each_objective_by_itself(small, questions):
    stack = random_stacks(3, SMALL)
    together = attribution.gradient(questions, stack)
    for k, objective in enumerate(BEHAVIOURS):
        alone = jax.grad(lambda x, objective=objective: objective(small.run(x)).sum())(stack)
        np.testing.assert_allclose(together[:, k], alone, atol=2e-5 * np.abs(alone).max())


def test_midpoints_integrate_a_square_exactly_with_one_step():
    scores, stack, baseline = polynomial(power=2)
    maps = attribution.integrated_gradients(scores, stack, baseline, steps=1)
    expected = np.asarray(scores.weights)[None] * (stack**2 - baseline[None] ** 2)[:, None]
    np.testing.assert_allclose(maps, expected, atol=1e-4)


def test_integrated_gradients_miss_a_fourth_power_by_a_quarter_for_twice_the_steps():
    scores, stack, baseline = polynomial(power=4)
    gained = np.asarray(scores(stack) - scores(baseline[None]))

    def error(steps):
        return np.abs(attribution.integrated_gradients(scores, stack, baseline, steps=steps).sum((2, 3, 4)) - gained)

    np.testing.assert_allclose(error(2) / error(4), 4, rtol=0.1)
    np.testing.assert_allclose(error(64), 0, atol=2e-2)


def test_integrated_gradients_account_for_the_whole_change_of_a_policy_s_scores(questions):
    stack, baseline = random_stacks(3, SMALL), random_stacks(1, SMALL, seed=9)[0]
    gained = np.asarray(attribution.run(questions, stack) - attribution.run(questions, baseline[None]))

    def error(steps):
        return np.abs(attribution.integrated_gradients(questions, stack, baseline, steps=steps).sum((2, 3, 4)) - gained)

    coarse, fine = error(2), error(128)
    assert (fine < 0.02 * np.abs(gained).max(0, keepdims=True)).all() and fine.mean() < 0.1 * coarse.mean()


def test_where_no_unit_switches_one_step_accounts_for_the_value_exactly(small):
    positive = jax.tree.map(jnp.abs, dict(small.params))  # no unit is ever off
    scores = Readouts(networks.fast(small._replace(params=positive)), BEHAVIOURS)
    stack, baseline = random_stacks(3, SMALL), random_stacks(1, SMALL, seed=9)[0]
    maps = attribution.integrated_gradients(scores, stack, baseline, steps=1)[:, 2]
    values = np.asarray(attribution.run(scores, np.concatenate([stack, baseline[None]])))[:, 2]
    np.testing.assert_allclose(maps.sum((1, 2, 3)), values[:3] - values[3], atol=1e-5 * values[3])
    slopes = np.asarray(attribution.gradient(scores, stack))[:, 2]
    np.testing.assert_allclose(slopes, slopes[:1].repeat(3, 0), rtol=1e-4)


def test_pixels_that_the_network_never_reads_get_exactly_nothing(questions):
    side, stack = nature(SMALL).reads[0], random_stacks(3, SMALL)
    assert (side, SMALL.size) == (60, 64)
    how = {"steps": 2, "samples": 2, "noise": 25.0, "patch": 30, "patch_stride": 30, "seed": 0}
    methods = attribution.methods(random_stacks(1, SMALL, seed=1)[0], read=(side, side), **how)
    for name, method in methods.items():
        maps = np.array(method.attribute(questions, stack))
        assert not maps[..., side:, :].any() and not maps[..., side:].any(), name
        assert maps[..., :side, :side].any((-2, -1)).all(), name


def test_noise_of_nothing_leaves_the_gradient_and_does_not_hang_on_the_batch(questions):
    stack = random_stacks(3, SMALL)
    still = attribution.smooth_gradient(questions, stack, samples=2, noise=0.0, seed=0)
    np.testing.assert_array_equal(still, attribution.gradient(questions, stack))
    noisy = {"samples": 4, "noise": 25.0, "seed": 5}
    maps = attribution.smooth_gradient(questions, stack, **noisy)
    reordered = attribution.smooth_gradient(questions, stack[::-1], **noisy)
    np.testing.assert_allclose(reordered[::-1], maps, rtol=1e-4, atol=1e-9)
    assert np.abs(maps - still).max() > 0.1 * np.abs(still).max()


def test_smooth_gradient_is_the_gradient_under_the_noise_on_average():
    """The gradient of x^4 is 4 x^3, whose mean under noise of variance s^2 is 4 (x^3 + 3 x s^2)."""
    scores, stack, _ = polynomial(power=4)
    maps = attribution.smooth_gradient(scores, stack[:1] * 0 + 1, samples=4000, noise=0.5, seed=0)
    np.testing.assert_allclose(maps[0] / np.asarray(scores.weights), 4 * (1 + 3 * 0.25), rtol=0.15)


def test_occlusion_shares_each_window_s_loss_and_averages_what_overlaps():
    scores, stack, baseline = polynomial(power=3)
    maps = attribution.occlusion(scores, stack, baseline, **(TOGETHER | {"read": (8, 8)}))
    total, count = np.zeros((3, 2, *TINY[1:])), np.zeros(TINY[1:])
    for frame in range(2):
        for top in (0, 2, 4, 5):  # steps of two, and a last window that ends with the eighth pixel
            for left in (0, 2, 4, 5):
                hidden = stack.copy()
                window = (slice(top, top + 3), slice(left, left + 3))
                hidden[(slice(None), frame, *window)] = baseline[(frame, *window)]
                loss = np.asarray(scores(stack) - scores(hidden))
                total[(slice(None), slice(None), frame, *window)] += loss[..., None, None] / 9
                count[(frame, *window)] += 1
    np.testing.assert_allclose(maps, total / np.maximum(count, 1), atol=1e-5)


def test_occlusion_blames_only_the_frame_that_is_read():
    scores, stack, baseline = polynomial(power=2)
    deaf = scores.replace(weights=scores.weights.at[:, 0].set(0))
    maps = attribution.occlusion(deaf, stack, baseline, **TOGETHER)
    assert not maps[:, :, 0].any() and maps[:, :, 1].all()


def test_methods_that_claim_completeness_are_complete_on_a_linear_score_with_no_constant():
    scores, stack, mean = polynomial(constant=0.0)
    how = {"steps": 1, "samples": 1, "noise": 1.0, "patch": 3, "patch_stride": 3, "seed": 0}
    claim = {}
    for name, method in attribution.methods(mean, read=(9, 9), **how).items():
        claim[name] = method.baseline is not None
        if claim[name]:
            gained = np.asarray(scores(stack) - scores(method.baseline[None]))
            maps = method.attribute(scores, stack)
            np.testing.assert_allclose(maps.sum((2, 3, 4)), gained, atol=1e-4)
    assert [name for name, claims in claim.items() if not claims] == ["gradient", "SmoothGrad"]


def test_channels_get_gradient_times_activation_summed_over_positions(small):
    stack = random_stacks(3, SMALL)
    trace, critic = small.run(stack), small.params["critic"]
    by_value = attribution.channel_attributions(small, objectives.value(), stack)["hidden"]
    np.testing.assert_allclose(by_value, trace.hidden * critic["kernel"][:, 0][None], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(by_value.sum(1) + critic["bias"][0], trace.value, rtol=1e-4, atol=1e-6)
    turning = BEHAVIOURS[0]
    for layer, shares in attribution.channel_attributions(small, turning, stack).items():

        def total(activation, layer=layer):
            return turning(small.run(activation, start=layer)).sum()

        activation = trace.layers[layer]
        product = jax.grad(total)(activation) * activation
        expected = product if layer == "hidden" else product.sum((1, 2))
        np.testing.assert_allclose(shares, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("attribute", "says"),
    [
        (lambda scores, x: attribution.integrated_gradients(scores, x, x[0], steps=0), "`steps` must be at least 1"),
        (lambda scores, x: attribution.smooth_gradient(scores, x, samples=0, noise=1.0, seed=0), "`samples` must be"),
        (lambda scores, x: attribution.occlusion(scores, x, x[0], patch=3, patch_stride=4, read=(9, 9)), "got 4 and 3"),
        (
            lambda scores, x: attribution.occlusion(scores, x, x[0], patch=9, patch_stride=4, read=(8, 8)),
            "at most the 8",
        ),
        (lambda scores, x: attribution.occlusion(scores, x, x[0], patch=1, patch_stride=0, read=(8, 8)), "got 0 and 1"),
    ],
)
def test_settings_out_of_range_are_refused(attribute, says):
    scores, stack, _ = polynomial()
    with pytest.raises(InputError, match=says):
        attribute(scores, stack)

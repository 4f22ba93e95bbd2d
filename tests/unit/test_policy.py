import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from minetest_interp.model import objectives
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.policy import LAYERS, TARGETS, Geometry, layer_gradients
from tests.conftest import random_policy, random_stacks

YAW = Behaviour(np.arange(36) % 9 < 3, np.arange(36) % 9 >= 6)
QUESTIONS = {"value": objectives.value(), "yaw": objectives.behaviour_probability(YAW)}


def forward_in_numpy(policy, stacks):
    """The network written out in double precision, with windows instead of convolutions."""
    layers, x = {}, np.moveaxis(stacks.astype(float), 1, -1) / 255
    for i, stride in enumerate(policy.geometry.strides):
        kernel, bias = (np.asarray(policy.params[f"conv{i}"][key], float) for key in ("kernel", "bias"))
        windows = sliding_window_view(x, kernel.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
        layers[f"conv{i}"] = np.einsum("nijckl,klco->nijo", windows, kernel) + bias
        x = np.maximum(layers[f"conv{i}"], 0)
    heads = {}
    for name in ("hidden", "actor", "critic"):
        inputs = x.reshape(len(x), -1) if name == "hidden" else layers["hidden"]
        heads[name] = inputs @ np.asarray(policy.params[name]["kernel"], float) + np.asarray(
            policy.params[name]["bias"]
        )
        if name == "hidden":
            layers["hidden"] = np.maximum(heads["hidden"], 0)
    return layers, heads["actor"], heads["critic"][:, 0]


@pytest.mark.parametrize("geometry", [Geometry(), Geometry(2, 84, (8, 6, 5), (8, 4, 3), (4, 2, 1), 20, 6)])
def test_the_network_equals_its_formulas_in_numpy(geometry):
    policy, stacks = random_policy(geometry, seed=3), random_stacks(3, geometry, seed=4)
    trace = policy.run(stacks)
    layers, logits, value = forward_in_numpy(policy, stacks)
    for name in LAYERS:
        assert trace.layers[name].shape[1:] == geometry.shape(name)
        np.testing.assert_allclose(trace.layers[name], layers[name], atol=2e-5)
    np.testing.assert_allclose(trace.logits, logits, atol=2e-5)
    np.testing.assert_allclose(trace.value, value, atol=2e-5)


@pytest.mark.parametrize("start", TARGETS)
def test_a_run_from_any_target_continues_the_full_run(policy, start):
    full = policy.run(random_stacks(4))
    part = policy.run(full.layers[start], start=start)
    assert list(part.layers) == list(TARGETS[TARGETS.index(start) :])
    np.testing.assert_allclose(part.logits, full.logits, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(part.value, full.value, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(part.hidden, full.hidden, rtol=1e-5, atol=1e-5)
    for name in part.layers:
        np.testing.assert_allclose(part.layers[name], full.layers[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("question", QUESTIONS)
def test_gradients_in_one_pass_equal_those_taken_by_starting_at_each_layer(policy, question):
    objective, stacks = QUESTIONS[question], random_stacks(3)
    scores, gradients = layer_gradients(policy, objective, stacks)
    trace = policy.run(stacks)
    np.testing.assert_allclose(scores, objective(trace), rtol=1e-5, atol=1e-6)
    for start in TARGETS:
        direct = jax.grad(lambda x, start=start: objective(policy.run(x, start=start)).sum())(trace.layers[start])
        size = np.abs(direct).max()
        assert size > 0
        np.testing.assert_allclose(gradients[start], direct, atol=1e-5 * size)


@pytest.mark.parametrize("target", TARGETS)
def test_gradients_agree_with_finite_differences(policy, target):
    objective, trace = QUESTIONS["value"], policy.run(random_stacks(1, seed=5))
    x = trace.layers[target]
    gradient = layer_gradients(policy, objective, trace.layers["input"])[1][target]
    direction = gradient / jnp.sqrt((gradient**2).sum())
    # short enough that no ReLU between here and the value changes sides by much, long enough for float32
    step = 1e-3 * float(jnp.abs(x).mean())
    ahead, behind = (objective(policy.run(x + s * direction, start=target))[0] for s in (step, -step))
    slope = float((gradient * direction).sum())
    assert abs(float(ahead - behind) / (2 * step) - slope) < 0.05 * abs(slope)


def test_pixels_that_no_unit_reads_have_exactly_no_gradient(policy):
    gradient = layer_gradients(policy, QUESTIONS["value"], random_stacks(2))[1]["input"]
    assert policy.architecture.reads == (60, 60)
    assert not gradient[..., 60:, :].any() and not gradient[..., 60:].any()
    assert (np.abs(gradient[..., :60, :60]).sum((0, 1)) > 0).all()


def test_an_edit_that_silences_every_unit_leaves_the_biases(policy):
    trace = policy.run(random_stacks(2), edit=lambda name, activation: 0 * activation)
    np.testing.assert_array_equal(trace.value, np.repeat(policy.params["critic"]["bias"], 2))
    np.testing.assert_array_equal(trace.logits, np.tile(policy.params["actor"]["bias"], (2, 1)))


def test_receptive_fields_are_what_moves_a_unit(policy):
    """Pixels inside the field change the unit, pixels outside never do."""
    stacks = random_stacks(1)
    fields = [policy.architecture.extent(layer)[0] for layer in policy.architecture.maps]
    for i, (field, stride, _) in enumerate(fields):
        gradient = jax.grad(lambda x, i=i: policy.run(x).layers[f"conv{i}"][0, 1, 2].sum())(stacks)
        moved = np.abs(np.asarray(gradient)).sum((0, 1)) > 0
        rows, columns = np.flatnonzero(moved.any(1)), np.flatnonzero(moved.any(0))
        assert (rows[0], rows[-1] + 1) == (stride, stride + field)
        assert (columns[0], columns[-1] + 1) == (2 * stride, 2 * stride + field)


def test_a_wrong_start_is_named(policy):
    with pytest.raises(ValueError, match="`start` must be one of"):
        policy.run(random_stacks(1), start="conv3")
    with pytest.raises(ValueError, match=r"'conv1' must be \[B, 6, 6, 64\]; got \(1, 4, 64, 64\)"):
        policy.run(random_stacks(1), start="conv1")

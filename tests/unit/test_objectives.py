"""Questions asked of a trace: each equals its definition in plain numpy, and refuses what does not exist."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from minetest_interp.io.errors import InputError
from minetest_interp.model import objectives
from minetest_interp.model.actions import Behaviour, action_table
from tests.conftest import random_stacks
from tests.kinds import BEHAVIOURS, FACTORS, policy_of
from tests.samples import FORWARD, YAW


@pytest.fixture(scope="module")
def trace(policy):
    return jax.jit(policy.run)(random_stacks(3))


def every_objective(geometry):
    steer = np.random.default_rng(1).standard_normal(64)
    return {
        "neuron": objectives.neuron(geometry, "conv1", channel=5, position=(0, 4)),
        "channel": objectives.channel_mean(geometry, "conv2", channel=63),
        "direction": objectives.direction(geometry, "conv2", steer),
        "unit": objectives.neuron(geometry, "hidden", channel=511),
        "logit": objectives.logit(geometry, action=35),
        "behaviour": objectives.behaviour(YAW, sign=-1),
        "probability": objectives.behaviour_probability(YAW),
        "value": objectives.value(sign=-1.0),
    }


def test_each_objective_equals_its_definition(policy, trace):
    conv1, conv2 = (np.asarray(trace.layers[name], np.float64) for name in ("conv1", "conv2"))
    logits = np.asarray(trace.logits, np.float64)
    expected = {
        "neuron": conv1[:, 0, 4, 5],
        "channel": conv2[..., 63].mean((1, 2)),
        "direction": conv2[:, 2, 2] @ np.random.default_rng(1).standard_normal(64),
        "unit": trace.hidden[:, 511],
        "logit": logits[:, 35],
        "behaviour": logsumexp(logits[:, YAW.minus], 1) - logsumexp(logits[:, YAW.plus], 1),
        "probability": softmax(logits, 1) @ YAW.weights,
        "value": -trace.value,
    }
    for name, objective in every_objective(policy.geometry).items():
        np.testing.assert_allclose(objective(trace), expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_objectives_of_one_kind_are_what_they_were_and_can_be_stacked(policy, trace):
    asked = list(every_objective(policy.geometry).values())
    same = objectives.of_one_kind(asked)
    assert objectives.stack(same)
    for objective, one in zip(asked, same, strict=True):
        np.testing.assert_array_equal(one(trace), objective(trace))


def test_a_behaviour_without_minus_is_the_log_odds_of_its_probability(trace):
    p = softmax(np.asarray(trace.logits, np.float64), 1)[:, FORWARD.plus].sum(1)
    np.testing.assert_allclose(objectives.behaviour(FORWARD)(trace), np.log(p / (1 - p)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "name", ["neuron", "channel", "direction", "unit", "logit", "behaviour", "probability", "value"]
)
def test_gradients_equal_central_differences(policy, name):
    objective = every_objective(policy.geometry)[name]
    stack = random_stacks(1, seed=3)
    slope = np.asarray(jax.grad(lambda x: objective(policy.run(x)).sum())(stack))
    along = slope / np.linalg.norm(slope)
    step = 0.05
    ends = [float(objective(policy.run(jnp.asarray(stack + sign * step * along)))[0]) for sign in (1, -1)]
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * step), np.linalg.norm(slope), rtol=0.02)


def test_a_sum_is_the_weighted_sum_and_scaling_is_affine(policy, trace):
    parts = list(every_objective(policy.geometry).values())[:3]
    both = objectives.weighted_sum(parts, [1.0, -2.0, 0.5])
    np.testing.assert_allclose(both(trace), parts[0](trace) - 2 * parts[1](trace) + 0.5 * parts[2](trace), rtol=1e-4)
    natural = np.asarray(both(trace))
    standard = np.asarray(objectives.scaled(both, natural)(trace))
    np.testing.assert_allclose([standard.mean(), standard.std()], [0, 1], atol=1e-4)


def test_stacked_objectives_score_item_i_by_objective_i(policy, trace):
    several = [objectives.neuron(policy.geometry, "conv2", channel=c) for c in (0, 7, 9)]
    alone = np.stack([np.asarray(objective(trace)) for objective in several])
    np.testing.assert_allclose(objectives.stack(several)(trace), np.diagonal(alone), rtol=1e-5)
    with pytest.raises(InputError, match="one kind and layer"):
        objectives.stack([*several, objectives.value()])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda g: objectives.neuron(g, "conv3", channel=0), r"`layer` must be one of conv0, .*got 'conv3'"),
        (lambda g: objectives.neuron(g, "conv1", channel=64), r"`channel` must be between 0 and 63 in layer 'conv1'"),
        (lambda g: objectives.neuron(g, "conv1", channel=-1), r"`channel` must be between 0 and 63"),
        (lambda g: objectives.neuron(g, "conv2", channel=0, position=(4, 0)), r"`row` must be between 0 and 3"),
        (lambda g: objectives.neuron(g, "hidden", channel=0, position=(0, 0)), r"`position` must be left out"),
        (lambda g: objectives.channel_mean(g, "hidden", channel=0), r"needs a layer that has some"),
        (lambda g: objectives.direction(g, "conv1", np.ones(63)), r"must be 64 finite numbers; got shape \(63,\)"),
        (lambda g: objectives.direction(g, "conv1", np.full(64, np.nan)), r"64 not finite"),
        (lambda g: objectives.logit(g, action=36), r"`action` must be between 0 and 35"),
        (lambda g: objectives.weighted_sum([], []), r"one weight for each term"),
        (lambda g: objectives.behaviour(Behaviour(np.ones(36, bool), np.zeros(36, bool))), r"both sides"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(policy, build, message):
    with pytest.raises(InputError, match=message):
        build(policy.geometry)


def test_a_unit_that_does_not_vary_is_refused_not_divided_by(policy):
    with pytest.raises(InputError, match=r"conv1/3 must vary .*it is 0.25 on all 5"):
        objectives.scaled(objectives.value(), np.full(5, 0.25, np.float32), name="conv1/3")
    assert objectives.is_constant(np.float32([1.0, 1.0 + 1e-7])) and not objectives.is_constant(np.array([1.0, 1.001]))


def test_a_receptive_field_objective_must_read_one_position(policy):
    geometry = policy.geometry
    one = objectives.neuron(geometry, "conv1", channel=2, position=(1, 2))
    np.testing.assert_array_equal(objectives.at(one, (1, 2)).weights[0, 0], np.eye(64)[2])
    for objective in (objectives.channel_mean(geometry, "conv1", channel=2), objectives.value()):
        with pytest.raises(InputError, match="alone"):
            objectives.at(objective, (1, 2))


TABLE = action_table(FACTORS, BEHAVIOURS)


@pytest.mark.parametrize(
    ("kind", "settings", "direct"),
    [
        ("actor and critic", {"kind": "value"}, objectives.value()),
        ("Q values", {"kind": "value"}, objectives.value()),
        (
            "actor and critic",
            {"kind": "behaviour_probability", "behaviour": "go"},
            objectives.behaviour_probability(TABLE.behaviours["go"]),
        ),
        (
            "Q values",
            {"kind": "return_difference", "behaviour": "yaw", "sign": -1},
            objectives.return_difference(TABLE.behaviours["yaw"], sign=-1),
        ),
    ],
)
def test_a_study_s_objective_is_the_one_of_its_kind_and_settings(kind, settings, direct, tmp_path):
    other = policy_of(kind, tmp_path)
    seen = other.run(np.random.default_rng(0).uniform(0, 255, (3, *other.architecture.stack)).astype(np.float32))
    found = objectives.from_settings(settings, TABLE, other.architecture)(seen)
    np.testing.assert_array_equal(found, direct(seen))
    assert np.ptp(found) > 0


@pytest.mark.parametrize(
    ("kind", "asked", "message"),
    [
        ("Q values", "behaviour_probability", "must be one of value, return_difference .* needs an actor"),
        ("actor and critic", "return_difference", "one of value, behaviour_probability .* needs Q values"),
        ("pooled", "value", "one of behaviour_probability for .* needs a critic, or Q values"),
        ("pooled", "joy", "joy is not known"),
    ],
)
def test_an_objective_that_a_policy_has_not_is_refused(kind, asked, message, tmp_path):
    network = policy_of(kind, tmp_path).architecture
    with pytest.raises(InputError, match=message):
        objectives.from_settings({"kind": asked, "behaviour": "yaw"}, TABLE, network)


def test_a_value_that_is_not_there_and_numbers_that_are_not_finite_are_refused(trace):
    with pytest.raises(InputError, match="neither a critic nor Q values"):
        objectives.value()(trace._replace(value=None))
    with pytest.raises(InputError, match="doubt must be finite .* it is not on 2"):
        objectives.scaled(objectives.value(), np.array([1, np.nan, 2, np.inf]), name="doubt")

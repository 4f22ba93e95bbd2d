"""Edits of the network in play, against the network written a second time in numpy."""

import copy

import jax
import numpy as np
import pytest

from minetest_interp.episodes import agents, inside, variants
from minetest_interp.model.actions import action_table
from minetest_interp.model.policy import Geometry
from tests import plain
from tests.conftest import random_policy, random_stacks

SMALL = Geometry(2, 84, (12, 20, 14), (8, 4, 3), (4, 2, 1), 16, 6)
ACTIONS = {
    "factors": {"do": ["-", "left", "right", "forward", "jump", "up"]},
    "behaviours": {"yaw": {"plus": {"do": "left"}, "minus": {"do": "right"}}},
    "steering": "yaw",
}
CHANNELS = {"conv1": 4, "conv2": 9}


@pytest.fixture(scope="module")
def policy():
    return random_policy(SMALL, seed=3, gain=50.0)


@pytest.fixture(scope="module")
def stacks():
    return random_stacks(5, SMALL).astype(np.uint8)


def as_numpy(policy):
    return jax.tree.map(np.array, dict(policy.params))


def answers(policy, stacks, **edits):
    player = agents.policy(policy, ACTIONS, **edits)
    return zip(*(player.forward(0, stack) for stack in stacks), strict=True)


def test_a_silenced_channel_is_one_that_nothing_reads(policy, stacks):
    cut = copy.deepcopy(as_numpy(policy))
    cut["conv2"]["kernel"][:, :, CHANNELS["conv1"]] = 0
    hidden = cut["hidden"]["kernel"].reshape(-1, SMALL.channels[2], SMALL.hidden)
    hidden[:, CHANNELS["conv2"]] = 0
    cut["hidden"]["kernel"] = hidden.reshape(-1, SMALL.hidden)
    logits, value = answers(policy, stacks, edit=inside.silence(policy, CHANNELS))
    expected, valued, _ = plain.run(cut, stacks)
    np.testing.assert_allclose(logits, expected, atol=1e-3)
    np.testing.assert_allclose(value, valued, atol=1e-3)
    unedited = plain.run(as_numpy(policy), stacks)[0]
    assert np.abs(unedited - expected).max() > 0.1


def test_the_activation_of_a_silenced_channel_is_zero_and_of_no_other(policy, stacks):
    trace = policy.run(stacks.astype(np.float32), edit=inside.silence(policy, CHANNELS))
    for layer, channel in CHANNELS.items():
        silent = ~np.asarray(trace.layers[layer]).any((0, 1, 2))
        assert np.flatnonzero(silent).tolist() == [channel]


def test_an_agent_with_nothing_edited_answers_as_the_policy(policy, stacks):
    logits, value = answers(policy, stacks)
    expected, valued, _ = plain.run(as_numpy(policy), stacks)
    np.testing.assert_allclose(logits, expected, atol=1e-3)
    np.testing.assert_allclose(value, valued, atol=1e-3)


def test_the_agent_sees_what_is_made_of_the_picture(policy, stacks):
    logits, _ = answers(policy, stacks, picture=agents.EDITS["mirrored"])
    np.testing.assert_allclose(logits, plain.run(as_numpy(policy), stacks[..., ::-1])[0], atol=1e-3)


def test_mean_activity_is_that_of_what_the_channels_pass_on(policy, stacks):
    layers = plain.run(as_numpy(policy), stacks)[2]
    for layer in CHANNELS:
        expected = np.maximum(layers[layer], 0).mean((0, 1, 2))
        np.testing.assert_allclose(inside.mean_activity(policy, stacks, layer), expected, atol=1e-4)


def test_another_channel_is_one_of_the_nearest_activity_and_never_the_same():
    activity = np.random.default_rng(0).exponential(size=40)
    for channel in (0, 7, 39, int(activity.argmax())):
        drawn = {inside.draw_similar(activity, channel, np.random.default_rng([1, n])) for n in range(400)}
        others = [c for c in range(40) if c != channel]
        nearest = sorted(others, key=lambda c: abs(activity[c] - activity[channel]))[: inside.AMONG]
        assert drawn == set(nearest)


def test_as_many_others_of_the_same_layers_are_at_zero_and_again_with_the_seed(policy, stacks):
    activity = {layer: inside.mean_activity(policy, stacks, layer) for layer in CHANNELS}
    drawn = []
    for seed in ([1, 0], [1, 0], [1, 1], [1, 2]):
        edit = variants.others_at_zero(policy, CHANNELS, activity, seed)
        layers = policy.run(stacks.astype(np.float32), edit=edit).layers
        silent = {layer: np.flatnonzero(~np.asarray(layers[layer]).any((0, 1, 2))) for layer in ("conv0", *CHANNELS)}
        assert [len(channels) for channels in silent.values()] == [0, 1, 1]
        assert all(silent[layer] != channel for layer, channel in CHANNELS.items())
        drawn.append([silent[layer].item() for layer in CHANNELS])
    assert drawn[0] == drawn[1] and len({str(each) for each in drawn}) > 1


def test_of_few_channels_another_is_drawn_too():
    assert {inside.draw_similar(np.array([1.0, 2, 3]), 1, np.random.default_rng(n)) for n in range(50)} == {0, 2}


def test_nothing_is_left_of_a_direction_that_is_projected_out(policy, stacks):
    direction = np.random.default_rng(1).normal(size=SMALL.hidden)
    kept = policy.run(stacks.astype(np.float32)).hidden
    left = np.asarray(inside.project_out("hidden", direction)("hidden", kept))
    np.testing.assert_allclose(left @ direction, 0, atol=1e-4 * np.abs(kept @ direction).max())
    across = np.linalg.svd(direction[None])[2][1:]  # a basis of what is orthogonal to it
    np.testing.assert_allclose(left @ across.T, kept @ across.T, atol=1e-4)
    assert inside.project_out("hidden", direction)("conv2", kept) is kept


def test_without_its_direction_the_sides_differ_by_their_biases_alone(policy, stacks):
    steering = action_table(ACTIONS["factors"], ACTIONS["behaviours"]).behaviours["yaw"]
    direction = inside.steering_direction(policy, steering)
    weights, bias = (np.asarray(policy.params["actor"][name]) for name in ("kernel", "bias"))
    np.testing.assert_allclose(direction, weights[:, 1] - weights[:, 2], rtol=1e-6)
    logits = np.array(next(answers(policy, stacks, edit=inside.project_out("hidden", direction))))
    np.testing.assert_allclose(logits[:, 1] - logits[:, 2], bias[1] - bias[2], atol=1e-3)
    np.testing.assert_array_less(1e-2, np.ptp(np.subtract(*plain.run(as_numpy(policy), stacks)[0].T[1:3])))

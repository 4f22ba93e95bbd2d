"""Channels that are kept while others are held at their means: limits, a second computation, planted channels."""

import jax
import numpy as np
import pytest

from minetest_interp.analysis import sufficiency
from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import paths
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable, Behaviour
from minetest_interp.model.architecture import Architecture, Layer
from minetest_interp.model.frames import as_stacks
from minetest_interp.model.policy import Geometry, Policy, shuffled_weights
from minetest_interp.model.steps import Convolution, Dense, Flatten, Scale
from tests.conftest import random_policy
from tests.samples import smooth_frames

SMALL = Geometry(2, 84, (6, 5, 8), (8, 4, 3), (4, 2, 1), 16, 6)
GREYS = smooth_frames(24, 84)
STACKS = {"frames": np.arange(24).astype(str), "original": GREYS}
TURN = Behaviour(np.arange(6) < 2, np.arange(6) > 3)
TABLE = ActionTable(tuple("abcdef"), {"turn": TURN})
READOUT = objectives.behaviour_probability(TURN)
CARRIER = 5  # the channel that the planted policy reads


@pytest.fixture(scope="module")
def small():
    """A policy whose channels of conv2 are off about half of the time."""
    policy = random_policy(SMALL, seed=3, gain=60.0)
    params = jax.tree.map(np.array, dict(policy.params))
    params["conv2"]["bias"] -= np.median(policy.run(as_stacks(GREYS, 2)).layers["conv2"], axis=(0, 1, 2))
    return Policy(SMALL, params)


def changed(policy, change):
    """The policy with its weights from conv2 to the hidden layer, `[place, channel, unit]`, edited in place."""
    params = jax.tree.map(np.array, dict(policy.params))
    change(params["hidden"]["kernel"].reshape(-1, SMALL.channels[2], SMALL.hidden))
    return Policy(SMALL, params)


def measure(policy, **options):
    level = Level()
    options = {"draws": 20, "networks": 2} | options
    return paths.measure(policy, TABLE, STACKS, steering="turn", level=level, **options)


def test_all_kept_channels_leave_the_readout_and_none_leave_it_constant(small):
    activation = sufficiency.read_activation(small, "conv2", GREYS)
    trace = small.run(as_stacks(GREYS, 2))
    np.testing.assert_allclose(activation, np.maximum(trace.layers["conv2"], 0), rtol=1e-4, atol=1e-5)
    kept = np.array([np.ones(8), np.zeros(8)], bool)
    read = sufficiency.keep_alone(small, READOUT, "conv2", activation, activation.mean(0), kept)
    np.testing.assert_allclose(read[:, 0], READOUT(trace), atol=1e-5)
    assert np.ptp(read[:, 1]) < 1e-6
    explained = sufficiency.explained(read[:, 0], read)(np.ones(24))
    np.testing.assert_allclose(explained, [1, 0], atol=1e-5)


def test_kept_channels_are_what_an_edited_run_gives(small):
    activation = sufficiency.read_activation(small, "conv2", GREYS)
    means = activation.mean(0)
    kept = np.random.default_rng(0).random((3, 8)) < 0.5
    read = sufficiency.keep_alone(small, READOUT, "conv2", activation, means, kept)
    for column, channels in zip(read.T, kept, strict=True):
        edited = activation.copy()
        edited[..., ~channels] = means[..., ~channels]
        np.testing.assert_allclose(column, READOUT(small.run(edited, start="conv2")), atol=1e-5)


def test_what_is_explained_is_the_formula_and_weights_repeat_frames():
    generator = np.random.default_rng(0)
    readout, kept = generator.standard_normal(9), generator.standard_normal((9, 4))
    kept[:, 0] = readout + 7  # a constant change does not count
    weights = generator.integers(0, 4, (3, 9)).astype(float)
    for row, found in zip(weights, sufficiency.explained(readout, kept)(weights), strict=True):
        each = np.repeat(np.arange(9), row.astype(int))
        expected = 1 - (kept - readout[:, None])[each].var(0) / readout[each].var()
        np.testing.assert_allclose(found, expected)
        assert found[0] == pytest.approx(1)
    assert np.isnan(sufficiency.explained(np.ones(9), kept)(np.ones(9))).all()


@pytest.mark.parametrize("channels", [2, 3, 5, 8, 64])
def test_sizes_hold_a_quarter_and_what_is_left_of_each(channels):
    sizes = sufficiency.sizes(channels).tolist()
    assert sizes == sorted({channels - size for size in sizes}) and sizes[0] >= 1
    few = sufficiency.share_of(channels, paths.FEW)
    assert few in sizes and channels - few in sizes and abs(few - channels / 4) <= 0.5
    strength = np.random.default_rng(0).random(channels)
    chosen = sufficiency.strongest_sets(strength, np.array(sizes))
    assert chosen.sum(1).tolist() == sizes
    assert all(strength[one].min() > strength[~one].max() for one in chosen)


def test_the_only_channel_that_is_read_is_found_and_carries_everything(small):
    def plant(kernel):
        kernel[:, np.arange(8) != CARRIER] = 0

    found = measure(changed(small, plant))
    assert found.arrays["kept/strength"].argmax() == CARRIER
    np.testing.assert_allclose(found.arrays["kept/strongest"][0], 1, atol=1e-4)
    np.testing.assert_allclose(found.arrays["kept/without"][0], 0, atol=1e-4)
    parts = found.estimates[paths.CLAIM]
    assert parts["explained"].estimate == pytest.approx(1, abs=1e-4)
    assert parts["quarter"].estimate > 0.5 and parts["quarter"].interval[0] > 0.05
    assert parts["needed"].estimate == pytest.approx(1 - parts["explained"].chance, abs=0.3)


def test_channels_that_are_copies_of_one_another_are_no_better_than_random_ones(small):
    params = jax.tree.map(np.array, dict(small.params))
    params["conv2"]["kernel"][:] = params["conv2"]["kernel"][..., :1]
    params["conv2"]["bias"][:] = params["conv2"]["bias"][:1]
    kernel = params["hidden"]["kernel"].reshape(-1, 8, SMALL.hidden)
    kernel[:] = kernel[:, :1]
    parts = measure(Policy(SMALL, params)).estimates[paths.CLAIM]
    assert parts["quarter"].estimate == pytest.approx(0, abs=1e-4)
    assert parts["needed"].estimate == pytest.approx(0, abs=1e-4)


def test_chance_is_what_the_same_test_finds_of_networks_of_shuffled_weights(small):
    found = measure(small, networks=3, seed=4)
    alone = [measure(shuffled_weights(small, seed=seed), seed=4).estimates[paths.CLAIM] for seed in (4, 5, 6)]
    null = np.array([parts["quarter"].estimate for parts in alone])
    explained = [parts["explained"] for parts in alone]
    np.testing.assert_allclose(found.arrays["kept/shuffled"], [(of.estimate, of.chance) for of in explained], atol=1e-5)
    parts = found.estimates[paths.CLAIM]
    beyond = parts["over-shuffled"]
    assert beyond.estimate == pytest.approx(parts["quarter"].estimate - null.mean(), abs=1e-5)
    assert beyond.error > np.sqrt(4 / 3) * null.std(ddof=1) - 1e-5


def test_what_cannot_be_measured_says_why(small):
    def kill(kernel):
        kernel[:] = 0

    same = STACKS | {"original": np.repeat(GREYS[:1], 24, axis=0)}
    for found, reason in (
        (measure(changed(small, kill)), "the turn is the same on all frames"),
        (paths.measure(small, TABLE, same, steering="turn"), "near-duplicates"),
    ):
        assert reason in str(found.arrays["kept/reason"])
        assert all(reason in part.reason for part in found.estimates[paths.CLAIM].values())


def test_at_most_as_many_frames_are_looked_at_as_are_asked_for(small):
    assert len(measure(small, frames=10).arrays["kept/frames"]) == 5
    assert len(measure(small).arrays["kept/frames"]) == 12


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ((Layer("hidden", (Scale(), Flatten(), Dense("hidden", 7))),), "no layer of this network has positions"),
        ((Layer("conv", (Scale(), Convolution("conv", 1, (4, 4), (8, 8)))),), "conv has a single channel"),
        ((Layer("conv", (Scale(), Convolution("conv", 2, (84, 84), (1, 1)))),), None),
    ],
)
def test_channels_are_chosen_where_a_layer_with_positions_has_two(layers, reason):
    network = Architecture((2, 84, 84), layers, (Dense("actor", 6),), last=(Flatten(),))
    random = np.random.default_rng(0)
    params = {
        name: {key: random.normal(0, 0.1, shape).astype(np.float32) for key, shape in arrays.items()}
        for name, arrays in network.parameters().items()
    }
    for part in measure(Policy(network, params)).estimates[paths.CLAIM].values():
        assert reason in part.reason if reason else part.estimate is not None

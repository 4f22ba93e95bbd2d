"""Circuits: what is taken apart adds up again, and agrees with the formula in plain numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from minetest_interp.analysis import circuits
from minetest_interp.claims import circuits as circuit_claims
from minetest_interp.claims import paths
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model.actions import Behaviour, action_table
from minetest_interp.model.frames import as_stacks
from minetest_interp.model.policy import LAYERS, Geometry, Policy, layer_gradients, nature
from minetest_interp.stages import circuits as stage
from tests.conftest import ROOT, random_policy
from tests.kinds import BEHAVIOURS, FACTORS, policy_of
from tests.samples import smooth_frames

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
GREYS = smooth_frames(5, 84)
STACKS = as_stacks(GREYS, SMALL.frames)
TURN = Behaviour(np.arange(6) < 2, np.arange(6) > 2)
JUMP = Behaviour(np.arange(6) % 2 == 0, np.zeros(6, bool))


@pytest.fixture(scope="module")
def small():
    """A policy with every convolution off about half of the time."""
    policy = random_policy(SMALL, seed=3, gain=100.0)
    params = jax.tree.map(np.array, dict(policy.params))
    for layer in LAYERS[:3]:
        params[layer]["bias"] -= np.median(policy._replace(params=params).run(STACKS).layers[layer], axis=(0, 1, 2))
    return Policy(SMALL, params)


@pytest.fixture(scope="module")
def readouts(small):
    return circuits.join(
        [circuits.behaviour_drive(small, TURN), circuits.behaviour_drive(small, JUMP), circuits.value_readout(small)]
    )


@pytest.fixture(scope="module")
def trace(small):
    return small.run(STACKS)


def through_hidden(policy, trace):
    """What each channel adds to each hidden unit that is active, `[N, C, H]`, from the formula."""
    inputs = np.maximum(np.asarray(trace.layers["conv2"], np.float64), 0)
    kernel = np.asarray(policy.params["hidden"]["kernel"], np.float64).reshape(*inputs.shape[1:], -1)
    return np.einsum("nijc,ijch->nch", inputs, kernel) * (np.asarray(trace.hidden) > 0)[:, None]


def test_readouts_are_mean_logits_and_the_value(readouts, trace):
    logits = np.asarray(trace.logits)
    expected = [logits[:, :2].mean(1) - logits[:, 3:].mean(1), logits[:, ::2].mean(1) - logits[:, 1::2].mean(1)]
    np.testing.assert_allclose(readouts(trace.hidden), np.stack([*expected, trace.value], 1), atol=1e-4)


def test_a_drive_needs_actions_on_both_sides(small):
    for empty in (Behaviour(np.ones(6, bool), np.zeros(6, bool)), Behaviour(np.zeros(6, bool), TURN.minus)):
        with pytest.raises(InputError, match="both sides"):
            circuits.behaviour_drive(small, empty)


def test_channels_and_biases_add_up_to_the_readouts(small, readouts, trace):
    found = circuits.contributions(small, readouts, GREYS)
    np.testing.assert_allclose(found.readouts, readouts(trace.hidden), atol=1e-5)
    np.testing.assert_allclose(found.channels.sum(-1) + found.biases, found.readouts, atol=1e-4)
    expected = np.einsum("nch,rh->nrc", through_hidden(small, trace), np.asarray(readouts.weights))
    np.testing.assert_allclose(found.channels, expected, atol=1e-4)
    assert np.abs(expected).max() > 0.1


def test_flows_are_the_same_paths_before_the_readout_however_the_frames_are_batched(small, trace, monkeypatch):
    paths = through_hidden(small, trace)
    for size in (2, 64):
        monkeypatch.setattr(circuits, "SIZE", size)
        found = circuits.path_flow(small, GREYS)
        np.testing.assert_allclose(found.mean, paths.mean(0), atol=1e-5)
        np.testing.assert_allclose(found.strength, np.abs(paths).mean(0), atol=1e-5)


def test_the_static_flow_is_the_flow_of_ones_through_open_relus(small):
    params = jax.tree.map(np.array, dict(small.params))
    params["conv2"]["kernel"][:], params["conv2"]["bias"][:] = 0, 1
    params["hidden"]["bias"][:] = 1e3
    opened = Policy(SMALL, params)
    np.testing.assert_allclose(circuits.path_flow(opened, GREYS).mean, circuits.static_flow(small), atol=1e-4)


def test_the_strongest_come_first():
    sizes = np.array([[1.0, 5.0, 0.0], [4.0, 2.0, 5.0]])
    np.testing.assert_array_equal(circuits.strongest_paths(sizes, count=4), [[0, 1], [1, 2], [1, 0], [1, 1]])


def test_variance_shares_of_parts_sum_to_one_and_constants_have_none():
    parts = np.random.default_rng(0).standard_normal((50, 4)) * [1, 2, 3, 0] + [0, 9, 0, 7]
    shares = circuits.variance_shares(parts, parts.sum(1))
    assert shares.sum() == pytest.approx(1) and shares[3] == pytest.approx(0)
    slopes = [np.polyfit(parts.sum(1), part, 1)[0] for part in parts.T]
    np.testing.assert_allclose(shares, slopes, atol=1e-12)
    assert np.isnan(circuits.variance_shares(parts, np.ones(50))).all()


def test_strengths_are_non_negative_least_squares():
    generator = np.random.default_rng(1)
    basis = generator.random((4, 9))
    basis /= np.linalg.norm(basis, axis=1, keepdims=True)
    points = generator.standard_normal((40, 9)) + 0.5
    expected = np.stack([scipy.optimize.nnls(basis.T, point)[0] for point in points])
    assert (expected == 0).any() and (expected > 0).any()
    found = circuits.strengths(jnp.asarray(points, jnp.float32), jnp.asarray(basis, jnp.float32))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_rectified_gradients_reach_units_that_are_off(small, readouts, trace):
    activations, gradients = jax.jit(lambda stacks: circuits.rectified_gradients(small, readouts, stacks))(STACKS)
    kernel = np.asarray(small.params["hidden"]["kernel"])
    active = (np.asarray(trace.hidden) > 0) * np.asarray(readouts.weights)[:, None]
    expected = (active @ kernel.T).reshape(3, *activations["conv2"].shape)
    off = np.asarray(trace.layers["conv2"]) < 0
    np.testing.assert_allclose(gradients["conv2"], expected, atol=1e-4)
    assert np.abs(expected[:, off]).max() > 0.01
    np.testing.assert_allclose(activations["conv1"], np.maximum(trace.layers["conv1"], 0), atol=1e-5)


def test_factors_and_residual_add_up_to_gradient_times_activation(small, readouts):
    directions = circuits.layer_factors(small, GREYS, count=3, seed=0)
    found = circuits.attribute(small, readouts, directions, GREYS)
    activations = small.run(STACKS).layers
    for r in (0, 2):
        # Before the ReLU gradients are cut where activations are, so the products are the same.
        gradients = jax.jit(lambda stacks, r=r: layer_gradients(small, lambda t: readouts(t.hidden)[:, r], stacks)[1])(
            STACKS
        )
        for layer, attribution in found.items():
            products = np.maximum(np.asarray(activations[layer]), 0) * np.asarray(gradients[layer])
            whole = products.reshape(len(GREYS), -1).sum(1)
            np.testing.assert_allclose(attribution.parts[:, r].sum(-1), whole, atol=1e-4, err_msg=layer)
            assert np.abs(attribution.parts[:, r, -1]).max() > 1e-3


def test_with_every_channel_a_factor_nothing_is_left_and_each_has_its_channels_contribution(small, readouts, trace):
    found = circuits.attribute(small, readouts, {"conv2": np.eye(4, dtype=np.float32)}, GREYS)["conv2"]
    np.testing.assert_allclose(
        found.parts[..., :-1], circuits.contributions(small, readouts, GREYS).channels, atol=1e-4
    )
    np.testing.assert_allclose(found.parts[..., -1], 0, atol=1e-5)
    flat = np.maximum(np.asarray(trace.layers["conv2"]), 0).reshape(len(GREYS), -1, 4)
    np.testing.assert_allclose(found.peaks, flat.max(1), atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(flat, found.places[:, None], 1)[:, 0], flat.max(1), atol=1e-5)


def test_factors_of_many_frames_are_those_of_evenly_spaced_ones(small, monkeypatch):
    expected = circuits.layer_factors(small, GREYS[[0, 2, 4]], count=2, seed=0)
    monkeypatch.setattr(circuits, "FITTED", 3)
    for layer, basis in circuits.layer_factors(small, GREYS, count=2, seed=0).items():
        np.testing.assert_array_equal(basis, expected[layer])


def test_places_are_the_corners_of_receptive_fields():
    peaks, places = np.array([[2.0], [1.0]]), np.array([[0], [10]])
    shared = circuits.FactorAttribution(np.ones((2, 1, 2)), peaks, places)
    found = circuit_claims.factor_places(nature(SMALL), "conv1", shared, exemplars=2)
    side, (field, stride, _) = SMALL.sides[1], nature(SMALL).extent("conv1")[0]
    np.testing.assert_array_equal(found["positions"][0], [[0, 0], [10 // side, 10 % side]])
    np.testing.assert_array_equal(
        found["boxes"][0], [[0, 0, field, field], [10 // side * stride, 10 % side * stride, field, field]]
    )
    whole = circuit_claims.factor_places(nature(SMALL), "hidden", shared._replace(places=0 * places), exemplars=1)
    np.testing.assert_array_equal(whole["boxes"], [[[0, 0, SMALL.size, SMALL.size]]])


def test_the_stage_s_shares_sum_to_one_and_its_exemplars_peak_in_order(tmp_path):
    greys = smooth_frames(6)
    files.write_arrays(tmp_path / "stacks.npz", frames=np.array(list("abcdef")), original=greys)
    levels = {"forward": ["-", "forward"], "jump": ["-", "jump"], "x": ["left", "-", "right"], "y": ["up", "-", "down"]}
    behaviours = {"yaw": {"plus": {"x": "left"}, "minus": {"x": "right"}}, "jump": {"plus": {"jump": "jump"}}}
    stage.run(
        checkpoint_path=ROOT / "data/demo/demo.model",
        policy={"size": 64},
        actions={"factors": levels, "behaviours": behaviours, "steering": "yaw"},
        stacks=tmp_path / "stacks.npz",
        interval={"least_clusters": 3},
        similarity=0.9,
        about=[["trunk", "yaw", 1], ["trunk", "jump", 1]],
        settings={"factors": 3, "exemplars": 2, "paths": 5, "frames": 6, "draws": 2, "networks": 2, "seed": 0},
        arrays=tmp_path / "circuits.npz",
        estimates=tmp_path / "circuits.json",
    )
    found = files.read_arrays(tmp_path / "circuits.npz")
    estimates = files.read_json(tmp_path / "circuits.json")
    assert list(estimates) == ["few-paths-suffice", "trunk/jump/few-paths-suffice"]
    assert (found["kept/strength"] != found["trunk/jump/kept/strength"]).any()
    for name, values in found.items():
        if name.endswith("variance_share"):
            np.testing.assert_allclose(values.sum(-1), 1, atol=1e-4)
    np.testing.assert_allclose(found["channels/mean"].sum(-1), found["values"].mean(0), atol=1e-4)
    assert found["paths/units"].shape == (2, 5, 2) and (np.diff(found["paths/strength"]) <= 0).all()
    assert ((found["paths/share"] > 0) & (found["paths/share"] < 1)).all()
    assert found["conv0/exemplars"].shape == (3, 2) and found["conv0/boxes"].shape == (3, 2, 4)
    assert (found["conv0/exemplars"][:, 0] != found["conv0/exemplars"][:, 1]).all()


def test_where_readouts_cannot_be_taken_apart_it_says_why_and_the_paths_are_tested_all_the_same(tmp_path):
    policy, table = policy_of("tanh, two dense layers", tmp_path), action_table(FACTORS, BEHAVIOURS)
    frames, *size = policy.architecture.stack
    stacks = {"frames": np.arange(8).astype(str), "original": smooth_frames(8, size[0])}
    options = {"steering": "yaw", "frames": 8, "draws": 3, "networks": 2, "similarity": 0.99}
    made = circuit_claims.measure(policy, table, stacks, factors=3, exemplars=2, paths=3, **options)
    alone = paths.measure(policy, table, stacks, **options)
    reason = made.arrays.pop("reason")
    assert reason == circuits.why_not_exact(policy.architecture) and "dense" in str(reason)
    assert made.estimates == alone.estimates and made.arrays.keys() == alone.arrays.keys()
    assert frames == 1 and alone.estimates[paths.CLAIM]["quarter"].estimate is not None

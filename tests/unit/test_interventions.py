"""Edits and their effects: invariants, closed forms, and a network written a second time in numpy."""

import jax
import numpy as np
import pytest
import scipy.stats

from minetest_interp.analysis import interventions
from minetest_interp.io.errors import InputError
from minetest_interp.model import objectives
from minetest_interp.model.actions import ActionTable, Behaviour, probabilities
from minetest_interp.model.policy import Geometry, Policy, nature
from tests.samples import smooth_frames

SMALL = Geometry(2, 84, (6, 5, 4), (8, 4, 3), (4, 2, 1), 16, 6)
GREYS = smooth_frames(7, 84)
MIRRORED = GREYS[:, :, ::-1]
TABLE = ActionTable(
    tuple("abcdef"),
    {
        "turn": Behaviour(np.arange(6) < 2, np.arange(6) > 3),
        "jump": Behaviour(np.arange(6) % 2 == 0, np.zeros(6, bool)),
    },
)
READOUTS = tuple(objectives.readouts(TABLE, nature(SMALL)).values())
CONVOLUTIONS = ("conv0", "conv1", "conv2")
every_layer = pytest.mark.parametrize("layer", [*CONVOLUTIONS, "hidden"])
every_convolution = pytest.mark.parametrize("layer", CONVOLUTIONS)


def drawn(geometry):
    """Normal weights that keep activations of one size, drawn in numpy since the network's own start compiles long."""
    generator, g = np.random.default_rng(0), geometry
    inputs = (g.frames, *g.channels[:2])
    shapes = {f"conv{i}": (k, k, c, d) for i, (k, c, d) in enumerate(zip(g.kernels, inputs, g.channels, strict=True))}
    shapes |= {"hidden": (np.prod(g.shape("conv2")), g.hidden), "actor": (g.hidden, 6), "critic": (g.hidden, 1)}

    def layer(shape):
        kernel = generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))
        return {"kernel": kernel.astype(np.float32), "bias": np.float32(0.1 * generator.standard_normal(shape[-1]))}

    return Policy(g, {name: layer(shape) for name, shape in shapes.items()})


@pytest.fixture(scope="module")
def small():
    return drawn(SMALL)


def changed(policy, change):
    """The policy with its parameters edited in place by `change`."""
    params = jax.tree.map(np.array, dict(policy.params))
    change(params)
    return Policy(policy.geometry, params)


def plain_run(policy, greys, *, layer=None, channel=None):
    """The questions on frames, every layer in numpy; one channel's activation after the ReLU is set to zero."""
    x = np.repeat(greys[..., None], policy.geometry.frames, -1).astype(np.float64) / 255
    for name, stride in zip(CONVOLUTIONS, policy.geometry.strides, strict=True):
        kernel, bias = (np.asarray(policy.params[name][key], np.float64) for key in ("kernel", "bias"))
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
        x = np.maximum(np.einsum("bhwcij,ijcd->bhwd", windows, kernel) + bias, 0)
        if name == layer:
            x[..., channel] = 0
    x = np.maximum(x.reshape(len(x), -1) @ policy.params["hidden"]["kernel"] + policy.params["hidden"]["bias"], 0)
    if layer == "hidden":
        x[:, channel] = 0
    logits, value = (x @ policy.params[head]["kernel"] + policy.params[head]["bias"] for head in ("actor", "critic"))
    behaviours = [probabilities(logits) @ behaviour.weights for behaviour in TABLE.behaviours.values()]
    return np.stack([*behaviours, value[:, 0]], -1)


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_quantities_are_the_behaviours_and_then_the_value(small):
    assert list(objectives.readouts(TABLE, nature(SMALL))) == ["turn", "jump", "value"]
    close(interventions.read_out(small, READOUTS, GREYS), plain_run(small, GREYS))


@every_layer
def test_zero_ablation_is_that_of_an_independent_network(small, layer):
    effects = interventions.ablation_effects(small, READOUTS, layer, GREYS)
    before = plain_run(small, GREYS)
    expected = [plain_run(small, GREYS, layer=layer, channel=i) - before for i in range(SMALL.shape(layer)[-1])]
    assert np.abs(effects).max() > 0.01
    close(effects, np.stack(expected, 1))


@every_layer
def test_an_ablation_of_no_unit_changes_nothing(small, layer):
    channels = SMALL.shape(layer)[-1]
    nothing, everything = np.zeros((1, channels)), np.ones((1, channels))
    effects = interventions.ablation_effects(
        small, READOUTS, layer, GREYS, values=9.0, units=np.r_[nothing, everything]
    )
    assert np.abs(effects[:, 0]).max() < 1e-6 < 0.01 < np.abs(effects[:, 1]).max()


@every_convolution
def test_a_channel_that_nothing_reads_changes_nothing(small, layer):
    def cut(params):
        if layer == "conv2":
            shape = (*SMALL.shape("conv2"), SMALL.hidden)
            params["hidden"]["kernel"].reshape(shape)[:, :, 1] = 0
        else:
            params[{"conv0": "conv1", "conv1": "conv2"}[layer]]["kernel"][:, :, 1] = 0

    effects = interventions.ablation_effects(changed(small, cut), READOUTS, layer, GREYS, values=5.0)
    assert np.abs(effects[:, 1]).max() < 1e-6 < 1e-3 < np.abs(effects).max((0, 2)).max()


@every_layer
def test_patching_every_channel_from_the_mirrored_frame_is_the_mirrored_frame(small, layer):
    everything = np.ones((1, SMALL.shape(layer)[-1]))
    effects = interventions.patching_effects(small, READOUTS, layer, GREYS, MIRRORED, units=everything)
    here, there = (interventions.read_out(small, READOUTS, greys) for greys in (GREYS, MIRRORED))
    assert np.abs(there - here).max() > 0.01
    close(effects[:, 0], there - here, 1e-6)


def test_without_conv2_only_biases_speak(small):
    effects = interventions.ablation_effects(small, READOUTS, "conv2", GREYS, units=np.ones((1, 4)))
    hidden = np.maximum(small.params["hidden"]["bias"], 0)
    value = hidden @ small.params["critic"]["kernel"][:, 0] + small.params["critic"]["bias"][0]
    close(interventions.read_out(small, READOUTS, GREYS)[:, -1] + effects[:, 0, -1], np.full(len(GREYS), value))


@every_layer
def test_the_mean_of_one_frame_is_that_frame(small, layer):
    mean = interventions.mean_activation(small, layer, GREYS[:1], rectified=True)
    assert np.abs(interventions.ablation_effects(small, READOUTS, layer, GREYS[:1], values=mean)).max() < 1e-6
    assert np.abs(interventions.ablation_effects(small, READOUTS, layer, GREYS[1:2], values=mean)).max() > 1e-3


def test_a_mean_over_chunks_of_frames_is_the_mean(small, monkeypatch):
    monkeypatch.setattr(interventions, "CHUNK", 3)
    activation = np.stack(
        [interventions.mean_activation(small, "conv1", GREYS[i : i + 1], rectified=False) for i in range(7)]
    )
    assert activation.min() < 0 < activation.max()
    close(interventions.mean_activation(small, "conv1", GREYS, rectified=False), activation.mean(0))
    close(interventions.mean_activation(small, "conv1", GREYS, rectified=True), np.maximum(activation, 0).mean(0))


def test_frames_do_not_influence_one_another_however_they_are_batched(small, monkeypatch):
    together = interventions.patching_effects(small, READOUTS, "conv1", GREYS, MIRRORED)
    monkeypatch.setattr(interventions, "RUNS", 12)  # two frames at a time
    close(interventions.patching_effects(small, READOUTS, "conv1", GREYS, MIRRORED), together, 1e-6)


def test_units_must_be_sets_of_the_layer_s_channels(small):
    for units in (np.ones((1, 3)), np.ones(4), np.full((1, 4), 0.5)):
        with pytest.raises(InputError, match=r"\[U, 4\] in layer 'conv2'"):
            interventions.ablation_effects(small, READOUTS, "conv2", GREYS, units=units)


def test_donors_come_evenly_from_other_clusters():
    clusters = np.array([2, 0, 0, 2, 5, 0])
    donors = interventions.draw_donors(clusters, count=3000, seed=1)
    for frame, drawn in enumerate(donors):
        outside = np.flatnonzero(clusters != clusters[frame])
        names, counts = np.unique(drawn, return_counts=True)
        np.testing.assert_array_equal(names, outside)
        assert scipy.stats.chisquare(counts).pvalue > 1e-4
    np.testing.assert_array_equal(donors, interventions.draw_donors(clusters, count=3000, seed=1))
    assert (donors != interventions.draw_donors(clusters, count=3000, seed=2)).any()
    assert interventions.draw_donors(np.zeros(4, int), count=2, seed=0) is None
    np.testing.assert_array_equal(interventions.draw_donors(np.array([3, 8]), count=2, seed=0), [[1, 1], [0, 0]])


def test_resampling_averages_signed_and_absolute_changes_over_donors(small):
    donors = np.array([[1, 2], [2, 0], [0, 1]])
    first, second = (
        interventions.patching_effects(small, READOUTS, "conv1", GREYS[:3], GREYS[:3][donor]) for donor in donors.T
    )
    found = interventions.resampling_effects(small, READOUTS, "conv1", GREYS[:3], donors)
    close(found.change, (first + second) / 2, 1e-7)
    close(found.size, (np.abs(first) + np.abs(second)) / 2, 1e-7)
    assert (np.sign(first) * np.sign(second) < 0).any() and (found.size >= np.abs(found.change) - 1e-7).all()


def test_replacements_are_what_their_names_say(small):
    found = interventions.replacement_effects(small, READOUTS, "conv2", GREYS, MIRRORED, None)
    mean = interventions.mean_activation(small, "conv2", GREYS, rectified=True)
    close(found["zero"].change, interventions.ablation_effects(small, READOUTS, "conv2", GREYS), 1e-7)
    close(found["mean"].change, interventions.ablation_effects(small, READOUTS, "conv2", GREYS, values=mean), 1e-7)
    close(found["patch"].size, np.abs(interventions.patching_effects(small, READOUTS, "conv2", GREYS, MIRRORED)), 1e-7)
    assert set(found) == {"zero", "mean", "patch"}
    donors = interventions.draw_donors(np.arange(7), count=2, seed=0)
    assert "resample" in interventions.replacement_effects(small, READOUTS, "conv2", GREYS, MIRRORED, donors)


@every_layer
def test_steering_by_nothing_changes_nothing(small, layer):
    vectors = np.stack([np.zeros(SMALL.shape(layer)), np.ones(SMALL.shape(layer))])
    effects = interventions.steering_effects(small, READOUTS, layer, GREYS, vectors)
    assert np.abs(effects[:, 0]).max() < 1e-6 < 0.01 < np.abs(effects[:, 1]).max()


def test_steering_a_linear_region_is_linear(small):
    def open_wide(params):
        params["conv2"]["bias"] += 20
        params["hidden"]["bias"] += 500

    policy, generator = changed(small, open_wide), np.random.default_rng(4)
    vector = generator.standard_normal((2, *SMALL.shape("conv2")))
    value = (objectives.value(),)
    steps = interventions.steering_effects(
        policy, value, "conv2", GREYS, np.stack([*vector, 2 * vector[0], vector.sum(0)])
    )
    critic = np.float64(policy.params["hidden"]["kernel"]) @ np.float64(policy.params["critic"]["kernel"][:, 0])
    first, second = vector.reshape(2, -1) @ critic
    expected = np.broadcast_to([first, second, 2 * first, first + second], (len(GREYS), 4))
    np.testing.assert_allclose(steps[..., 0], expected, atol=2e-3)  # float32 about a hidden layer of 500
    assert abs(first) > 0.1


def test_a_vector_without_positions_is_added_at_every_one(small):
    vectors = np.random.default_rng(5).standard_normal((2, 5)).astype(np.float32)
    everywhere = np.broadcast_to(vectors[:, None, None], (2, *SMALL.shape("conv1")))
    both = (interventions.steering_effects(small, READOUTS, "conv1", GREYS, v) for v in (vectors, everywhere))
    np.testing.assert_array_equal(*both)


def test_controls_have_the_size_of_what_they_control():
    vector = np.random.default_rng(6).standard_normal((3, 3, 4))
    drawn = interventions.random_directions(vector, count=50, seed=0)
    np.testing.assert_allclose(np.linalg.norm(drawn.reshape(50, -1), axis=1), np.linalg.norm(vector), rtol=1e-5)
    cosines = drawn.reshape(50, -1) @ vector.ravel() / np.linalg.norm(vector) ** 2
    assert abs(cosines.mean()) < 4 / np.sqrt(50 * 36) and np.abs(cosines).max() < 0.8
    sets = interventions.random_units(20, size=3, count=500, seed=0)
    assert sets.shape == (500, 20) and (sets.sum(1) == 3).all()
    assert scipy.stats.chisquare(sets.sum(0)).pvalue > 1e-4


def test_gradient_sides_predict_a_small_push_of_the_left_less_one_of_the_right(small):
    width = SMALL.shape("conv2")[1]
    assert width % 2  # the middle column counts for neither half
    side = np.sign(width // 2 - np.arange(width)) / (width * (width // 2))
    push = np.eye(4)[:, None, None] * np.broadcast_to(side[:, None], SMALL.shape("conv2"))
    step = 1e-3  # a ReLU rarely turns within it
    there, back = (interventions.steering_effects(small, READOUTS[:1], "conv2", GREYS, s * push) for s in (step, -step))
    scores, found = interventions.gradient_sides(small, READOUTS[0], "conv2", GREYS)
    close(scores, plain_run(small, GREYS)[:, 0])
    expected = (there - back)[..., 0] / (2 * step)
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())


def test_a_single_column_has_no_sides():
    narrow = Geometry(1, 36, (2, 2, 2), (8, 4, 3), (4, 2, 1), 4, 6)
    _, sides = interventions.gradient_sides(drawn(narrow), READOUTS[0], "conv2", smooth_frames(2, 36))
    assert sides.shape == (2, 2) and np.isnan(sides).all()


def test_the_rank_counts_the_channels_with_larger_weighted_means():
    sizes = np.random.default_rng(7).random((9, 6)).astype(np.float32)
    weights = np.random.default_rng(8).integers(0, 3, (5, 9)).astype(float)
    found = interventions.rank_share(sizes, 2)(weights)
    for row, share in zip(weights, found, strict=True):
        means = np.average(sizes.astype(float), axis=0, weights=row)
        assert share == sum(m > means[2] for i, m in enumerate(means) if i != 2) / 5
    assert len(set(found)) > 1


def test_a_channel_that_carries_all_of_a_difference_has_share_one():
    difference = np.array([1.0, -2.0, 0.5])
    change = np.stack([difference, 0 * difference, -difference / 4, [2.0, 1.0, 0.0]], 1)
    np.testing.assert_allclose(interventions.carried_share(change, difference), [1, 0, -0.25, 0], atol=1e-12)
    assert np.isnan(interventions.carried_share(change, 0 * difference)).all()


def test_a_steering_vector_is_the_difference_of_mean_activations(small):
    greys = smooth_frames(10, 84, seed=1)
    position = np.array([-0.9, -0.3, 0.3, 0.9, 0.0, np.nan, -0.21, 0.21, -0.2, 0.2])
    left, right = (
        interventions.mean_activation(small, "conv2", greys[at], rectified=False) for at in ([0, 1, 6], [2, 3, 7])
    )
    close(interventions.steering_vector(small, "conv2", greys, position, least=3), left - right, 1e-6)
    with pytest.raises(InputError, match="at least 4 frames .* got 3 left, 3 right"):
        interventions.steering_vector(small, "conv2", greys, position, least=4)


def test_a_dose_response_tries_every_vector_at_every_strength(small):
    vectors = np.random.default_rng(11).standard_normal((3, *SMALL.shape("conv2")))
    dose = interventions.dose_response(small, READOUTS, "conv2", GREYS, vectors, strengths=(-1, 0, 2))
    assert dose.shape == (3, 7, 3, 3) and np.abs(dose[:, :, 1]).max() < 1e-6
    close(
        dose[:, :, 2].swapaxes(0, 1),
        interventions.steering_effects(small, READOUTS, "conv2", GREYS, 2 * vectors),
        1e-6,
    )
    with pytest.raises(InputError, match="near-duplicates"):
        interventions.dose_response(small, READOUTS, "conv2", GREYS[:0], vectors, strengths=(1,))

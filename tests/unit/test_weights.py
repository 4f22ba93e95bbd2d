"""Strongest weights: closed forms on kernels written down by hand, and what the network does with them."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from minetest_interp.analysis import weights
from minetest_interp.io.errors import InputError
from minetest_interp.model.policy import LAYERS, Geometry, Policy
from tests.conftest import random_policy

SMALL = Geometry(frames=2, size=28, channels=(3, 4, 5), kernels=(4, 2, 2), strides=(4, 2, 1), hidden=6)


@pytest.fixture(scope="module")
def small():
    return random_policy(SMALL, seed=4)


def with_kernels(policy, **kernels):
    """The policy with kernels that are zero but for the cells given: `{cell: weight}` by layer."""
    params = {name: dict(values) for name, values in policy.params.items()}
    for name, cells in kernels.items():
        kernel = np.zeros_like(params[name]["kernel"])
        for cell, weight in cells.items():
            kernel[cell] = weight
        params[name]["kernel"] = kernel
    return Policy(policy.geometry, params)


def test_a_kernel_written_by_hand_has_the_norms_and_signs_of_its_slices(small):
    # conv1's channel 2 reads 3 and -4 of conv0's channel 1 (norm 5, sum -1), and 2 of its channel 0.
    cells = {(0, 0, 1, 2): 3.0, (1, 1, 1, 2): -4.0, (0, 1, 0, 2): 2.0, (0, 0, 1, 3): 9.0}
    policy = with_kernels(small, conv1=cells, conv2={(1, 0, 2, 4): -0.5, (0, 0, 2, 0): 0.25})
    found = weights.strongest_weights(policy, "conv1", np.eye(4)[2], count=2)
    assert found.incoming == [(1, -5.0), (0, 2.0)]
    assert found.outgoing == [(4, -0.5), (0, 0.25)]


def test_a_mixture_reads_and_feeds_the_sum_of_its_channels(small):
    policy = with_kernels(
        small, conv1={(0, 0, 0, 0): 1.0, (0, 0, 0, 1): 1.0}, conv2={(0, 0, 0, 3): 2.0, (0, 0, 1, 3): -1.0}
    )
    found = weights.strongest_weights(policy, "conv1", np.array([0.6, 0.8, 0, 0]), count=1)
    assert found.incoming == [(0, pytest.approx(1.4))]
    assert found.outgoing == [(3, pytest.approx(0.6 * 2 - 0.8))]


def test_conv0_reads_the_frames_of_the_stack_and_conv2_feeds_hidden_units_over_its_grid(small):
    side = SMALL.sides[2]
    # The hidden layer reads row by row, channels fastest.
    cell = (((side - 1) * side + 1) * 5 + 3, 2)
    policy = with_kernels(small, conv0={(0, 3, 1, 2): -7.0}, hidden={cell: 4.0})
    assert weights.strongest_weights(policy, "conv0", np.eye(3)[2], count=2).incoming == [(1, -7.0), (0, 0.0)]
    assert weights.strongest_weights(policy, "conv2", np.eye(5)[3], count=1).outgoing == [(2, 4.0)]
    hidden = weights.strongest_weights(policy, "hidden", np.eye(6)[2], count=1)
    assert hidden.incoming == [(3, 4.0)] and hidden.outgoing == []
    (place,) = np.flatnonzero(weights.slices_in(policy, "hidden", np.eye(6)[2])[:, 3])
    assert place == (side - 1) * side + 1


@pytest.mark.parametrize("layer", LAYERS)
def test_slices_in_are_the_gradient_of_the_layer_by_what_it_reads(small, layer):
    generator = np.random.default_rng(0)
    direction = generator.normal(size=SMALL.shape(layer)[-1])
    before = LAYERS[LAYERS.index(layer) - 1] if layer != "conv0" else "input"
    # All units on, so that no ReLU cuts.
    start = jnp.asarray(1 + generator.random((1, *SMALL.shape(before)))).astype(jnp.float32)
    bias = {"kernel": small.params[layer]["kernel"], "bias": np.full(len(direction), 1e3, np.float32)}
    policy = Policy(SMALL, {**small.params, layer: bias})

    def read(activation):
        out = policy.run(activation, start=before).layers[layer]
        return (out.reshape(1, -1, len(direction))[0, 0] * direction).sum()  # the first position

    gradient = np.asarray(jax.grad(read)(start))[0]
    found = weights.slices_in(policy, layer, direction)
    if layer == "hidden":
        expected = gradient.reshape(-1, SMALL.channels[2])
    else:
        size = SMALL.kernels[LAYERS.index(layer)]
        places = np.moveaxis(gradient, 0, -1) * 255 if layer == "conv0" else gradient
        expected = places[:size, :size].reshape(size * size, -1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_outgoing_slices_are_the_incoming_ones_of_the_layer_after(small):
    for layer, after in pairwise(LAYERS):
        width, next_width = SMALL.shape(layer)[-1], SMALL.shape(after)[-1]
        outgoing = np.stack([weights.slices_out(small, layer, one) for one in np.eye(width)])
        incoming = np.stack([weights.slices_in(small, after, one) for one in np.eye(next_width)])
        np.testing.assert_allclose(outgoing, incoming.transpose(2, 1, 0))


def test_strongest_come_first_and_equals_in_their_order():
    slices = np.array([[1.0, -3.0, 2.0, 0.0, 3.0], [0.0, 0.0, -2.0, 0.0, 0.0]])
    found = weights.strongest(slices, count=4)
    assert [joint.unit for joint in found] == [1, 4, 2, 0]
    assert [joint.weight for joint in found] == [-3.0, 3.0, pytest.approx(8**0.5), 1.0]  # a sum of zero counts as plus
    assert len(weights.strongest(slices, count=99)) == 5


def test_a_direction_of_another_width_is_refused(small):
    with pytest.raises(InputError, match=r"a direction of conv1 must have 4 numbers; got \[3\]"):
        weights.strongest_weights(small, "conv1", np.ones(3), count=1)

"""The fast networks compute the policy's own function."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from minetest_interp.io.errors import InputError
from minetest_interp.model import networks, objectives
from minetest_interp.model.policy import Geometry, nature
from tests.conftest import random_policy, random_stacks

GEOMETRIES = [
    Geometry(),
    Geometry(size=84, frames=3, channels=(8, 16, 8), actions=6, hidden=32),
    # kernels that their strides do not divide, and a last row that is cut off
    Geometry(size=61, frames=2, channels=(4, 6, 5), kernels=(7, 5, 3), strides=(3, 2, 2), hidden=16, actions=5),
]


@jax.jit
def run(network, stack):
    return network(stack)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=["minetester", "84", "uneven"])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("convolve", [False, True])
def test_the_fast_network_equals_the_policy(geometry, whole, convolve):
    policy, stack = random_policy(geometry, gain=100.0), random_stacks(3, geometry)
    plain, fast = jax.jit(policy.run)(stack), run(networks.fast(policy, whole=whole, convolve=convolve), stack)
    np.testing.assert_allclose(fast.value, plain.value, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(fast.logits, plain.logits, rtol=1e-5, atol=1e-4)
    sides = dict(zip(networks.CONVOLUTIONS, geometry.sides if whole else networks.read_sides(geometry), strict=True))
    for name, expected in plain.layers.items():
        if name in sides:
            expected = expected[:, : sides[name], : sides[name]]
        if name != "input":
            np.testing.assert_allclose(fast.layers[name], expected, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=["minetester", "84", "uneven"])
def test_packing_and_unpacking_gives_the_stack_back(geometry):
    network, stack = networks.fast(random_policy(geometry)), random_stacks(2, geometry)
    np.testing.assert_array_equal(network.unpack(network.pack(stack), stack), stack)
    changed = np.asarray(network.unpack(network.pack(stack) + 1, stack))
    read = nature(geometry).reads[0]
    np.testing.assert_array_equal(changed[..., :read, :read], stack[..., :read, :read] + 1)


def test_one_frame_shared_by_the_stack_equals_the_frame_repeated(policy):
    frame = random_stacks(2)[:, :1]
    for network in (networks.plain(policy), networks.fast(policy), networks.field(policy, "conv0")):
        crop = frame[:, :, :8, :8] if isinstance(network, networks.Field) else frame
        one, four = run(network, crop), run(network, np.repeat(crop, 4, axis=1))
        for name in set(one.layers) - {"input"}:
            np.testing.assert_allclose(one.layers[name], four.layers[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=["minetester", "84", "uneven"])
@pytest.mark.parametrize("window", [1, 8, 9, 55])
def test_a_window_changed_in_one_frame_gives_the_first_layer_of_the_changed_stack(geometry, window):
    network, stack = networks.fast(random_policy(geometry, gain=100.0)), random_stacks(2, geometry)
    other, last, before = random_stacks(2, geometry, seed=1), nature(geometry).reads[0] - window, network.first(stack)
    for corner in {(0, 0), (last, last), (min(5, last), min(24, last)), (last, min(18, last))}:
        rows, columns = (slice(place, place + window) for place in corner)
        found = network.first_of_frames(before, (other - stack)[..., rows, columns], corner)
        for t in range(geometry.frames):
            changed = stack.copy()
            changed[:, t, rows, columns] = other[:, t, rows, columns]
            np.testing.assert_allclose(found[t], network.first(changed), rtol=1e-4, atol=1e-4)


def test_gradients_equal_the_policy_s_and_the_border_has_none(policy):
    stack = random_stacks(2)
    slopes = [
        np.asarray(jax.jit(jax.grad(lambda x, net=net: net(x).value.sum()))(jnp.asarray(stack)))
        for net in (
            networks.plain(policy),
            networks.fast(policy),
            networks.fast(policy, whole=True),
            networks.fast(policy, convolve=True),
        )
    ]
    for slope in slopes[1:]:
        np.testing.assert_allclose(slope, slopes[0], rtol=1e-4, atol=1e-5 * np.abs(slopes[0]).max())
        assert (slope[..., 60:, :] == 0).all() and (slope[..., 60:] == 0).all()
        assert (slope[..., 59, :60] != 0).any()


def test_a_jitted_network_takes_any_policy_of_its_geometry(policy):
    value = jax.jit(lambda network, stack: network(stack).value)
    stack = random_stacks(2)
    for other in (policy, random_policy(seed=5)):
        np.testing.assert_allclose(
            value(networks.fast(other), stack), jax.jit(other.run)(stack).value, rtol=1e-5, atol=1e-5
        )
    assert value._cache_size() == 1


@pytest.mark.parametrize("layer", networks.CONVOLUTIONS)
def test_a_field_gives_its_unit_as_the_whole_network_does(policy, layer):
    stack, position = random_stacks(2), objectives.centre(policy.geometry, layer)
    top, left, size, width = policy.architecture.box(layer, position)
    assert size == width == {"conv0": 8, "conv1": 20, "conv2": 36}[layer]
    seen = run(networks.field(policy, layer), stack[:, :, top : top + size, left : left + size]).layers[layer]
    whole = jax.jit(policy.run)(stack).layers[layer][:, position[0], position[1]]
    np.testing.assert_allclose(seen[:, 0, 0], whole, rtol=1e-5, atol=1e-5)


def test_only_convolutions_have_fields(policy):
    with pytest.raises(InputError, match="got 'hidden'"):
        networks.field(policy, "hidden")

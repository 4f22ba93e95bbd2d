"""Networks of other projects, in their formats, against the same networks in plain NumPy."""

import jax
import numpy as np
import pytest

from minetest_interp.io.errors import InputError
from minetest_interp.model import agent, checkpoint
from minetest_interp.model.policy import Geometry, layer_gradients
from tests import networks
from tests.networks import CLIENTS


@pytest.fixture(scope="module", params=CLIENTS)
def client(request):
    return CLIENTS[request.param]()


@pytest.fixture(scope="module")
def loaded(client, tmp_path_factory):
    yield checkpoint.load(networks.write(client, tmp_path_factory.mktemp("client")), **client.settings).policy
    jax.clear_caches()


@pytest.fixture(scope="module")
def stacks(client):
    return np.random.default_rng(0).integers(0, 256, (2, *client.stack)).astype(np.float32)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1, np.abs(expected).max()))


def test_every_layer_and_head_is_what_numpy_computes(client, loaded, stacks):
    trace, expected = jax.jit(loaded.run)(stacks), client.run(stacks)
    targets = loaded.architecture.targets
    assert ("input", *expected.layers) == targets and set(trace.layers) == {*targets}
    for name, layer in expected.layers.items():
        assert trace.layers[name].shape[1:] == loaded.architecture.shape(name)
        close(trace.layers[name], layer)
    for name in ("logits", "value", "q"):
        found = getattr(trace, name)
        assert (found is None or found.size == 0) == (name not in expected.heads)
        if name in expected.heads:
            close(found, expected.heads[name])


def test_a_run_may_start_at_any_layer_and_an_edit_is_seen_by_all_that_follow(loaded, stacks):
    whole = loaded.run(stacks)
    for name in loaded.architecture.targets:
        again = loaded.run(whole.layers[name], start=name)
        close(again.value, whole.value)
        assert list(again.layers) == [*list(whole.layers)[list(whole.layers).index(name) :]]
        silenced = loaded.run(stacks, edit=lambda at, x, name=name: 0 * x if at == name else x)
        from_nothing = loaded.run(0 * whole.layers[name], start=name)
        close(silenced.value, from_nothing.value)


def test_one_backward_pass_gives_the_gradient_at_every_layer(loaded, stacks):
    whole = loaded.run(stacks)
    _, gradients = layer_gradients(loaded, lambda trace: trace.value, stacks)
    assert set(gradients) == {*loaded.architecture.targets}
    for name, gradient in gradients.items():
        own = jax.grad(lambda x, name=name: loaded.run(x, start=name).value.sum())(whole.layers[name])
        # Rounding may switch a unit whose activation is nearly zero.
        assert np.linalg.norm(gradient - own) <= 0.02 * np.linalg.norm(own)


def test_a_position_sees_no_pixel_outside_its_field(loaded, stacks):
    """And both ends of the field, where they lie inside the picture."""
    network = loaded.architecture
    for name in network.targets[1:]:
        extents = network.extent(name)
        if extents is None:
            continue
        shape = network.shape(name)
        index = tuple(n // 2 for n in shape[:2])

        def one(stack, name=name, index=index):
            return loaded.run(stack).layers[name][(0, *index)].sum()

        seen = np.abs(np.asarray(jax.grad(one)(stacks[:1]))[0]).sum(0) > 0
        for axis, (extent, place) in enumerate(zip(extents, index, strict=True)):
            first = extent.start + extent.stride * place
            touched = np.flatnonzero(seen.any(1 - axis))
            low, high = max(0, first), min(seen.shape[axis], first + extent.size) - 1
            assert low <= touched.min() and touched.max() <= high
            if not any(type(step).__name__ == "Pool" for layer in network.layers for step in layer.steps):
                assert (touched.min(), touched.max()) == (low, high)


def test_other_precisions_load_as_float32(tmp_path):
    client = CLIENTS["one frame"]()
    for dtype in networks.PRECISIONS:
        recast = client._replace(data=networks.recast(client.data, dtype))
        params = checkpoint.load(networks.write(recast, tmp_path), **client.settings).policy.params
        whole = checkpoint.load(networks.write(client, tmp_path), **client.settings).policy.params
        for name, arrays in whole.items():
            for key, array in arrays.items():
                assert params[name][key].dtype == np.float32
                np.testing.assert_array_equal(params[name][key], array.astype(dtype).astype(np.float32))


def test_only_the_network_that_all_measurements_know_has_its_sizes(client, loaded, request):
    known = ("minetest-baselines PPO", "CleanRL PPO scan", "one frame", "colours")
    assert isinstance(loaded.network, Geometry) == (request.node.callspec.params["client"] in known)


def test_a_study_of_another_network_is_refused_in_one_line_that_names_its_layers(tmp_path):
    client = CLIENTS["CleanRL qdagger"]()
    path = networks.write(client, tmp_path)
    with pytest.raises(InputError, match="agent.model: a study must be of three .* pool0, block0a, .* heads q. Use"):
        agent.load_measurable(path, client.settings)

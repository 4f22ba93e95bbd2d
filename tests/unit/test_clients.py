"""Networks of other projects, in their formats, against the same networks in plain NumPy."""

import jax
import numpy as np
import pytest

from minetest_interp.analysis import interventions
from minetest_interp.dreams import notebook
from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint, objectives
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.architecture import Trace
from minetest_interp.model.description import describe
from minetest_interp.model.policy import Geometry, layer_gradients
from tests import networks
from tests.networks import CLIENTS, check_units, close


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


def test_a_unit_of_every_layer_can_be_read_and_raised(loaded, stacks):
    check_units(loaded, stacks)


def test_a_dream_at_a_layer_stays_within_what_its_function_lets_through(loaded, stacks):
    for name in loaded.architecture.targets:
        low, high = loaded.architecture.bounds(name)
        whole = np.asarray(loaded.run(stacks[:1]).layers[name])
        assert low <= whole.min() and whole.max() <= high
        dream = notebook.deep_dream(loaded, objectives.value(sign=-1), stacks[:1], target=name, lr=1e6, steps=1)
        assert low <= dream.image.min() and dream.image.max() <= high


def test_differences_of_q_values_are_those_of_the_means():
    random = np.random.default_rng(0)
    q, nothing = random.normal(size=(4, 9)).astype(np.float32), np.zeros((4, 0), np.float32)
    trace = Trace(jax.numpy.asarray(nothing), jax.numpy.asarray(q.max(-1)), jax.numpy.asarray(nothing), {}, q)
    turn = Behaviour(np.arange(9) < 2, np.arange(9) >= 6)
    close(objectives.return_difference(turn)(trace), q[:, :2].mean(1) - q[:, 6:].mean(1))
    close(objectives.return_difference(turn, sign=-1)(trace), q[:, 6:].mean(1) - q[:, :2].mean(1))
    go = Behaviour(np.arange(9) == 4, np.zeros(9, bool))
    close(objectives.return_difference(go)(trace), q[:, 4] - np.delete(q, 4, axis=1).mean(1))
    with pytest.raises(InputError, match="Q values must be there"):
        objectives.return_difference(go)(trace._replace(q=None))
    with pytest.raises(InputError, match="actions on both sides"):
        objectives.return_difference(Behaviour(np.ones(9, bool), np.zeros(9, bool)))


def test_what_silencing_a_channel_does_is_the_difference_of_two_runs(loaded, stacks):
    greys, layer = stacks[:, 0], loaded.architecture.maps[-1]
    units = np.eye(loaded.architecture.shape(layer)[-1])[[0, 2]]
    stills = np.repeat(greys[:, None], loaded.architecture.frames, axis=1)
    effects = interventions.ablation_effects(loaded, [objectives.value()], layer, greys, units=units)
    whole = loaded.run(stills).value
    for effect, channel in zip(effects[..., 0].T, (0, 2), strict=True):
        without = loaded.run(stills, edit=lambda at, x, c=channel: x.at[..., c].set(0) if at == layer else x).value
        np.testing.assert_allclose(effect, without - whole, rtol=1e-3, atol=1e-5 * max(1, np.abs(whole).max()))


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


def test_a_description_has_the_shapes_that_numpy_computes_and_what_each_unit_sees(client, loaded, stacks):
    described, expected = describe(loaded.architecture), client.run(stacks)
    assert (described["frames"], described["height"], described["width"]) == client.stack
    assert {row["name"]: tuple(row["shape"]) for row in described["layers"]} == {
        name: layer.shape[1:] for name, layer in expected.layers.items()
    }
    assert set(described["outputs"]) == expected.heads.keys() and described["actions"] == loaded.architecture.actions
    assert all((row["field"] is None) == (len(row["shape"]) == 1) for row in described["layers"])


def test_the_rows_and_columns_that_are_read_are_those_with_a_gradient(loaded, stacks):
    gradient = np.abs(layer_gradients(loaded, objectives.value(), stacks)[1]["input"]).max((0, 1))
    rows, columns = describe(loaded.architecture)["reads"]
    assert not gradient[rows:].any() and not gradient[:, columns:].any()
    assert gradient[rows - 1].any() and gradient[:, columns - 1].any()

"""Networks of other projects, in their formats, against the same networks in plain NumPy."""

import jax
import numpy as np
import pytest

from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint, objectives
from minetest_interp.model.actions import Behaviour
from minetest_interp.model.architecture import Trace
from minetest_interp.model.description import describe
from minetest_interp.model.policy import Geometry
from tests import networks
from tests.networks import CLIENTS, close


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

"""Networks of people's own: layers and outputs against plain NumPy, and every way to get one wrong."""

import jax
import numpy as np
import pytest

from minetest_interp.io.errors import InputError
from minetest_interp.model import agent, checkpoint, intermediates, networks
from minetest_interp.model.modules import ModuleNetwork
from tests import modules
from tests.modules import OWN
from tests.networks import Maker, close, dense, packed


@pytest.fixture(scope="module", params=OWN)
def own(request):
    return OWN[request.param]()


@pytest.fixture(scope="module")
def loaded(own, tmp_path_factory):
    yield checkpoint.load(**modules.write(own, tmp_path_factory.mktemp("own"))).policy
    jax.clear_caches()


@pytest.fixture(scope="module")
def stacks(own):
    return np.random.default_rng(0).integers(0, 256, (2, *own.stack)).astype(np.float32)


def score(trace):
    return trace.logits[:, 0] if trace.value is None else trace.value


def test_every_layer_and_output_is_what_numpy_computes(own, loaded, stacks):
    trace, expected = networks.run(networks.plain(loaded), stacks), own.run(stacks)
    network = loaded.architecture
    assert isinstance(network, ModuleNetwork) != own.known
    assert network.targets == ("input", *expected.layers) and set(trace.layers) == {*network.targets}
    for name, layer in expected.layers.items():
        assert network.shape(name) == trace.layers[name].shape[1:]
        assert network.bounds(name) == own.bounds.get(name, (-np.inf, np.inf))
        close(trace.layers[name], layer)
    assert network.outputs == tuple(name for name in ("logits", "q", "value") if name in expected.heads)
    for name, output in expected.heads.items():
        close(getattr(trace, name), output)
    assert network.stack == own.stack and network.frames == own.stack[0]
    assert network.actions == max(trace.logits.shape[1], 0 if trace.q is None else trace.q.shape[1])
    computed = intermediates.compute(loaded, stacks)
    assert list(computed) == [*expected.layers, *network.outputs]


def test_what_lies_before_the_start_is_not_computed(loaded):
    def operations(start):
        activation = np.zeros((2, *loaded.architecture.shape(start)), np.float32)
        run = jax.jit(lambda x: score(loaded.run(x, start=start)))
        return run.lower(activation).compile().cost_analysis()["flops"]

    counts = [operations(target) for target in loaded.architecture.targets]
    assert counts == sorted(counts, reverse=True) and counts[-1] < counts[1] < counts[0]


@pytest.mark.parametrize("data", [modules.msgpack, modules.deeper, modules.keyed])
def test_arrays_are_found_by_their_paths_in_any_format(tmp_path, data):
    own = OWN["residual"]()
    params = checkpoint.load(**modules.write(own, tmp_path, data=data)).policy.params
    np.testing.assert_equal(params["torso.blocks_1.second"], own.params["torso"]["blocks_1"]["second"])
    assert len(params) == 8


def test_the_three_trees_of_cleanrl_are_the_submodules_network_actor_and_critic(tmp_path):
    make = Maker(5)
    trees = {"0": {"Dense_0": make.dense(16, 8)}, "1": make.dense(8, 3), "2": make.dense(8, 1)}
    source = """
import flax.linen as nn


class Network(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.relu(nn.Dense(8)(x.reshape(len(x), -1) / 255))


class Agent(nn.Module):
    def setup(self):
        self.network, self.actor, self.critic = Network(), nn.Dense(3), nn.Dense(1)

    def __call__(self, x):
        x = self.network(x)
        return self.actor(x), self.critic(x)
"""
    (tmp_path / "agent.py").write_text(source)
    tree = {"0": {"seed": 1}, "1": {key: {"params": each} for key, each in trees.items()}}
    (tmp_path / "agent.model").write_bytes(packed(tree))
    loaded = checkpoint.load(
        tmp_path / "agent.model", module=tmp_path / "agent.py", size=4, frames=1, **{"class": "Agent"}
    )
    assert loaded.args == {"seed": 1} and loaded.policy.architecture.targets == ("input", "network.Dense_0", "network")
    stacks = np.random.default_rng(0).uniform(0, 255, (2, 1, 4, 4)).astype(np.float32)
    hidden = np.maximum(dense(stacks.reshape(2, -1) / 255, trees["0"]["Dense_0"]), 0)
    close(loaded.policy.run(stacks).logits, dense(hidden, trees["1"]))
    close(loaded.policy.run(stacks).value, dense(hidden, trees["2"])[:, 0])


INSIDE = """
import flax.linen as nn
import jax.numpy as jnp


class Network(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(4, (3, 3), dtype=jnp.bfloat16, name="half")(x / 255)
        x = nn.remat(nn.Conv)(4, (3, 3), name="again")(nn.relu(x))
        x = nn.Sequential([nn.Dense(5), nn.tanh, nn.Dense(6, name="last")], name="both")(x.reshape(len(x), -1))
        x = nn.Dropout(0.5, deterministic=True)(x)
        return nn.Dense(2, name="actor")(x), jnp.square(nn.Dense(1, name="critic")(x))
"""


def test_what_other_functions_wrap_is_no_layer_and_what_is_passed_on_is_one_but_once(tmp_path):
    """bfloat16 within a network is float32 where it is shown."""
    (tmp_path / "agent.py").write_text(INSIDE)
    make = Maker(6)
    params = {
        "half": make.convolution(3, 8, 4), "again": make.convolution(3, 4, 4),
        "Dense_0": make.dense(8 * 8 * 4, 5), "last": make.dense(5, 6),
        "actor": make.dense(6, 2), "critic": make.dense(6, 1),
    }  # fmt: skip
    (tmp_path / "agent.model").write_bytes(packed({"params": params}))
    settings = {"class": "Network", "size": 8, "frames": 8, "module": tmp_path / "agent.py"}
    policy = checkpoint.load(tmp_path / "agent.model", **settings).policy
    network, stacks = policy.architecture, np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 8)).astype(np.float32)
    assert network.targets == ("input", "half", "Dense_0", "last")
    whole = policy.run(stacks)
    assert {str(layer.dtype) for layer in whole.layers.values()} == {"float32"} and (whole.value >= 0).all()
    for name in network.targets[1:]:
        close(policy.run(whole.layers[name], start=name).logits, whole.logits)


TEMPLATE = """
import flax.linen as nn
import jax.numpy as jnp
from flax import nnx


class Network(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = x.reshape(len(x), -1)
        {body}


class Other:
    pass


class Counting(nnx.Module):
    def __init__(self, rngs):
        self.norm = nnx.BatchNorm(4, rngs=rngs)

    def __call__(self, x):
        return self.norm(x)
"""
ENDS = "return nn.Dense(3)(x), nn.Dense(1)(x)"


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        (TEMPLATE, {"class": "Netwrok"}, "`policy.class` must be .* one of Network, Counting; got 'Netwrok'"),
        (TEMPLATE, {"class": "Other"}, "one of Network, Counting; got 'Other'"),
        ("x = 1", {}, "one of none; got 'Network'"),
        ("import nothing_of_this_name", {}, "agent.py, line 1: ModuleNotFoundError: No module named 'nothing_of"),
        ("def f(:", {}, "agent.py: SyntaxError: invalid syntax .agent.py, line 1."),
        ("raise SystemExit('usage: train')", {}, "agent.py, line 1: SystemExit: usage: train"),
        (TEMPLATE.format(body="raise ValueError('too\\nwide')"), {}, "agent.py, line 11: ValueError: too wide"),
        (TEMPLATE.format(body="return x @ x"), {}, "agent.py, line 11: TypeError: dot_general"),
        (TEMPLATE.format(body=ENDS), {"arguments": {"width": 3}}, "TypeError: .*unexpected keyword argument 'width'"),
        (TEMPLATE.format(body="return nn.Dense(3)(x)"), {}, "return 2 outputs: actor, critic; got 1. See `policy.outp"),
        (TEMPLATE.format(body=ENDS), {"outputs": ["q"]}, "Network must return 1 outputs: q; got 2"),
        (TEMPLATE.format(body="return {'actor': x, 'value': x}"), {}, "actor, critic; got a map of actor, value"),
        (TEMPLATE.format(body="return x, x"), {}, r"critic as an array .B. or .B, 1.; got .3, 64. for 3 items"),
        (TEMPLATE.format(body="return x.mean(), x[:, 0]"), {}, r"actor as an array .B, actions.; got .. for 3 items"),
        (TEMPLATE.format(body="return 'left', x[:, 0]"), {}, "actor as an array .B, actions.; got str"),
        (TEMPLATE.format(body=ENDS), {}, "must have a submodule through which alone its outputs depend on the stack"),
        (
            TEMPLATE.format(body="return nn.Dense(3)(jnp.ones((3, 2))), jnp.ones(3)"),
            {},
            "must have a submodule through",
        ),
        (
            TEMPLATE.format(body="x = nn.BatchNorm(use_running_average=True)(x); " + ENDS),
            {},
            "must have parameters alone; it has batch_stats as well",
        ),
        (TEMPLATE, {"class": "Counting", "size": [4, 4]}, "must have parameters alone; it has BatchStat as well"),
        (TEMPLATE, {"outputs": ["critic"]}, "`policy.outputs` must be one of actor, critic; .* got critic"),
        (TEMPLATE, {"layout": "CHWN"}, "`policy.layout` one of NCHW, NHWC; got .* CHWN"),
        (TEMPLATE, {"padding": "SAME", "family": "chain"}, "the file says `family`, `padding` itself; leave it out"),
        (TEMPLATE, {"size": None, "frames": None}, "must state `size`, `frames` of a network of one's own"),
    ],
)
def test_what_is_wrong_with_a_persons_file_is_said_in_one_line(tmp_path, source, settings, message):
    (tmp_path / "agent.py").write_text(source)
    (tmp_path / "agent.model").write_bytes(packed({"params": {"Dense_0": Maker(0).dense(64, 3)}}))
    given = {"class": "Network", "size": 8, "frames": 1} | settings
    with pytest.raises(InputError, match=message) as error:
        checkpoint.load(tmp_path / "agent.model", module=tmp_path / "agent.py", **given)
    assert "\n" not in str(error.value) and str(tmp_path / "agent.py") in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tree: tree.update(Dense_9=tree["Dense_3"]), "params/Dense_9/bias is not a part of the network"),
        (lambda tree: tree.pop("Conv_1"), r"params/Conv_1/kernel is missing; it must have the shape .4, 4, 8, 9."),
        (
            lambda tree: tree.update(Conv_1={**tree["Conv_1"], "bias": np.ones(4, np.float32)}),
            r"params/Conv_1/bias must have the shape \[9\]; got \[4\]",
        ),
    ],
)
def test_arrays_that_do_not_fit_the_module_are_named(tmp_path, change, message):
    own = OWN["tanh"]()
    change(own.params)
    with pytest.raises(InputError, match=message):
        checkpoint.load(**modules.write(own, tmp_path))


def test_what_the_module_does_not_use_may_be_left_out_by_name(tmp_path):
    own = OWN["tanh"]()
    own.params["Extra_0"] = own.params["Dense_3"]
    given = modules.write(own, tmp_path)
    assert checkpoint.load(**given, ignore=["params/Extra_0"]).policy.architecture.actions == 5


def test_settings_of_a_module_need_one(tmp_path):
    given = modules.write(OWN["tanh"](), tmp_path)
    del given["module"]
    with pytest.raises(InputError, match="class, arguments, frames must come with `policy.module`"):
        checkpoint.load(**given)


def test_a_file_is_run_only_where_it_is_named(tmp_path):
    given = modules.write(OWN["tanh"](), tmp_path)
    given["module"].write_text(f"open({str(tmp_path / 'trace')!r}, 'w')\n" + given["module"].read_text())
    with pytest.raises(InputError):
        checkpoint.load(given["path"], size=64)
    assert not (tmp_path / "trace").exists()


def test_the_action_table_has_an_action_for_each_output(tmp_path):
    given = modules.write(OWN["one frame"](), tmp_path)
    path = given.pop("path")
    table = {"factors": {"do": list("abcdef")}, "behaviours": {"go": {"plus": {"do": "a"}}}}
    assert agent.load(path, given, table).table.labels
    with pytest.raises(InputError, match="one action for each of the 6 that the policy chooses from; it has 2"):
        agent.load(path, given, table | {"factors": {"do": ["a", "b"]}})

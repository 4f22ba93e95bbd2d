"""The exported model in another runtime: the same numbers from the same frames."""

import hashlib
import json

import jax
import numpy as np
import onnx
import onnxruntime
import pytest

from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint, onnx_export, op_list
from minetest_interp.model.policy import LAYERS, Geometry
from minetest_interp.stages import export
from tests import networks
from tests.conftest import random_policy, random_stacks
from tests.kinds import KINDS, MODULES, policy_of
from tests.networks import CLIENTS

CLOSE = 1e-4
SMALL = Geometry(2, 50, (3, 5, 7), (5, 3, 2), (3, 2, 2), 11, 6)


@pytest.fixture(scope="module")
def small():
    return random_policy(SMALL, seed=3, gain=50.0)


def session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", ["policy", "small"])
def test_another_runtime_gives_the_same_logits_and_value(name, request):
    policy = request.getfixturevalue(name)
    stacks = random_stacks(5, policy.geometry, seed=4)
    model = session(onnx_export.to_bytes(onnx_export.build(policy, {})))
    trace = policy.run(stacks)
    for count in (1, len(stacks)):  # the number of stacks is free
        logits, value = model.run(None, {"frames": stacks[:count]})
        assert logits.dtype == value.dtype == np.float32
        np.testing.assert_allclose(logits, trace.logits[:count], atol=CLOSE, rtol=0)
        np.testing.assert_allclose(value, trace.value[:count], atol=CLOSE, rtol=0)
    assert np.ptp(trace.logits, axis=0).min() > 100 * CLOSE  # logits that hang on the frames


def given_by(model, stacks, layers):
    """Every output, and every layer as this project has it, by name."""
    outputs = [output.name for output in model.graph.output]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in layers)
    found = dict(
        zip([*outputs, *layers], session(model.SerializeToString()).run(None, {"frames": stacks}), strict=True)
    )
    return {name: np.moveaxis(array, 1, -1) if array.ndim == 4 else array for name, array in found.items()}


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=CLOSE * max(1, np.abs(expected).max()), rtol=0)


@pytest.mark.parametrize("name", CLIENTS)
def test_another_runtime_gives_what_numpy_gives_for_other_projects_networks(name, tmp_path):
    client = CLIENTS[name]()
    policy = checkpoint.load(networks.write(client, tmp_path), **client.settings).policy
    stacks = np.random.default_rng(0).integers(0, 256, (2, *client.stack)).astype(np.float32)
    model = onnx_export.build(policy, {})
    assert [output.name for output in model.graph.output] == list(policy.architecture.outputs)
    onnx_export.to_bytes(model)  # checks it
    found, expected = given_by(model, stacks, policy.architecture.targets[1:]), client.run(stacks)
    assert found.keys() == {*expected.layers, *expected.heads}
    for key, array in (expected.layers | expected.heads).items():
        close(found[key], array)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_gives_the_layers_and_heads_of_jax(kind, tmp_path):
    policy = policy_of(kind, tmp_path)
    network = policy.architecture
    stacks = np.random.default_rng(1).uniform(0, 255, (3, *network.stack)).astype(np.float32)
    found, trace = given_by(onnx_export.build(policy, {}), stacks, network.targets[1:]), jax.jit(policy.run)(stacks)
    for name in network.targets[1:]:
        close(found[name], trace.layers[name])
    for name in network.outputs:
        close(found[name], getattr(trace, name))


def test_every_layer_can_be_read_by_its_name(policy):
    stacks = random_stacks(2)
    found, trace = given_by(onnx_export.build(policy, {}), stacks, LAYERS), policy.run(stacks)
    for name in LAYERS:
        np.testing.assert_allclose(found[name], trace.layers[name], atol=CLOSE, rtol=0)


def test_the_stage_writes_the_same_bytes_with_the_checkpoints_digest(small, tmp_path):
    checkpoint.save(tmp_path / "a.model", small, {})
    settings = {"strides": SMALL.strides, "size": SMALL.size}
    actions = {"factors": {"do": list("abcdef")}, "behaviours": {"up": {"plus": {"do": "b"}}}}
    files = [tmp_path / name for name in ("one.onnx", "two.onnx")]
    for file in files:
        export.run(tmp_path / "a.model", settings, actions, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    model = onnx.load(files[0])
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", onnx_export.OPSET)]
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata["checkpoint_sha256"] == hashlib.sha256((tmp_path / "a.model").read_bytes()).hexdigest()
    assert json.loads(metadata["actions"]) == list("abcdef")
    shapes = {
        io.name: [dim.dim_param or dim.dim_value for dim in io.type.tensor_type.shape.dim]
        for io in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"frames": ["N", 2, 50, 50], "logits": ["N", 6], "value": ["N"]}


def test_a_network_is_listed_exactly_where_no_reason_speaks_against_it(tmp_path):
    reasons = {}
    for kind in ("pooled", *MODULES):
        network = policy_of(kind, tmp_path).architecture
        reasons[kind] = op_list.why_not(network)
        if reasons[kind] is None:
            assert [layer["name"] for layer in op_list.layers(network)] == [layer.name for layer in network.layers]
        else:
            with pytest.raises(InputError, match=reasons[kind]):
                op_list.layers(network)
    assert reasons["pooled"] is None and op_list.UNKNOWN in reasons.values()

"""The exported model in another runtime: the same numbers from the same frames."""

import hashlib
import json

import numpy as np
import onnx
import onnxruntime
import pytest

from minetest_interp.model import checkpoint, onnx_export
from minetest_interp.model.policy import LAYERS, Geometry
from minetest_interp.stages import export
from tests.conftest import random_policy, random_stacks

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


def test_every_layer_can_be_read_by_its_name(policy):
    model = onnx_export.build(policy, {})
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in LAYERS)
    stacks = random_stacks(2)
    found = session(model.SerializeToString()).run(list(LAYERS), {"frames": stacks})
    for (name, expected), activation in zip(list(policy.run(stacks).layers.items())[1:], found, strict=True):
        shown = activation if name == "hidden" else np.moveaxis(activation, 1, -1)
        np.testing.assert_allclose(shown, expected, atol=CLOSE, rtol=0)


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

"""The demo's exported policy on every frame of the study."""

import numpy as np
import onnx
import onnxruntime
import pytest

from minetest_interp.io import files, layout
from minetest_interp.model import frames
from tests.conftest import ROOT

RESULTS = ROOT / "results/demo"


@pytest.fixture(scope="module")
def model():
    if not (RESULTS / "policy.onnx").is_file():
        pytest.skip("NOT CHECKED: the demo study has not been built; run make first")
    return (RESULTS / "policy.onnx").read_bytes()


def test_the_model_is_valid_and_names_its_checkpoint(model):
    loaded = onnx.load_from_string(model)
    onnx.checker.check_model(loaded, full_check=True)
    metadata = {entry.key: entry.value for entry in loaded.metadata_props}
    assert metadata["checkpoint_sha256"] == files.sha256(ROOT / "data/demo/demo.model")


@pytest.mark.parametrize("view", frames.VIEWS)
def test_another_runtime_gives_the_studys_logits_and_values(model, view):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    stacks = frames.as_stacks(files.read_arrays(RESULTS / "stacks.npz", view)[view], 4)
    for name, found in zip(("logits", "value"), session.run(None, {"frames": stacks}), strict=True):
        expected = files.read_arrays(layout.intermediates(RESULTS, view), name)
        np.testing.assert_allclose(found, expected[name], atol=1e-4, rtol=0)

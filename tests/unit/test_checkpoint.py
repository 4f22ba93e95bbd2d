import pickle

import flax.serialization
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint
from minetest_interp.model.policy import Geometry
from tests.conftest import random_policy, random_stacks

SMALL = Geometry(4, 64, (4, 5, 6), (8, 4, 3), (4, 2, 1), 7, 36)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "small.model"
    checkpoint.save(path, random_policy(SMALL), {"seed": 1})
    return path


def edited(saved, tmp_path, change):
    tree = flax.serialization.msgpack_restore(saved.read_bytes())
    change(tree)
    path = tmp_path / "edited.model"
    path.write_bytes(flax.serialization.msgpack_serialize(tree))
    return path


@pytest.mark.parametrize(
    "geometry", [SMALL, Geometry(2, 84, (8, 6, 5), (8, 4, 3), (4, 2, 1), 20, 6), Geometry(1, 96, hidden=9, actions=2)]
)
def test_geometry_is_read_off_what_was_saved(tmp_path, geometry):
    policy = random_policy(geometry, seed=1)
    checkpoint.save(tmp_path / "a.model", policy, {"exp_name": "x"})
    loaded = checkpoint.load(tmp_path / "a.model", strides=geometry.strides)
    assert loaded.policy.geometry == geometry and loaded.args == {"exp_name": "x"}
    stacks = random_stacks(2, geometry)
    np.testing.assert_array_equal(loaded.policy.run(stacks).logits, policy.run(stacks).logits)


def test_saving_what_was_loaded_gives_the_same_bytes(saved, tmp_path):
    loaded = checkpoint.load(saved)
    checkpoint.save(tmp_path / "again.model", loaded.policy, loaded.args)
    assert (tmp_path / "again.model").read_bytes() == saved.read_bytes()


def test_a_frame_size_that_fits_can_be_chosen_and_another_is_refused(saved):
    assert checkpoint.load(saved).policy.geometry.size == 64
    assert checkpoint.load(saved, size=60).policy.geometry.size == 60
    with pytest.raises(InputError, match="frames of 84x84 cannot give"):
        checkpoint.load(saved, size=84)


def conv0(tree):
    return tree["1"]["0"]["params"]["Conv_0"]


BAD_TREES = {
    "nan": (
        lambda t: conv0(t).update(kernel=np.full((8, 8, 4, 4), np.nan, np.float32)),
        "Conv_0/kernel must be finite",
    ),
    "shape": (lambda t: conv0(t).update(bias=np.zeros(3, np.float32)), "one bias per output"),
    "integers": (lambda t: conv0(t).update(kernel=np.zeros((8, 8, 4, 4), int)), "must be a float array of rank 4"),
    "layer gone": (lambda t: t["1"]["0"]["params"].pop("Conv_1"), "Conv_1 must hold a kernel and a bias"),
    "head gone": (lambda t: t["1"].pop("1"), "1/1/params/Dense_0 must hold"),
    "critic wide": (
        lambda t: t["1"]["2"]["params"]["Dense_0"].update(
            kernel=np.zeros((7, 2), np.float32), bias=np.zeros(2, np.float32)
        ),
        r"critic must be \[7, 1\]; got \[7, 2\]",
    ),
    "channels": (
        lambda t: t["1"]["0"]["params"]["Conv_1"].update(kernel=np.zeros((4, 4, 9, 5), np.float32)),
        "conv1 must take the 4 channels of conv0; got 9",
    ),
    "hidden": (
        lambda t: t["1"]["0"]["params"]["Dense_0"].update(kernel=np.zeros((95, 7), np.float32)),
        "takes 95 inputs, which any square frame",
    ),
    "foreign": (lambda t: t.pop("1"), "must hold .args, .network, actor, critic"),
}


@pytest.mark.parametrize("name", BAD_TREES)
def test_parameters_that_do_not_fit_are_named(saved, tmp_path, name):
    change, message = BAD_TREES[name]
    path = edited(saved, tmp_path, change)
    with pytest.raises(InputError, match=message) as error:
        checkpoint.load(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def bad_bytes(saved):
    whole = saved.read_bytes()
    return {
        "empty": (b"", "is empty"),
        "cut": (whole[: len(whole) // 2], "not whole flax msgpack"),
        "longer": (whole + b"x", "not whole flax msgpack"),
        "pickle": (pickle.dumps({"a": 1}), "is a Python pickle, which is never opened"),
        "zip": (b"PK\x03\x04rest", "zip archive"),
        "text": (b"hello", "not whole flax msgpack|must hold"),
        "deep": (b"\x91" * 5000 + b"\x00", "not whole flax msgpack|must hold"),
    }


def test_files_of_another_kind_are_refused(saved, tmp_path):
    for name, (content, message) in bad_bytes(saved).items():
        path = tmp_path / f"{name}.model"
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            checkpoint.load(path)
    with pytest.raises(InputError, match="there must be a checkpoint at this path; there is none"):
        checkpoint.load(tmp_path / "missing.model")


@given(st.data())
@settings(max_examples=150)
def test_no_damage_crashes_the_reader(saved, tmp_path_factory, data):
    content = bytearray(saved.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 600) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.model"
    path.write_bytes(bytes(content))
    try:
        checkpoint.load(path)
    except InputError as error:
        assert "\n" not in str(error)

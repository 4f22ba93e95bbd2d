import gzip
import os
import pickle
import shutil
import subprocess
import sys

import flax.serialization
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import checkpoint, formats
from minetest_interp.model.policy import Geometry
from tests.conftest import ROOT, random_policy, random_stacks
from tests.fuzz import bombs
from tests.networks import safetensors
from tests.saved_by_orbax import ROOTS, tree_of

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
    loaded = checkpoint.load(tmp_path / "a.model", strides=geometry.strides, size=geometry.size)
    assert loaded.policy.geometry == geometry and loaded.args == {"exp_name": "x"}
    stacks = random_stacks(2, geometry)
    np.testing.assert_array_equal(loaded.policy.run(stacks).logits, policy.run(stacks).logits)


def test_saving_what_was_loaded_gives_the_same_bytes(saved, tmp_path):
    loaded = checkpoint.load(saved, size=64)
    checkpoint.save(tmp_path / "again.model", loaded.policy, loaded.args)
    assert (tmp_path / "again.model").read_bytes() == saved.read_bytes()


def test_a_frame_size_that_fits_can_be_stated_and_another_is_refused(saved):
    assert checkpoint.load(saved, size=64).policy.geometry.size == 64
    assert checkpoint.load(saved, size=[60, 60]).policy.geometry.size == 60
    assert checkpoint.load(saved, size=[60, 67]).policy.architecture.stack == (4, 60, 67)
    with pytest.raises(InputError, match="84, 84.* pixels cannot give"):
        checkpoint.load(saved, size=84)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({}, "60 to 67 pixels with padding VALID; 25 to 32 pixels with padding SAME. State it as `policy.size`"),
        ({"padding": "VALID"}, "open what the network takes: 60 to 67 pixels with padding VALID. State"),
        ({"padding": "SAME", "size": 64}, "cannot give with strides .4, 2, 1. and padding SAME"),
        ({"strides": (4, 2)}, "`policy.strides` must have one for each of 3 convolutions; got .4, 2."),
        ({"family": "impala", "size": 64}, "1/0/params/ConvSequence_0 must be there in this family"),
        ({"family": "resnet"}, "`policy.family` must be one of impala, chain; got 'resnet'"),
        ({"size": 64, "ignore": ["1/0/params/LayerNorm_0"]}, "must name arrays of the checkpoint; there is no 1/0"),
    ],
)
def test_what_the_parameters_leave_open_is_asked_for(saved, stated, message):
    with pytest.raises(InputError, match=message) as error:
        checkpoint.load(saved, **stated)
    assert str(saved) in str(error.value) and "\n" not in str(error.value)


def test_where_size_leaves_the_padding_open_it_is_asked_for(tmp_path):
    """A kernel of one position needs no padding, so both give the same."""
    modules = {
        **{
            f"Conv_{i}": {"kernel": np.ones((1, 1, 1, 1), np.float32), "bias": np.zeros(1, np.float32)}
            for i in (0, 1, 2)
        },
        "Dense_0": {"kernel": np.ones((64, 2), np.float32), "bias": np.zeros(2, np.float32)},
    }
    heads = {n: {"params": {"kernel": np.ones((2, n), np.float32), "bias": np.zeros(n, np.float32)}} for n in (1, 3)}
    tree = {"0": {}, "1": {"0": {"params": modules}, "1": heads[3], "2": heads[1]}}
    path = tmp_path / "open.model"
    path.write_bytes(flax.serialization.msgpack_serialize(tree))
    with pytest.raises(
        InputError, match="8x8 pixels with padding VALID; 8x8 pixels with padding SAME. .*policy.padding"
    ):
        checkpoint.load(path, strides=(1, 1, 1), size=8)
    assert checkpoint.load(path, strides=(1, 1, 1), size=8, padding="SAME").policy.architecture.frames == 1


def conv0(tree):
    return tree["1"]["0"]["params"]["Conv_0"]


def torso(tree):
    return tree["1"]["0"]["params"]


NORM = {"scale": np.ones(4, np.float32), "bias": np.zeros(4, np.float32)}
DENSE = {"kernel": np.ones((7, 7), np.float32), "bias": np.zeros(7, np.float32)}
BAD_TREES = {
    "nan": (
        lambda t: conv0(t).update(kernel=np.full((8, 8, 4, 4), np.nan, np.float32)),
        "Conv_0/kernel must be finite",
    ),
    "too large for float32": (
        lambda t: conv0(t).update(bias=np.full(4, 1e300)),
        "Conv_0/bias must be finite; 4 of 4 numbers are not",
    ),
    "bias too short": (
        lambda t: conv0(t).update(bias=np.zeros(3, np.float32)),
        r"Conv_0/bias must have the shape \[4\], as its kernel; got \[3\]",
    ),
    "no bias": (lambda t: conv0(t).pop("bias"), r"Conv_0/bias is missing; it must have the shape \[4\]"),
    "integers": (
        lambda t: conv0(t).update(kernel=np.zeros((8, 8, 4, 4), int)),
        "Conv_0/kernel must be an array of floating-point numbers; got int64",
    ),
    "text": (lambda t: conv0(t).update(kernel="weights"), "Conv_0/kernel must be an array of floating-point.*got str"),
    "rank": (
        lambda t: conv0(t).update(kernel=np.zeros((8, 8, 4), np.float32)),
        r"Conv_0/kernel must be an array of rank 4; got \[8, 8, 4\]",
    ),
    "kernel transposed": (
        lambda t: torso(t)["Conv_1"].update(kernel=np.zeros((5, 4, 4, 4), np.float32)),
        r"Conv_1/bias must have the shape \[4\], as its kernel; got \[5\]",
    ),
    "dense kernel transposed": (
        lambda t: torso(t)["Dense_0"].update(kernel=torso(t)["Dense_0"]["kernel"].T),
        r"Dense_0/bias must have the shape \[96\], as its kernel; got \[7\]",
    ),
    "layer gone": (lambda t: torso(t).pop("Conv_1"), "Conv_|strides"),
    "head gone": (lambda t: t["1"].pop("1"), "1/1/params/Dense_0/kernel must be an array of rank 2; got none"),
    "critic wide": (
        lambda t: t["1"]["2"]["params"]["Dense_0"].update(
            kernel=np.zeros((7, 2), np.float32), bias=np.zeros(2, np.float32)
        ),
        r"1/2/params/Dense_0/kernel must have one output; got 2",
    ),
    "actor takes another width": (
        lambda t: t["1"]["1"]["params"]["Dense_0"].update(kernel=np.zeros((8, 36), np.float32)),
        r"1/1/params/Dense_0/kernel must have the shape \[7, 36\]; got \[8, 36\]",
    ),
    "channels": (
        lambda t: torso(t)["Conv_1"].update(kernel=np.zeros((4, 4, 9, 5), np.float32)),
        r"Conv_1/kernel must have the shape \[4, 4, 4, 5\]; got \[4, 4, 9, 5\]",
    ),
    "hidden": (
        lambda t: torso(t)["Dense_0"].update(kernel=np.zeros((95, 7), np.float32)),
        "takes 95 numbers, which .64, 64. pixels cannot give",
    ),
    "a normalisation of one layer": (lambda t: torso(t).update(LayerNorm_0=NORM), "LayerNorm_.* must come after each"),
    "an array more": (
        lambda t: conv0(t).update(mask=np.ones(4, np.float32)),
        "Conv_0/mask is not a part of the network",
    ),
    "a module more": (lambda t: torso(t).update(BatchNorm_0=NORM), "BatchNorm_0/bias is not a part of the network"),
    "a tree more": (lambda t: t["1"].update({"3": {"params": DENSE}}), "1/3/params/bias is not a part of the network"),
    "a dense layer more": (
        lambda t: torso(t).update(Dense_1={**DENSE, "bias": np.zeros(6, np.float32)}),
        "Dense_1/bias",
    ),
    "foreign": (lambda t: t.pop("1"), "must hold .args, trees. under '0' and '1'"),
}


@pytest.mark.parametrize("name", BAD_TREES)
def test_parameters_that_do_not_fit_are_named(saved, tmp_path, name):
    change, message = BAD_TREES[name]
    path = edited(saved, tmp_path, change)
    with pytest.raises(InputError, match=message) as error:
        checkpoint.load(path, size=64)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("atoms", [("51", -10, 10), (51, 10, -10), (51, None, 10), (10**9, -1, 1), (51, -np.inf, 1)])
def test_returns_that_are_no_range_are_refused(saved, tmp_path, atoms):
    named = dict(zip(("n_atoms", "v_min", "v_max"), atoms, strict=True))
    path = edited(saved, tmp_path, lambda tree: tree["0"].update(named))
    with pytest.raises(InputError, match="n_atoms, v_min and v_max must be"):
        checkpoint.load(path, size=64)


def test_few_parameters_cannot_make_a_layer_that_fills_the_memory(tmp_path):
    path = tmp_path / "wide.model"
    path.write_bytes(bombs.wide())
    with pytest.raises(InputError, match="conv0 must have at most 16,777,216 numbers a picture; got 19,660,800"):
        checkpoint.load(path, strides=(4, 2, 1), size=1024, padding="VALID")


def test_an_array_that_the_network_does_not_use_may_be_left_out_by_name(saved, tmp_path):
    path = edited(saved, tmp_path, lambda tree: torso(tree).update(BatchNorm_0=NORM))
    loaded = checkpoint.load(path, size=64, ignore=["1/0/params/BatchNorm_0"]).policy
    np.testing.assert_equal(loaded.params, checkpoint.load(saved, size=64).policy.params)


def bad_bytes(saved):
    whole = saved.read_bytes()
    return {
        "empty": (b"", "is empty"),
        "cut": (whole[: len(whole) // 2], "not whole flax msgpack"),
        "longer": (whole + b"x", "not whole flax msgpack"),
        "pickle": (pickle.dumps({"a": 1}), "is a Python pickle, which is never opened. Export it .*to_bytes"),
        "zip": (b"PK\x03\x04rest", "zip archive"),
        "gzip": (gzip.compress(whole), "gzip; unpack it"),
        "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        "LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        "page": (b"<!DOCTYPE html><html></html>", "an HTML page; download the file itself"),
        "safetensors": (safetensors({"a": np.ones(3, np.float32)})[:-1], "not whole safetensors"),
        "safetensors of integers": (
            safetensors({"a": np.ones(3, np.float32)}).replace(b"F32", b"I32"),
            "not whole safetensors of floating-point arrays",
        ),
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
        checkpoint.load(path, size=64)
    except InputError as error:
        assert "\n" not in str(error)


@pytest.fixture(scope="module")
def folders(saved, tmp_path_factory):
    """What orbax saved, by the kind of what it was given."""
    folder = tmp_path_factory.mktemp("orbax")
    here = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    subprocess.run([sys.executable, "-m", "tests.saved_by_orbax", saved, folder], check=True, cwd=ROOT, env=here)
    return folder


@pytest.mark.parametrize("kind", ROOTS)
def test_a_folder_of_orbax_loads_as_the_same_arrays_in_a_file_do(saved, folders, kind):
    stored, modules = formats.read(folders / kind), tree_of(saved)["params"]
    expected = {f"{ROOTS[kind]}{name}/{key}": arrays[key] for name, arrays in modules.items() for key in arrays}
    assert stored.arrays.keys() == expected.keys() and stored.args == {}
    for path, array in expected.items():
        assert stored.arrays[path].dtype == np.float32
        np.testing.assert_allclose(stored.arrays[path], array, rtol=0.01 if kind == "bfloat16" else 0)
    policy = checkpoint.load(folders / kind, size=64).policy
    assert policy.architecture.outputs == ("q", "value") and policy.architecture.actions == 36


def test_a_folders_digest_is_of_its_files_and_their_names(folders, tmp_path):
    whole = formats.read(folders / "standard").sha256
    again = shutil.copytree(folders / "standard", tmp_path / "again")
    assert formats.read(again).sha256 == whole == files.sha256(again)
    assert files.READ[again / "_METADATA"] == files.sha256(again / "_METADATA")
    (again / "note.txt").write_text("a word")
    assert formats.read(again).sha256 != whole


def test_folders_of_another_kind_are_refused(folders, tmp_path, monkeypatch):
    def refused(message):
        with pytest.raises(InputError, match=message) as error:
            checkpoint.load(tmp_path, size=64)
        assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)

    refused("a folder must be one that orbax saved, with _METADATA; it has none. Check")
    shutil.copytree(folders / "standard", tmp_path / "default")
    refused("it has none. Name default in it.")
    shutil.copytree(folders / "standard", tmp_path, dirs_exist_ok=True)
    checkpoint.load(tmp_path, size=64)
    with monkeypatch.context() as small:
        small.setattr(formats, "LIMIT_BYTES", 1000)
        refused("a checkpoint must have at most 1000 bytes; got")
    (tmp_path / "link").symlink_to("/etc/hostname")
    refused("a file of a checkpoint must lie inside .* is a link to /etc/hostname")
    (tmp_path / "link").unlink()
    whole = (tmp_path / "_METADATA").read_bytes()
    for damaged in (b"", b"{}", whole[: len(whole) // 2], whole.replace(b"np.ndarray", b"string"), b"[" * 5000):
        (tmp_path / "_METADATA").write_bytes(damaged)
        refused("not whole orbax of arrays alone")
    (tmp_path / "_METADATA").write_bytes(whole)
    for file in (tmp_path / "d").iterdir():
        file.write_bytes(file.read_bytes()[:-9])
    # In a process of its own, since orbax leaves reads behind it that complain later, on its standard error.
    code = (
        "import pathlib, sys\n"
        "from minetest_interp.io.errors import InputError\n"
        "from minetest_interp.model import formats\n"
        "try:\n    formats.read(pathlib.Path(sys.argv[1]))\n"
        "except InputError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True)
    assert "not whole orbax of arrays alone" in done.stdout, done.stderr


def test_few_bytes_of_orbax_cannot_fill_the_memory(folders):
    assert sum(file.stat().st_size for file in files.below(folders / "wide")) < 2**22
    with pytest.raises(InputError, match="must have at most 268435456 bytes; got 536870912"):
        checkpoint.load(folders / "wide", size=64)

"""Recorded stacks: what is in a file comes out as it was, under its name, or the file is refused in one line."""

import io
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minetest_interp.io.errors import InputError
from minetest_interp.model import recordings

STACK = (2, 3, 5)
STACKS = np.random.default_rng(0).integers(0, 256, (4, *STACK), dtype=np.uint8)


def saved(path, array, **options):
    np.save(path, array, **options)
    return path


@given(data=st.data(), count=st.integers(1, 5), single=st.booleans(), layout=st.sampled_from(recordings.LAYOUTS))
def test_both_layouts_and_both_orders_of_numbers_give_the_same(data, count, single, layout, tmp_path_factory):
    stacks = data.draw(arrays(np.uint8, (1 if single else count, *STACK)))
    laid = np.moveaxis(stacks, 1, -1) if layout == "NHWC" else stacks
    laid = data.draw(st.sampled_from([np.ascontiguousarray, np.asfortranarray]))(laid[0] if single else laid)
    path = saved(tmp_path_factory.getbasetemp() / "laid.npy", laid)
    found = recordings.read(path, STACK, layout=layout)
    np.testing.assert_array_equal(found, stacks)
    assert found.dtype == np.uint8


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_of_one_array_need_no_name_and_those_of_several_do(save, tmp_path):
    path = tmp_path / "a.npz"
    save(path, observations=STACKS)
    np.testing.assert_array_equal(recordings.read(path, STACK), STACKS)
    save(path, observations=STACKS, rewards=np.zeros(4))
    np.testing.assert_array_equal(recordings.read(path, STACK, array="observations"), STACKS)
    with pytest.raises(InputError, match=r"a\.npz: must hold one array; it has observations, rewards\. Name one"):
        recordings.read(path, STACK)
    with pytest.raises(InputError, match="must hold the array 'x' of `frames.array`; it has observations, rewards"):
        recordings.read(path, STACK, array="x")


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        (STACK, ["run 1"]),
        ((1, *STACK), ["run 1"]),
        ((2, *STACK), ["run 1-0000", "run 1-0001"]),
        ((10_001, 1, 1, 1), [f"run 1-{i:05}" for i in range(10_001)]),
    ],
)
def test_one_stack_has_the_files_name_and_many_have_numbers(shape, names, tmp_path):
    assert recordings.recorded_names(saved(tmp_path / "run 1.npy", np.zeros(shape, np.uint8))) == names


def archive(content: bytes = b"", **options) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as made:
        if content:
            made.writestr("a.npy", content)
    return file.getvalue()


def as_npy(array, **options) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


def damaged():
    whole, objects = as_npy(STACKS), np.array([{}, {}, {}], dtype=object)[None, None]
    yield "empty.npy", b"", "must be a whole .npy or .npz file"
    yield "cut.npy", whole[:-1], "must be a whole .npy or .npz file"
    yield "cut.npz", archive(whole)[:-30], "must be a whole .npy or .npz file"
    yield "text.npy", b"no array", "must be a whole .npy or .npz file"
    yield "named wrongly.npz", whole, "must be a whole .npy or .npz file"
    yield "objects.npy", as_npy(objects), "must be uint8, levels 0 to 255; got object"
    yield "floats.npy", as_npy(STACKS / np.float32(255)), "must be uint8, levels 0 to 255; got float32"
    yield "signed.npy", as_npy(STACKS.astype(np.int8)), "must be uint8, levels 0 to 255; got int8"
    yield "new.npy", as_npy(STACKS, version=(2, 0)), r"must be of version 1\.0 of the format, .*; got \(2, 0\)"
    yield "flat.npy", as_npy(STACKS[0, 0]), r"stacks \[N, T, H, W\] or one \[T, H, W\] .* got \[3, 5\]"
    yield "deep.npy", as_npy(STACKS[None]), r"got \[1, 4, 2, 3, 5\]"
    yield "none.npy", as_npy(STACKS[:0]), r"got \[0, 2, 3, 5\]"
    yield "bare.npz", archive(), "must hold one array; it has none"
    yield "strange.npz", archive(whole, compression=zipfile.ZIP_LZMA), "must be compressed as numpy does"
    flipped = bytearray(archive(whole))
    flipped[flipped.index(STACKS.tobytes())] ^= 1
    yield "flipped.npz", bytes(flipped), "must be a whole .npy or .npz file; got BadZipFile"
    great = whole.replace(b"(4, 2, 3, 5)", b"(4444, 222, 333, 555)").replace(b" " * 9, b"", 1)
    yield "great.npy", great, "of at most 67108864 numbers; got"
    yield "other.npy", as_npy(STACKS[:, :1]), r"must be \[2, 3, 5\], as the network reads it \(CHW\); got \[1, 3, 5\]"
    yield "turned.npy", as_npy(STACKS.transpose(0, 2, 3, 1)), r"got \[3, 5, 2\]\. Set `frames\.layout` to NHWC"


@pytest.mark.parametrize(("name", "content", "message"), list(damaged()), ids=[name for name, *_ in damaged()])
def test_damaged_files_are_refused_by_name(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as refused:
        recordings.read(path, STACK)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_what_is_no_regular_file_of_bounded_size_is_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"there is none"):
        recordings.recorded_names(tmp_path / "a.npy")
    os.mkfifo(tmp_path / "pipe.npy")
    for read in (recordings.recorded_names, lambda path: recordings.read(path, STACK)):
        with pytest.raises(InputError, match="there must be a file of stacks at this path; there is none"):
            read(tmp_path / "pipe.npy")
    monkeypatch.setattr(recordings, "LIMIT_BYTES", 100)
    path = saved(tmp_path / "a.npy", STACKS)
    for read in (recordings.recorded_names, lambda path: recordings.read(path, STACK)):
        with pytest.raises(InputError, match="a file of stacks must have at most 100 bytes"):
            read(path)

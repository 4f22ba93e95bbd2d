"""Observations: pictures and recorded stacks, grey or in colour, of any height and width."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minetest_interp.io import files, stores
from minetest_interp.io.errors import InputError
from minetest_interp.model import frames, observations
from minetest_interp.stages import preprocess

BOX = [[0.7, 0.5, 0.9, 1.0]]


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 40, 3), dtype=np.uint8)


def stacks(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def shown(**written) -> observations.ObservationSettings:
    return observations.observation_settings(written)


def run(folder: Path, stack: tuple[int, int, int], pattern: str = "*", **written) -> dict:
    """What the stage writes of a folder, by file."""
    described = dict(zip(("frames", "height", "width"), stack, strict=True))
    out = folder.with_name(f"{folder.name} out")
    files.write_json(out / "network.json", described)
    paths = {name: out / f"{name}.npz" for name in ("stacks", "pictures")}
    preprocess.run(folder, pattern, written, out / "network.json", *paths.values(), out / "frames.json")
    found = {name: files.read_arrays(path) for name, path in paths.items()}
    assert not [each for name in found for each in stores.breaches(stores.store_of(f"{name}.npz"), found[name])]
    return {**found, "listing": json.loads((out / "frames.json").read_text())}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@given(st.data())
@settings(max_examples=30)
def test_a_recorded_stack_goes_to_the_network_as_it_is(data):
    shape = data.draw(st.tuples(*[st.integers(1, 6)] * 3))
    stack = stacks(*shape)
    views = frames.stack_views(stack, overlay=BOX)
    assert set(views) == set(frames.VIEWS)
    for view in ("original", "unrounded", "reordered"):
        np.testing.assert_array_equal(views[view], stack)
    np.testing.assert_array_equal(frames.mirror_frames(views["mirrored"]), stack)
    for frame, mirrored in zip(stack, views["mirrored"], strict=True):
        np.testing.assert_array_equal(frames.mirror(frame), mirrored)
    for view, masked in (("original", "masked"), ("mirrored", "masked-mirrored")):
        one_by_one = [frames.cover(frame, BOX) for frame in views[view]]
        np.testing.assert_allclose(views[masked], one_by_one, rtol=1e-6)


@pytest.mark.parametrize("size", [(12, 20), (6, 5), (13, 7)])
def test_height_and_width_may_differ(size):
    for colour, shape in ((False, size), (True, (3, *size))):
        views = frames.views(picture(), size=size, order="notebook", overlay=BOX, colour=colour)
        assert tuple(views) == frames.VIEWS and {view.shape for view in views.values()} == {shape}
    blocks = picture().astype(float).reshape(12, 2, 20, 2, 3).mean((1, 3)) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(frames.grey(picture(), size=(12, 20), rounding="float32"), blocks, atol=1e-3)


def test_one_number_is_both_sides():
    np.testing.assert_array_equal(frames.grey(picture(), size=9), frames.grey(picture(), size=(9, 9)))


def test_the_colours_of_a_picture_arrive_in_order_and_their_views_are_what_they_are_called():
    """Where the size divides, a colour of a pixel is the mean of its block."""
    blocks = picture().astype(float).reshape(12, 2, 20, 2, 3).mean((1, 3)).transpose(2, 0, 1)
    views = frames.views(picture(), size=(12, 20), order="notebook", overlay=BOX, colour=True)
    np.testing.assert_allclose(views["unrounded"], blocks, atol=1e-3)
    assert np.abs(views["original"] - blocks).max() <= 0.51 and (views["original"] % 1 == 0).all()
    np.testing.assert_array_equal(views["reordered"], views["original"])
    np.testing.assert_array_equal(views["mirrored"], frames.colours(picture()[:, ::-1], size=(12, 20)))
    painted = views["masked"] != views["original"]
    assert painted.any() and not painted[..., :6, :].any() and not painted[..., 6:10].any()
    assert all(len(np.unique(colour[6:, 14:18])) == 1 for colour in views["masked"])


def test_pictures_alone_stay_single_grey_frames(folder):
    for name in ("shot 10", "shot 2"):
        Image.fromarray(picture()).save(folder / f"{name}.png")
    found = run(folder, (4, 12, 20))
    assert list(found["stacks"]) == ["frames", *frames.VIEWS]
    assert list(found["stacks"]["frames"]) == ["shot 2", "shot 10"]
    assert found["stacks"]["original"].shape == (2, 12, 20)
    np.testing.assert_array_equal(found["pictures"]["pictures"], [picture()] * 2)
    assert found["listing"][0] == {
        "name": "shot 2", "file": "shot 2.png", "sha256": files.sha256(folder / "shot 2.png"),
        "bytes": (folder / "shot 2.png").stat().st_size, "height": 24, "width": 40,
    }  # fmt: skip


def test_recorded_stacks_stand_beside_pictures_which_are_repeated(folder):
    recorded = stacks(2, 4, 12, 20)
    np.save(folder / "run 1.npy", recorded)
    np.savez_compressed(folder / "run 2.npz", stacks(4, 12, 20))
    Image.fromarray(picture()).save(folder / "shot.png")
    found = run(folder, (4, 12, 20))
    original = found["stacks"]["original"]
    assert list(found["stacks"]["frames"]) == ["run 1-0000", "run 1-0001", "run 2", "shot"]
    np.testing.assert_array_equal(original[:2], recorded)
    np.testing.assert_array_equal(original[3], [frames.grey(picture(), size=(12, 20))] * 4)
    pictures, sizes = found["pictures"]["pictures"], found["pictures"]["sizes"]
    np.testing.assert_array_equal(sizes, [[300, 500]] * 3 + [[24, 40]])  # as often as 20 pixels go into 512
    for channel in range(3):
        np.testing.assert_array_equal(pictures[0, ::25, ::25, channel], recorded[0, -1])
    assert {(row["file"], row["height"], row["width"]) for row in found["listing"][:2]} == {("run 1.npy", 12, 20)}


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_colours_are_those_of_pictures_and_of_recorded_stacks_in_either_layout(layout, folder):
    recorded = stacks(2, 3, 12, 20)
    np.save(folder / "run.npy", np.moveaxis(recorded, 1, -1) if layout == "NHWC" else recorded)
    Image.fromarray(picture()).save(folder / "shot.png")
    found = run(folder, (3, 12, 20), colour=True, layout=layout)
    assert list(found["stacks"]["colours"]) == ["red", "green", "blue"]
    np.testing.assert_array_equal(found["stacks"]["original"][:2], recorded)
    np.testing.assert_array_equal(found["stacks"]["original"][2], frames.colours(picture(), size=(12, 20)))
    np.testing.assert_array_equal(found["pictures"]["pictures"][1, :300:25, :500:25], np.moveaxis(recorded[1], 0, -1))


def test_a_wide_recording_is_no_wider_than_other_pictures(folder):
    np.save(folder / "run.npy", stacks(1, 8, 1024))
    assert run(folder, (1, 8, 1024))["pictures"]["pictures"].shape == (1, 4, 512, 3)


def test_colours_are_refused_where_the_network_reads_something_else(folder):
    Image.fromarray(picture()).save(folder / "shot.png")
    np.save(folder / "run.npy", stacks(4, 12, 20))
    for path in folder.iterdir():
        with pytest.raises(InputError, match="must be of a network that reads 3 colours; this one reads stacks of 4"):
            list(observations.read(path, (4, 12, 20), shown(colour=True)))


def test_two_observations_must_not_have_one_name(folder):
    np.save(folder / "run.npy", stacks(2, 4, 12, 20))
    np.save(folder / "run-0001.npy", stacks(4, 12, 20))
    with pytest.raises(InputError, match=r"run.npy: its stack 'run-0001' must have a name of its own; .*run-0001.npy"):
        observations.observation_names([folder / "run-0001.npy", folder / "run.npy"], array=None)

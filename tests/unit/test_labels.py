"""Labelled frames: where trunks are, as the network sees them, and files that are not what they should be."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from minetest_interp.io import files, stores
from minetest_interp.io.errors import InputError
from minetest_interp.model import frames, labels
from minetest_interp.stages import labels as stage

HEIGHT, WIDTH, SIZE = 48, 80, 16  # a grey pixel is a block of 3 x 5


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def classes(seed: int = 0, most: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, most, (HEIGHT, WIDTH), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Two labelled frames, "shot 2" and "shot 10"."""
    for name, seed in (("shot 10", 10), ("shot 2", 2)):
        save(tmp_path, name, picture(seed), classes(seed))
    return tmp_path


def save(folder, name: str, colours: np.ndarray, mask: np.ndarray):
    paths = folder / "frames" / f"{name}.png", folder / "masks" / f"{name}.png"
    for path, array in zip(paths, (colours, mask), strict=True):
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(array).save(path)
    return paths


def read(paths, **options) -> labels.Labelled:
    return labels.read(*paths, size=SIZE, order="notebook", **options)


def test_pictures_come_in_natural_order_with_the_mask_of_the_same_name(folder):
    pairs = labels.find(folder)
    assert [[path.relative_to(folder).as_posix() for path in pair] for pair in pairs] == [
        ["frames/shot 2.png", "masks/shot 2.png"],
        ["frames/shot 10.png", "masks/shot 10.png"],
    ]


def test_other_folders_can_be_named(folder):
    (folder / "masks").rename(folder / "classes")
    assert len(labels.find(folder, pattern="frames/shot ?.png", masks="classes")) == 1


def test_trunk_is_the_share_of_each_block_and_the_frame_what_the_network_sees(tmp_path):
    paths = save(tmp_path, "a", picture(), classes())
    found = read(paths, concepts={"trunk": 2})
    blocks = (classes() == 2).reshape(SIZE, HEIGHT // SIZE, SIZE, WIDTH // SIZE).mean((1, 3))
    np.testing.assert_allclose(found.share["trunk"], blocks, atol=1e-6)
    np.testing.assert_array_equal(found.original, frames.grey(picture(), size=SIZE, order="notebook"))
    np.testing.assert_array_equal(found.mirrored, frames.grey(picture()[:, ::-1], size=SIZE, order="notebook"))


@pytest.mark.parametrize("colour", [False, True])
def test_a_labelled_frame_has_the_networks_height_and_width_and_its_colours(colour, tmp_path):
    paths = save(tmp_path, "a", picture(), classes())
    found = labels.read(*paths, size=(SIZE, 10), order="notebook", colour=colour)
    shown = {"size": (SIZE, 10), "order": "notebook", "colour": colour}
    np.testing.assert_array_equal(found.original, frames.for_network(picture(), **shown))
    np.testing.assert_array_equal(found.mirrored, frames.for_network(picture()[:, ::-1], **shown))
    assert found.share["trunk"].shape == (SIZE, 10) and found.original.shape[:-2] == (3,) * colour
    blocks = (classes() == 1).reshape(SIZE, HEIGHT // SIZE, 10, WIDTH // 10).mean((1, 3))
    np.testing.assert_allclose(found.share["trunk"], blocks, atol=1e-6)


@pytest.mark.parametrize("colour", [False, True])
def test_a_turn_is_a_stack_of_grey_frames_or_the_colours_of_its_newest_picture(colour, tmp_path):
    order = [f"turn {n}" for n in range(4)]
    for seed, name in enumerate(order):
        save(tmp_path, name, picture(seed), classes(seed))
    (tmp_path / "frames.csv").write_text("name,group,role\n" + "".join(f"{name},a,{name}\n" for name in order))
    files.write_json(tmp_path / "network.json", {"frames": 3, "height": SIZE, "width": 10})
    written = {name: tmp_path / f"{name}.npz" for name in ("labels", "turns")}
    shown = {
        "order": "notebook",
        "colour": colour,
        "concepts": {"trunk": 1, "leaves": 2},
        "network": tmp_path / "network.json",
    }
    stage.run(tmp_path, "frames/*.png", "masks", **shown, labelled=written["labels"], turns=written["turns"])
    found = {name: files.read_arrays(path) for name, path in written.items()}
    assert not [
        each for name in found for each in stores.breaches(stores.store_of(f"evidence/{name}.npz"), found[name])
    ]
    for view in ("original", "mirrored"):
        labelled, [turn] = found["labels"][view], found["turns"][view]
        assert labelled.shape == (4, *(3,) * colour, SIZE, 10)
        np.testing.assert_array_equal(turn, labelled[-1] if colour else labelled[1:])


@pytest.mark.parametrize(("full", "share"), [(True, 1), (False, 0)])
def test_a_frame_of_nothing_but_trunk_and_one_without(full, share, tmp_path):
    found = read(save(tmp_path, "a", picture(), np.full((HEIGHT, WIDTH), 1 if full else 2, np.uint8)))
    np.testing.assert_array_equal(found.share["trunk"], share)
    assert found.position["trunk"] == 0 if full else np.isnan(found.position["trunk"])


def test_shares_stay_in_range_where_sizes_do_not_divide(tmp_path):
    mask = (np.random.default_rng(0).random((53, 91)) < 0.5).astype(np.uint8)
    found = labels.read(*save(tmp_path, "a", np.zeros((53, 91, 3), np.uint8), mask), size=SIZE, order="notebook")
    assert found.share["trunk"].min() >= 0 and found.share["trunk"].max() <= 1
    assert found.share["trunk"].mean() == pytest.approx(mask.mean(), abs=1e-5)


@given(mask=arrays(bool, (5, 8)))
def test_position_is_turned_round_by_mirroring_and_does_not_care_for_height(mask):
    position = labels.horizontal_centre(mask)
    if not mask.any():
        assert np.isnan(position)
        return
    assert -1 < position < 1
    assert labels.horizontal_centre(mask[:, ::-1]) == pytest.approx(-position, abs=1e-12)
    assert labels.horizontal_centre(mask[::-1]) == position
    assert labels.horizontal_centre(mask.repeat(3, 1)) == pytest.approx(position, abs=1e-12)


@given(width=st.integers(1, 50), data=st.data())
def test_a_single_column_lies_at_its_middle(width, data):
    column = data.draw(st.integers(0, width - 1))
    mask = np.zeros((3, width), bool)
    mask[1:, column] = True
    edges = np.linspace(-1, 1, width + 1)
    assert labels.horizontal_centre(mask) == pytest.approx((edges[column] + edges[column + 1]) / 2, abs=1e-12)


def test_a_mask_of_another_size_is_refused(tmp_path):
    paths = save(tmp_path, "a", picture(), classes()[:, :-1])
    with pytest.raises(InputError, match=r"a\.png: a mask must be as large as its picture, 80x48; got 79x48"):
        read(paths)


def test_a_picture_without_a_mask_and_a_folder_that_is_not_there_are_refused(folder):
    (folder / "masks" / "shot 2.png").unlink()
    with pytest.raises(InputError, match=r"shot 2\.png has none"):
        labels.find(folder)
    with pytest.raises(InputError, match="there is none"):
        labels.find(folder / "nowhere")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "I;16", "1"])
def test_a_mask_of_colours_or_of_other_depth_is_refused(mode, tmp_path):
    path = tmp_path / "mask.png"
    Image.fromarray(classes()).convert("I" if mode == "I;16" else mode).convert(mode).save(path)
    with pytest.raises(InputError, match="8-bit with one channel"):
        labels.read_mask(path)


def test_a_palette_s_numbers_are_the_classes(tmp_path):
    image = Image.fromarray(classes())
    image.putpalette([200, 10, 10, 0, 99, 0, 5, 5, 5])
    assert image.mode == "P"
    image.save(tmp_path / "mask.png")
    np.testing.assert_array_equal(labels.read_mask(tmp_path / "mask.png"), classes())


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.95])
def test_a_damaged_mask_is_refused_in_one_line(share, tmp_path):
    _, mask = save(tmp_path, "a", picture(), classes())
    content = mask.read_bytes()
    mask.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match="must be a whole 8-bit PNG") as told:
        labels.read_mask(mask)
    assert "\n" not in str(told.value)


def test_other_formats_are_refused_though_called_png(tmp_path):
    Image.fromarray(classes()).save(tmp_path / "mask.png", format="BMP")
    with pytest.raises(InputError, match="must be a whole 8-bit PNG"):
        labels.read_mask(tmp_path / "mask.png")


def test_masks_that_label_other_classes_alone_are_refused_with_what_they_hold():
    folder = Path("labels")
    empty, other, trunk = (np.full((2, 3), value, np.uint8) for value in (0, 255, 1))
    labels.check_classes([empty, trunk], {"trunk": 1}, folder)
    labels.check_classes([other, trunk], {"trunk": 1, "sky": 2}, folder)
    labels.check_classes([empty, empty], {"trunk": 1}, folder)  # there is no trunk, which the masks may say
    labels.check_classes([empty, other], {"sky": 255}, folder)
    with pytest.raises(
        InputError, match=r"labels: masks must have pixels of class 1 \(trunk\); .* found are 0 and 255"
    ):
        labels.check_classes([empty, other], {"trunk": 1}, folder)

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minetest_interp.io.errors import InputError
from minetest_interp.model import frames


def picture(seed=0, height=60, width=100):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_names_sort_by_their_numbers(numbers):
    names = [f"screenshot_{n}" for n in numbers]
    assert sorted(names, key=frames.natural_key) == [f"screenshot_{n}" for n in sorted(numbers)]


@given(st.lists(st.text(max_size=8)))
def test_any_names_can_be_sorted(names):
    assert sorted(map(str, sorted(names, key=frames.natural_key))) == sorted(names)


def test_grey_is_the_luma_of_the_mean_colour_where_nothing_is_rounded():
    """INTER_AREA with a whole-number factor is a block mean; luma is .299 R + .587 G + .114 B (BT.601)."""
    image = picture(height=128, width=192)
    blocks = image.astype(float).reshape(64, 2, 64, 3, 3).mean((1, 3)) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(frames.grey(image, size=64, rounding="float32"), blocks, atol=1e-3)
    assert np.abs(frames.grey(image, size=64) - blocks).max() <= 1.01  # two roundings of half a level


def test_both_orders_agree_without_rounding_and_nearly_with_it():
    image = picture(1, 600, 1024)
    first, second = (frames.grey(image, size=64, order=order, rounding="float32") for order in frames.ORDERS)
    np.testing.assert_allclose(first, second, atol=1e-3)
    first, second = (frames.grey(image, size=64, order=order) for order in frames.ORDERS)
    assert 0 < np.abs(first - second).max() <= 2


@given(st.integers(0, 1000), st.sampled_from([(60, 100), (61, 103)]))
@settings(max_examples=10)
def test_mirroring_twice_is_the_identity_and_commutes_with_grey(seed, shape):
    image = picture(seed, *shape)
    np.testing.assert_array_equal(frames.mirror(frames.mirror(image)), image)
    direct = frames.grey(frames.mirror(image), size=20, rounding="float32")
    np.testing.assert_allclose(direct, frames.mirror(frames.grey(image, size=20, rounding="float32")), atol=1e-2)


def test_views_are_what_their_names_say():
    image = picture(2)
    box = [[0.7, 0.8, 0.9, 1.0]]
    views = frames.views(image, size=20, order="notebook", overlay=box)
    assert tuple(views) == frames.VIEWS
    np.testing.assert_array_equal(views["original"], frames.grey(image, size=20))
    np.testing.assert_array_equal(views["mirrored"], frames.grey(image[:, ::-1], size=20))
    np.testing.assert_array_equal(views["reordered"], frames.grey(image, size=20, order="environment"))
    changed = views["masked"] != views["original"]
    expected = np.zeros((20, 20), bool)
    expected[16:, 14:18] = expected[16:, 2:6] = True
    assert changed.sum() > 0 and not (changed & ~expected).any()
    assert len(np.unique(views["masked"][expected])) == 1
    np.testing.assert_array_equal(frames.views(image, size=20, order="notebook")["masked"], views["original"])


def test_as_stacks_repeat_one_frame():
    greys = np.random.default_rng(0).uniform(0, 255, (3, 8, 8))
    stacks = frames.as_stacks(greys, 4)
    assert stacks.shape == (3, 4, 8, 8) and (stacks == stacks[:, :1]).all()


def modes(image):
    """The same picture in every way that can be understood, and what must come out."""
    grey = image[..., 0]
    grey_rgb = np.repeat(grey[..., None], 3, 2)
    yield "rgb", Image.fromarray(image), image
    yield "grey", Image.fromarray(grey), grey_rgb
    yield "16-bit", Image.fromarray((grey.astype(np.uint16) << 8) + 37), grey_rgb
    yield "opaque", Image.fromarray(np.dstack([image, np.full(grey.shape, 255, np.uint8)])), image
    palette = Image.fromarray((grey // 64) * 64).convert("P")
    yield "palette", palette, np.asarray(palette.convert("RGB"))
    yield "one bit", Image.fromarray(grey > 127), np.repeat((grey > 127)[..., None] * np.uint8(255), 3, 2)


def test_pictures_that_can_be_understood_are(tmp_path):
    for name, image, expected in modes(picture(3)):
        image.save(tmp_path / f"{name}.png")
        np.testing.assert_array_equal(frames.read(tmp_path / f"{name}.png"), expected, err_msg=name)


def encoded(image, kind="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bad_files(folder):
    whole = save(folder / "whole.png", picture(4)).read_bytes()
    yield "missing.png", None, "there is none"
    yield "empty.png", b"", r"empty \(0 bytes\)"
    yield "cut.png", whole[: len(whole) // 2], "must be a whole PNG"
    yield "text.png", b"not a picture", "must be a whole PNG"
    turned = Image.fromarray(picture(4))
    exif = turned.getexif()
    exif[0x0112] = 6
    yield "turned.png", encoded(turned, exif=exif), "asks? for a rotation"
    opaque, half = Image.fromarray(picture(4)), Image.fromarray(picture(4)[..., 0])
    half.putalpha(Image.linear_gradient("L").resize(half.size))
    yield "half transparent.png", encoded(half), r"must be opaque; \d+\.\d% of its pixels are transparent"
    yield "clear colour.png", encoded(Image.fromarray(picture(4)[..., 0]), transparency=0), "must be opaque"
    for kind in ("PNG", "WEBP", "TIFF"):
        frames_of = encoded(opaque, kind, save_all=True, append_images=[Image.new("RGB", opaque.size)])
        yield f"animated.{kind}", frames_of, "must hold one picture; it holds 2"
    dim = Image.fromarray(picture(4)[..., 0].astype(np.uint16))
    yield "8 bits in 16.png", encoded(dim), "16-bit frame must have values from 0 to 65,535; the largest is 255"
    yield "one pixel.png", encoded(opaque.resize((1, 1))), "at least 8 pixels on each side; got 1x1"
    bomb = bytearray(whole)
    bomb[16:24] = (30000).to_bytes(4) + (30000).to_bytes(4)
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4)
    yield "huge.png", bytes(bomb), "at most 40,000,000 pixels"


def test_bad_files_are_refused_by_name(tmp_path):
    for name, content, message in bad_files(tmp_path):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=message) as error:
            frames.read(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"BM"]))
@settings(max_examples=200)
def test_no_bytes_crash_the_reader(tmp_path_factory, content, head):
    path = tmp_path_factory.getbasetemp() / "fuzz.png"
    path.write_bytes(head + content)
    try:
        assert frames.read(path).dtype == np.uint8
    except InputError:
        pass


def test_frames_are_found_in_natural_order_and_ambiguity_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least one frame must match"):
        frames.find(tmp_path, "*.png")
    for n in (10, 2, 1):
        save(tmp_path / f"shot {n}é.png", picture(n))
    assert [path.stem for path in frames.find(tmp_path, "*.png")] == ["shot 1é", "shot 2é", "shot 10é"]
    save(tmp_path / "shot 2é.jpg", picture(2))
    with pytest.raises(InputError, match="'shot 2é' comes twice"):
        frames.find(tmp_path, "*.*")
    with pytest.raises(InputError, match="must be a folder"):
        frames.find(tmp_path / "nowhere", "*")

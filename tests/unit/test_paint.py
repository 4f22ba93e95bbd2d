"""What is painted has the luminance, the place and the texture that it should have, and nothing else changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minetest_interp.analysis import paint
from minetest_interp.analysis.paint import Place

FRAMES = np.random.default_rng(0).uniform(40, 160, (5, 2, 24, 30))
PLACE = Place(0.2, 0.75, 0.5)
SHAPE = PLACE.shape(24, 30)
SHARE = np.zeros((5, 24, 30))
SHARE[:, 6:20, 10:17] = 1
SHARE[1, :, 17] = 0.5  # partly of the object


def of_object(frames, share=SHARE):
    """Mean luminance of the object."""
    return (share[:, None] * frames).sum((2, 3)) / share.sum((1, 2))[:, None]


@given(st.integers(2, 70), st.integers(2, 70), st.floats(0.01, 0.5), st.floats(0.01, 1), st.floats(0, 1))
def test_the_right_bar_is_the_mirror_image_of_the_left_one_and_they_never_overlap(height, width, wide, bottom, offset):
    place = Place(wide, bottom, offset)
    marks = []
    for left in (True, False):
        mark = np.zeros((height, width), bool)
        mark[place.region(height, width, left=left)] = True
        assert mark.sum() == np.prod(place.shape(height, width))
        marks.append(mark)
    assert not (marks[0] & marks[1]).any()
    np.testing.assert_array_equal(marks[0], marks[1][:, ::-1])
    assert not marks[0][:, (width + 1) // 2 :].any()


@pytest.mark.parametrize("left", [True, False])
def test_pasting_changes_the_place_alone(left):
    bars = np.full((5, 2, *SHAPE), 7.0)
    painted = paint.paste_bars(FRAMES, bars, PLACE, left=left)
    region = (..., *PLACE.region(24, 30, left=left))
    assert (painted[region] == 7).all()
    painted[region] = FRAMES[region]
    np.testing.assert_array_equal(painted, FRAMES.astype(np.float32))


def test_flat_bars_are_a_share_of_the_scene_s_luminance_and_never_more_than_white():
    mean = FRAMES.mean((2, 3))
    np.testing.assert_allclose(paint.flat(FRAMES, 0.5)[..., 0, 0], mean / 2)
    np.testing.assert_array_equal(paint.flat(FRAMES, 9.0), np.full((5, 2, 1, 1), 255.0))


def test_rough_bars_have_the_scene_s_luminance_and_the_contrast_that_was_asked_for():
    bars, mean = paint.rough(FRAMES, (8, 5), contrast=0.5, seed=1), FRAMES.mean((2, 3))
    np.testing.assert_allclose(bars.mean((2, 3)), mean)
    np.testing.assert_allclose(bars.std((2, 3)) / mean, 0.5)
    np.testing.assert_array_equal(bars, paint.rough(FRAMES, (8, 5), contrast=0.5, seed=1))
    odd = paint.rough(FRAMES, (3, 3), contrast=0.5, seed=1)
    np.testing.assert_allclose(odd.mean((2, 3)), mean)
    bright = paint.rough(np.full((1, 1, 4, 4), 250.0), (4, 4), contrast=0.5, seed=1)
    assert bright.mean() == pytest.approx(250) and bright.max() == pytest.approx(255)


@given(st.floats(1, 20), st.integers(0, 100))
def test_a_roughened_region_has_the_scene_s_luminance_and_stays_grey(gain, seed):
    frames = np.random.default_rng(seed).uniform(0, 255, (2, 1, 16, 16))
    made = paint.roughened(frames, (slice(0, 8), slice(2, 6)), gain=gain, sigma=1.5)
    np.testing.assert_allclose(made.mean((2, 3)), frames.mean((2, 3)))
    assert made.min() >= -1e-9 and made.max() <= 255 + 1e-9


def test_local_contrast_is_raised_by_the_gain_where_black_and_white_are_far():
    frames = 128 + np.random.default_rng(0).uniform(-2, 2, (3, 1, 16, 16))
    region = (slice(0, 8), slice(2, 6))
    once, four = (paint.roughened(frames, region, gain=gain, sigma=1.5) for gain in (1, 4))
    np.testing.assert_allclose(four.std((2, 3)), 4 * once.std((2, 3)))


@given(st.integers(0, 10**6))
def test_the_largest_rectangle_is_inside_the_mask_and_none_is_larger(seed):
    masks = np.random.default_rng(seed).random((3, 6, 7)) < 0.7
    for mask, (top, bottom, left, right) in zip(masks, paint.largest_rectangles(masks), strict=True):
        best = max(
            (b - a) * (d - c)
            for a in range(6) for b in range(a + 1, 7) for c in range(7) for d in range(c + 1, 8)
            if mask[a:b, c:d].all()
        )  # fmt: skip
        assert mask[top:bottom, left:right].all() and (bottom - top) * (right - left) == best
    assert not paint.largest_rectangles(np.zeros((2, 4, 4), bool)).any()


def test_textures_are_the_object_s_own_pixels_and_small_objects_give_none():
    share = SHARE.copy()
    share[2] = 0
    share[2, :2, :2] = 1
    bars, donors = paint.textures(FRAMES, share, (18, 6))
    assert list(donors) == [0, 1, 3, 4] and bars.shape == (4, 2, 18, 6)
    np.testing.assert_array_equal(bars[0, :, :14], FRAMES[0, :, 6:20, 10:16])
    np.testing.assert_array_equal(bars[0, :, 14:], FRAMES[0, :, 16:20, 10:16][:, ::-1])


def test_what_is_filled_is_harmonic_and_the_rest_is_untouched():
    made, inside = paint.filled(FRAMES, SHARE), np.broadcast_to((SHARE > 0)[:, None], FRAMES.shape)
    np.testing.assert_array_equal(made[~inside], FRAMES[~inside])
    around = sum(np.roll(made, step, axis) for step in (-1, 1) for axis in (2, 3)) / 4
    within = inside.copy()
    within[..., [0, -1], :] = within[..., [0, -1]] = False  # pixels at the border have fewer neighbours
    np.testing.assert_allclose(made[within], around[within], atol=1e-8)
    rows, columns = np.mgrid[:24, :30]
    slope = np.broadcast_to(3.0 * rows + 2 * columns, (5, 1, 24, 30))
    np.testing.assert_allclose(paint.filled(slope, SHARE)[[0, 2, 3, 4]], slope[[0, 2, 3, 4]], atol=1e-8)
    np.testing.assert_array_equal(paint.filled(FRAMES, np.ones_like(SHARE)), FRAMES)


@pytest.mark.parametrize("edit", [paint.luminance_scaled, paint.luminance_shifted])
def test_the_object_gets_the_luminance_of_the_target_and_keeps_its_texture(edit):
    target = paint.filled(FRAMES, SHARE)
    made = edit(FRAMES, SHARE, target)
    np.testing.assert_allclose(of_object(made), of_object(target))
    np.testing.assert_array_equal(made[:, :, SHARE[0] == 0][[0, 2, 3, 4]], FRAMES[:, :, SHARE[0] == 0][[0, 2, 3, 4]])
    both = [np.corrcoef(x[0, 0][SHARE[0] > 0], FRAMES[0, 0][SHARE[0] > 0])[0, 1] for x in (made, target)]
    assert both[0] == pytest.approx(1) and both[1] < 0.9
    nothing = np.zeros_like(SHARE)
    np.testing.assert_array_equal(edit(FRAMES, nothing, target), FRAMES)


def test_place_by_place_a_uniform_object_becomes_the_target_and_a_fine_texture_stays():
    frames, target = np.full((1, 1, 24, 30), 50.0), np.broadcast_to(np.linspace(80, 120, 30), (1, 1, 24, 30))
    share = SHARE[:1]
    made = paint.relit(frames, share, target, sigma=2)
    np.testing.assert_allclose(made, np.where(share[:, None] > 0, target, frames))
    fine = frames + 10 * (np.indices((24, 30)).sum(0) % 2 * 2 - 1)
    kept = (paint.relit(fine, share, target, sigma=2) - target)[0, 0][share[0] > 0]
    np.testing.assert_allclose(np.abs(kept), 10, atol=2)


def test_flattening_keeps_the_luminance_and_takes_the_texture():
    made = paint.flattened(FRAMES, SHARE)
    np.testing.assert_allclose(made[0, :, 6:20, 10:17].std((1, 2)), 0, atol=1e-9)
    np.testing.assert_allclose(made[0, :, 6, 10], FRAMES[0, :, 6:20, 10:17].mean((1, 2)))
    np.testing.assert_array_equal(made[:, :, SHARE[1] == 0], FRAMES[:, :, SHARE[1] == 0])


@pytest.mark.parametrize("gamma", [0.25, 0.5, 1.5, 2])
def test_a_power_of_the_levels_darkens_above_1_keeps_black_and_white_and_is_undone_by_its_inverse(gamma):
    levels = np.r_[0, FRAMES.ravel(), 255]
    changed = paint.at_gamma(levels, gamma)
    assert changed[0] == 0 and changed[-1] == 255
    assert np.sign(levels - changed)[1:-1].tolist() == [np.sign(gamma - 1)] * FRAMES.size
    np.testing.assert_allclose(paint.at_gamma(changed, 1 / gamma), levels, rtol=1e-9)


def test_an_object_that_is_relit_for_a_black_place_is_nowhere_below_black():
    frames = np.random.default_rng(0).uniform(0, 255, (1, 1, 12, 12))
    share = np.ones((1, 12, 12))
    made = paint.relit(frames, share, np.zeros_like(frames), sigma=2)
    assert made.min() == 0 and (made == 0).mean() > 0.2 and made.max() <= 255

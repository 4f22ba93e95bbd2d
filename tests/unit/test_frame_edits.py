"""Edits of a frame, one at a time in plain numpy."""

import numpy as np
import pytest
import scipy.ndimage

from minetest_interp.analysis.frame_edits import FrameEdits, apply_edits, apply_to_both

FRAME = np.random.default_rng(0).integers(0, 256, (2, 7, 9)).astype(np.float32)  # planes of other heights than widths
MIRRORED = FRAME[..., ::-1] + 0.25  # as a study may have it, resized by itself


def edited(**edits):
    return apply_edits(FRAME, MIRRORED, FrameEdits(**edits))


def test_without_edits_a_frame_is_as_it_was_and_mirrored_it_is_the_study_s_mirror_image():
    np.testing.assert_array_equal(edited(), FRAME)
    np.testing.assert_array_equal(edited(mirror=True), MIRRORED)


@pytest.mark.parametrize(("right", "down"), [(2, 0), (0, 3), (-1, 2), (3, -2), (50, 50), (-50, -50)])
def test_a_shifted_frame_draws_its_border_on(right, down):
    found = edited(shift=(right, down))
    for row in range(7):
        for column in range(9):
            source = FRAME[:, min(max(row - down, 0), 6), min(max(column - right, 0), 8)]
            np.testing.assert_allclose(found[:, row, column], source, rtol=1e-6)


def test_levels_are_inverted_and_brightened_and_planes_are_blurred_each_by_itself():
    np.testing.assert_allclose(edited(invert=True), 255 - FRAME, atol=1e-4)
    np.testing.assert_allclose(edited(gamma=1.0), np.sqrt(FRAME / 255) * 255, rtol=1e-5)
    blurred = [scipy.ndimage.gaussian_filter(plane, 1.5, mode="nearest") for plane in FRAME]
    np.testing.assert_allclose(edited(blur=1.5), blurred, rtol=1e-4)


def test_paint_is_over_all_else_and_in_every_plane():
    found = edited(invert=True, paint=((8, 3, 40), (62, 1, 7))).reshape(2, -1)
    painted = [8, 9, 10, 62]
    np.testing.assert_array_equal(found[:, painted], [[40, 40, 40, 7]] * 2)
    rest = np.delete(np.arange(63), painted)
    np.testing.assert_allclose(found[:, rest], 255 - FRAME.reshape(2, -1)[:, rest], atol=1e-4)


def test_the_mirror_image_gets_the_mirror_image_of_every_edit():
    edits = FrameEdits(shift=(2, 1), blur=0.5, gamma=0.5, paint=((3, 5, 20),))
    usual, other = apply_to_both(FRAME, FRAME[..., ::-1], edits)
    np.testing.assert_array_equal(usual, apply_edits(FRAME, FRAME[..., ::-1], edits))
    np.testing.assert_allclose(other, usual[..., ::-1], rtol=1e-6)

"""Edits of a frame as the frame explorer makes them: the same numbers as in the reader's browser."""

from typing import NamedTuple

import numpy as np
import scipy
from jaxtyping import Float, Num

from minetest_interp.analysis import paint
from minetest_interp.model.frames import mirror_frames

Frame = Float[np.ndarray, "*plane row column"]


class FrameEdits(NamedTuple):
    """What is done to a frame, in this order.

    mirror: left and right exchanged. shift: pixels to the right and downwards; the border is drawn on. blur: standard
    deviation of a Gaussian in pixels. invert: black for white. gamma: each level to the power 2^-gamma, so that above 0
    is brighter; black and white stay. paint: what is painted over all of it, runs of pixels row by row, each with its
    start, its length and its grey level.
    """

    mirror: bool = False
    shift: tuple[int, int] = (0, 0)
    blur: float = 0.0
    invert: bool = False
    gamma: float = 0.0
    paint: tuple[tuple[int, int, int], ...] = ()


def apply_edits(
    frame: Num[np.ndarray, "*plane row column"], mirrored: Num[np.ndarray, "*plane row column"], edits: FrameEdits
) -> Frame:
    """A frame, levels 0 to 255, with the edits; `mirrored` is its mirror image as the study has it."""
    edited = np.asarray(mirrored if edits.mirror else frame, np.float32)
    rows, columns = (np.arange(length) for length in edited.shape[-2:])
    right, down = edits.shift
    edited = edited[..., np.clip(rows - down, 0, rows[-1]), :][..., np.clip(columns - right, 0, columns[-1])]
    if edits.blur:
        edited = scipy.ndimage.gaussian_filter(edited, edits.blur, mode="nearest", axes=(-2, -1))
    if edits.invert:
        edited = paint.WHITE - edited
    edited = paint.at_gamma(edited, 2.0**-edits.gamma).astype(np.float32)
    painted = edited.reshape(*edited.shape[:-2], -1)
    for start, length, level in edits.paint:
        painted[..., start : start + length] = level
    return painted.reshape(edited.shape)


def apply_to_both(
    frame: Num[np.ndarray, "*plane row column"], mirrored: Num[np.ndarray, "*plane row column"], edits: FrameEdits
) -> tuple[Frame, Frame]:
    """The edited frame, and the mirror image, which gets the mirror image of every edit."""
    other = apply_edits(mirror_frames(mirrored), mirror_frames(frame), edits)
    return apply_edits(frame, mirrored, edits), mirror_frames(other)

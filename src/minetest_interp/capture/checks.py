"""Does a picture show what its mask says? Tests of one frame; each needs the picture and the marched rays only."""

import math

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from minetest_interp.capture.classes import LEAVES, SKY, UNKNOWN
from minetest_interp.capture.march import Rendered
from minetest_interp.capture.types import Pose, Shot

STALE = "another pose"
UNLABELLED = "unknown labels"
UNLOADED = "unloaded blocks"
LARGEST_SHIFT = 4  # pixels
FLAT = 13  # pixels; a square of this side in one single colour is sky
FLAT_DISTANCES = 12.0, 50.0  # nodes; nearer, a texture's own squares are as large; farther, fog blends it into the sky
LEAST_SKY = 0.001  # share of the picture from which the sky's own colours are known


def reason_to_reject(
    picture: UInt8[np.ndarray, "height width 3"],
    rendered: Rendered,
    pose: Pose,
    shot: Shot,
    *,
    most_unloaded: float = 0.002,
) -> str | None:
    """Why a frame cannot be kept, None if it can.

    Args:
      picture: RGB. pose: what the client's camera reported. most_unloaded: share of the picture.
    """
    if not same_pose(pose, shot.pose):
        return STALE
    if (rendered.classes == UNKNOWN).any():
        return UNLABELLED
    if unloaded(picture, rendered) > most_unloaded:
        return UNLOADED
    return None


def same_pose(reported: Pose, wanted: Pose, *, nodes: float = 0.02, degrees: float = 0.05) -> bool:
    """Whether two poses differ by so little that edges a few nodes away stay within a pixel (0.1 degrees)."""
    apart = math.dist(reported[:3], wanted[:3])
    turned = max(abs((a - b + 180) % 360 - 180) for a, b in zip(reported[3:], wanted[3:], strict=True))
    return apart < nodes and turned < degrees


def edge_shift(
    picture: UInt8[np.ndarray, "height width 3"], rendered: Rendered, *, largest: int = LARGEST_SHIFT
) -> tuple[int, int] | None:
    """How far the mask would have to move, (right, down) in pixels, to lie best on the picture's edges.

    Of all shifts up to `largest` each way, the one under which the steps between neighbouring pixels of the picture are
    largest, on average, where the mask's class changes; edges behind plants are left out. (0, 0) for a mask in place;
    None where the mask has no edge.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    total = np.zeros((2 * largest + 1,) * 2)
    edges = 0
    for axis in (0, 1):
        # A root keeps few strong edges, such as those against the sky, from deciding alone.
        steps = np.pad(np.sqrt(np.abs(np.diff(grey, axis=axis))), largest, mode="reflect")
        changes = (np.diff(rendered.classes, axis=axis) != 0) & ~np.delete(rendered.plants, -1, axis)
        rows, columns = np.nonzero(changes)
        edges += len(rows)
        for down, right in np.ndindex(total.shape):
            total[down, right] += steps[rows + down, columns + right].sum()
    if not edges:
        return None
    down, right = np.unravel_index(total.argmax(), total.shape)
    return int(right) - largest, int(down) - largest


def unloaded(picture: UInt8[np.ndarray, "height width 3"], rendered: Rendered) -> float:
    """Share of the picture that shows flat sky where the mask has something solid: blocks that were not drawn yet.

    Flat sky is a colour that fills whole squares of the picture. Where the mask has flat sky too, only its colours
    count, else bluish ones.
    """
    flat = _flat(picture)
    # Leaves have holes, plants lie before what they hide, and near textures are flat squares themselves.
    nearest, farthest = FLAT_DISTANCES
    solid = (rendered.distance > nearest) & (rendered.distance < farthest) & ~rendered.plants
    suspect = solid & flat & (rendered.classes != LEAVES)
    sky = flat & (rendered.classes == SKY)
    if sky.mean() > LEAST_SKY:
        colours = picture.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        return float((suspect & np.isin(colours, np.unique(colours[sky]))).mean())
    red, green, blue = np.moveaxis(picture, -1, 0)
    return float((suspect & (blue >= green) & (green >= red) & (blue > red)).mean())


def _flat(picture: UInt8[np.ndarray, "height width 3"]) -> Bool[np.ndarray, "height width"]:
    """Pixels within a square of side `FLAT` of one single colour."""
    square = np.ones((FLAT, FLAT), np.uint8)
    centres = (cv2.dilate(picture, square) == cv2.erode(picture, square)).all(-1).astype(np.uint8)
    return cv2.dilate(centres, square).astype(bool)

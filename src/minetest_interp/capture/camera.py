"""The game's camera: from a pixel to its ray, and from a point to its pixel.

Axes are the game's: x east, y up, z north, left-handed, one node a unit; node (i, j, k) fills i - 0.5 .. i + 0.5 and so
on. A *column* runs from -1 (left edge of the picture) to 1 (right edge), a *row* from -1 (top) to 1 (bottom).
The client's own angles differ from a pose's: its yaw is the pose's + 90 degrees, its pitch the pose's negated.
"""

import numpy as np
from jaxtyping import Float, Num

from minetest_interp.capture.types import EYE_HEIGHT, VERTICAL_FIELD_OF_VIEW, Pose


def eye(pose: Pose) -> Float[np.ndarray, "3"]:
    """Where the player's eye is."""
    return np.array([pose.x, pose.y + EYE_HEIGHT, pose.z])


def axes(pose: Pose) -> Float[np.ndarray, "3 3"]:
    """Unit vectors to the right, up and forward in the picture, one a row."""
    yaw, pitch = np.radians([pose.yaw, pose.pitch])
    return np.array(
        [
            [np.cos(yaw), 0, np.sin(yaw)],
            [np.sin(yaw) * np.sin(pitch), np.cos(pitch), -np.cos(yaw) * np.sin(pitch)],
            [-np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)],
        ]
    )


def half_field(*, width: int, height: int) -> tuple[float, float]:
    """Tangents of half the horizontal and half the vertical field of view."""
    vertical = float(np.tan(np.radians(VERTICAL_FIELD_OF_VIEW / 2)))
    return vertical * width / height, vertical


def rays(pose: Pose, *, width: int, height: int) -> Float[np.ndarray, "{height} {width} 3"]:
    """Directions from the eye through the centres of the pixels, unit length."""
    horizontal, vertical = half_field(width=width, height=height)
    across = horizontal * (2 * (np.arange(width) + 0.5) / width - 1)
    upward = vertical * (1 - 2 * (np.arange(height) + 0.5) / height)
    right, up, forward = axes(pose)
    directions = across[None, :, None] * right + upward[:, None, None] * up + forward
    return directions / np.linalg.norm(directions, axis=-1, keepdims=True)


def project(
    pose: Pose, points: Num[np.ndarray, "*point 3"], *, width: int, height: int
) -> Float[np.ndarray, "*point 2"]:
    """Column and row at which points appear; NaN for points beside or behind the eye."""
    right, up, forward = np.moveaxis((np.asarray(points, float) - eye(pose)) @ axes(pose).T, -1, 0)
    horizontal, vertical = half_field(width=width, height=height)
    depth = np.where(forward > 0, forward, np.nan)
    return np.stack([right / (horizontal * depth), -up / (vertical * depth)], axis=-1)

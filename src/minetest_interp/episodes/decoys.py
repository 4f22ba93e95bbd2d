"""Two pillars before the agent, one to either side: a dark one that is no trunk, and a light trunk."""

from collections.abc import Mapping

import numpy as np

from minetest_interp.capture import march
from minetest_interp.capture.march import Scene
from minetest_interp.capture.types import Node, Pose

AXES = 0, 90, 180, 270  # degrees; along these both pillars are as far away
ROWS, COLUMNS = 75, 128  # of the pictures in which the pillars are looked for


def pillars(pose: Pose, wanted: Mapping, *, dark: str) -> list[Node]:
    """The nodes of both, for a pose that looks along an axis.

    Args:
      wanted: the section `decoys` of the list of places. dark: the side of the dark one, "left" or "right".
    """
    yaw = np.radians(pose.yaw)
    onward, left = np.array([-np.sin(yaw), np.cos(yaw)]), np.array([-np.cos(yaw), -np.sin(yaw)])
    names = (wanted["dark"], wanted["light"]) if dark == "left" else (wanted["light"], wanted["dark"])
    feet = int(np.floor(pose.y + 0.5))
    heights = range(feet - wanted["below"], feet + wanted["above"] + 1)
    found = []
    for side, name in zip((1, -1), names, strict=True):
        x, z = np.rint([pose.x, pose.z] + wanted["ahead"] * onward + side * wanted["aside"] * left).astype(int).tolist()
        found += [Node(x, y, z, name) for y in heights]
    return found


def best_view(shown: Scene, pose: Pose, wanted: Mapping) -> Pose:
    """The pose along the axis on which the less visible pillar shows most; of equal ones the nearest to its own."""
    turned = sorted(AXES, key=lambda yaw: abs((yaw - pose.yaw + 180) % 360 - 180))
    poses = [pose._replace(yaw=float(yaw), pitch=0.0) for yaw in turned]
    return max(poses, key=lambda view: min(_visible(shown, view, wanted)))


def _visible(shown: Scene, pose: Pose, wanted: Mapping) -> tuple[int, int]:
    """Pixels that each pillar covers, the left one's and the right one's."""
    placed = march.changed(shown, pillars(pose, wanted, dark="left"))
    before, after = (
        march.render(scene, pose, width=COLUMNS, height=ROWS, reach=2 * wanted["ahead"]).distance
        for scene in (shown, placed)
    )
    left, right = np.split(after != before, 2, axis=1)
    return int(left.sum()), int(right.sum())

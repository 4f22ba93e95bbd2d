"""The nodes on the line of sight: what the shaped reward of the training environment counts.

That reward pays for every node with "tree" in its name that the view ray crosses, 30 nodes long from the camera along
the look direction, whatever lies before it (minetest at e5d4efca6, clientmods/treechop_shaped_v0/init.lua).
"""

import math

import numpy as np
from jaxtyping import Int

from minetest_interp.capture import camera
from minetest_interp.capture.classes import UNKNOWN
from minetest_interp.capture.march import Scene
from minetest_interp.capture.types import Pose

REACH = 30.0  # nodes
LEVEL = 1e-12  # of a direction's length; a ray that goes no farther along an axis crosses no face there
PAID = "tree"  # part of a node's name


def crossed(shown: Scene, pose: Pose, *, reach: float = REACH) -> Int[np.ndarray, "node 3"] | None:
    """All nodes on the view ray from the eye's own on, by their coordinates, nearest first.

    A ray goes from node to node through the face that it reaches first (Amanatides & Woo 1987).

    Args:
      reach: nodes from the eye; a node that the ray enters there or later does not count.

    Returns:
      None where the ray comes to what was never read or generated.
    """
    eye, direction = camera.eye(pose) + 0.5, camera.axes(pose)[2]  # node i now fills i .. i + 1
    cell, found = [math.floor(value) for value in eye], []
    lowest = np.array(shown.voxels.origin) - 1
    while True:
        at = np.array(cell) - lowest
        if (at < 0).any() or (at >= shown.classes.shape).any() or shown.classes[tuple(at)] == UNKNOWN:
            return None
        found.append(tuple(cell))
        ways = [
            (c + (d > 0) - e) / d if abs(d) > LEVEL else math.inf for c, e, d in zip(cell, eye, direction, strict=True)
        ]
        axis = ways.index(min(ways))
        if ways[axis] >= reach:
            return np.array(found)
        cell[axis] += 1 if direction[axis] > 0 else -1


def trunks(shown: Scene, pose: Pose, *, reach: float = REACH) -> int | None:
    """How many nodes of trees the view ray crosses; None as in `crossed`."""
    cells = crossed(shown, pose, reach=reach)
    if cells is None:
        return None
    content = shown.voxels.content[tuple((cells - shown.voxels.origin).T)]
    return int(np.array([PAID in name for name in shown.voxels.names])[content].sum())

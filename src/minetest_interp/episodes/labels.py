"""What is known of each step of an episode from its poses and the map: trunks around the agent, and what it earned.

A trunk is a node whose name holds "tree", as for the reward of the training environment (minetest at e5d4efca6,
clientmods/treechop_shaped_v0/init.lua): 1 for each trunk that is dug, .01 a step for each trunk that the view ray
crosses, .01 for each punch at one; and .01 less a step with jump (minetest-baselines at e827caf, wrappers.py).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

from minetest_interp.capture import line, march
from minetest_interp.capture.march import Scene
from minetest_interp.capture.types import Node, Pose
from minetest_interp.episodes.play import Event

PER_NODE, PER_RAY, PER_PUNCH, PER_JUMP = 1.0, 0.01, 0.01, -0.01
HALF_WIDTH = 0.3  # nodes, of the player
BELOW = 0.1  # nodes under the feet that are looked at; in a jump there is air


def of_steps(
    shown: Scene,
    poses: Float[np.ndarray, "step 5"],
    dug: Sequence[Event],
    punched: Sequence[Event],
    jumped: Bool[np.ndarray, " step"],
) -> dict[str, np.ndarray]:
    """Distance and direction of the nearest trunk, whether one is under the feet, trunks dug, and the rewards.

    Args:
      shown: the map before the episode. poses: feet x, y, z in nodes, yaw and pitch in degrees.

    Returns:
      Arrays by step, see `docs/episodes.md`; NaN where the map is not known.
    """
    steps = len(poses)
    paid = _is_trunk(shown.voxels.names)[shown.voxels.content]
    crossed = np.full(steps, np.nan)
    nearest, on_trunk = np.full((steps, 2), np.nan), np.zeros(steps, bool)
    trees, changes = _tree_columns(paid, shown), _by_step(dug)
    for step, pose in enumerate(map(_pose, poses)):
        if gone := changes.get(step):
            shown = march.changed(shown, [Node(e.x, e.y, e.z, "air") for e in gone])
            inside = np.array([[e.x, e.y, e.z] for e in gone]) - shown.voxels.origin
            paid[tuple(inside.T)] = False
            trees = _tree_columns(paid, shown)
        count = line.trunks(shown, pose)
        crossed[step] = np.nan if count is None else count
        on_trunk[step] = _stands_on(paid, shown, pose)
        if trees is not None:
            distance, which = trees.query([pose.x, pose.z])
            east, north = trees.data[which] - [pose.x, pose.z]
            bearing = np.degrees(np.arctan2(-east, north))  # 0 looks along +z, 90 along -x
            nearest[step] = distance, (bearing - pose.yaw + 180) % 360 - 180
    plain = PER_NODE * _count(dug, steps)
    shaped = plain + PER_RAY * crossed + PER_PUNCH * _count(punched, steps) + PER_JUMP * jumped
    return {
        "distance": nearest[:, 0],
        "direction": nearest[:, 1],
        "on_trunk": on_trunk,
        "dug": _count(dug, steps).astype(np.uint8),
        "crossed": crossed,
        "plain": plain,
        "shaped": shaped,
    }


def _is_trunk(names: Sequence[str]) -> Bool[np.ndarray, " name"]:
    return np.array([line.PAID in name for name in names])


def _pose(row: np.ndarray) -> Pose:
    return Pose(*map(float, row))


def _tree_columns(paid: Bool[np.ndarray, "x y z"], shown: Scene) -> KDTree | None:
    """The x and z of every column of nodes that has a trunk in it; None without any."""
    columns = np.argwhere(paid.any(1)) + np.array(shown.voxels.origin)[[0, 2]]
    return KDTree(columns) if len(columns) else None


def _by_step(dug: Sequence[Event]) -> dict[int, list[Event]]:
    """What is gone in the picture of each step: a node dug at a step is there in that step's own picture."""
    found: dict[int, list[Event]] = {}
    for event in dug:
        found.setdefault(event.step + 1, []).append(event)
    return found


def _stands_on(paid: Bool[np.ndarray, "x y z"], shown: Scene, pose: Pose) -> bool:
    corners = [[pose.x + i * HALF_WIDTH, pose.y - BELOW, pose.z + k * HALF_WIDTH] for i in (-1, 1) for k in (-1, 1)]
    at: Int[np.ndarray, "4 3"] = np.floor(np.array(corners) + 0.5).astype(int) - shown.voxels.origin
    inside = ((at >= 0) & (at < paid.shape)).all(1)
    return bool(paid[tuple(at[inside].T)].any())


def _count(events: Sequence[Event], steps: int) -> Float[np.ndarray, " step"]:
    of_trunks = [event.step for event in events if line.PAID in event.name]
    return np.bincount(of_trunks, minlength=steps).astype(float)

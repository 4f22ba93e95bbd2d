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
BELOW = 0.2  # nodes under the feet that are looked at, which the view's bobbing moves; in a jump there is air


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
    crossed = np.full(steps, np.nan)
    nearest, on_trunk = np.full((steps, 2), np.nan), np.zeros(steps, bool)
    changes = {0} | {event.step + 1 for event in dug}
    for step, pose in enumerate(Pose(*map(float, row)) for row in poses):
        if step in changes:
            now = after_digging(shown, dug, step)
            paid, trees = _is_trunk(now), KDTree(tree_columns(now))
        count = line.trunks(now, pose)
        crossed[step] = np.nan if count is None else count
        on_trunk[step] = _stands_on(paid, now, pose)
        if trees.n:
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


def after_digging(shown: Scene, dug: Sequence[Event], step: int) -> Scene:
    """The map as it is in the picture of a step: what was dug at earlier steps is gone."""
    return march.changed(shown, [Node(e.x, e.y, e.z, "air") for e in dug if e.step < step])


def tree_columns(shown: Scene) -> Int[np.ndarray, "column 2"]:
    """The x and z of every column of nodes that has a trunk in it."""
    return np.argwhere(_is_trunk(shown).any(1)) + np.array(shown.voxels.origin)[[0, 2]]


def read_events(words: np.ndarray) -> list[Event]:
    """Events from the words of an episode's file."""
    split = [str(line).split() for line in words]
    return [Event(int(step), name, int(x), int(y), int(z)) for step, name, x, y, z in split]


def written(happened: Sequence[Event]) -> np.ndarray:
    """Events as an episode's file has them: step, name, x, y, z."""
    return np.array([" ".join(map(str, event)) for event in happened], dtype=np.str_)


def _is_trunk(shown: Scene) -> Bool[np.ndarray, "x y z"]:
    return np.array([line.PAID in name for name in shown.voxels.names])[shown.voxels.content]


def _stands_on(paid: Bool[np.ndarray, "x y z"], shown: Scene, pose: Pose) -> bool:
    corners = [[pose.x + i * HALF_WIDTH, pose.y - BELOW, pose.z + k * HALF_WIDTH] for i in (-1, 1) for k in (-1, 1)]
    at: Int[np.ndarray, "4 3"] = np.floor(np.array(corners) + 0.5).astype(int) - shown.voxels.origin
    inside = ((at >= 0) & (at < paid.shape)).all(1)
    return bool(paid[tuple(at[inside].T)].any())


def _count(events: Sequence[Event], steps: int) -> Float[np.ndarray, " step"]:
    of_trunks = [event.step for event in events if line.PAID in event.name]
    return np.bincount(of_trunks, minlength=steps).astype(float)

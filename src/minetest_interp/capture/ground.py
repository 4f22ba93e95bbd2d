"""A site as poses are drawn on it: where a player can stand, which trees there are, and how one is removed or moved."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int32
from scipy import ndimage
from scipy.spatial import KDTree

from minetest_interp.capture import camera, classes
from minetest_interp.capture.classes import APPLE, GROUND, LEAVES, PLANT, SKY, TRUNK
from minetest_interp.capture.march import Scene
from minetest_interp.capture.types import Node, Pose

LARGEST_TREE = 200  # nodes; more is several trees in one
LOWEST_TREE = 3  # nodes from its lowest trunk node to its highest; a fallen log is lower
CLEAR = 8  # frames without a trunk are taken from that part of a site which is farthest from any
PIT = 9, 3  # nodes: ground lower than its surroundings of this side by more than that is a pit or a cave's mouth


class Ground(NamedTuple):
    """feet: where a player can stand. clear: the part of these places that is farthest from any trunk.

    trees: of the shape of `shown.classes`: 1 up for the trunk nodes of each tree, 0 elsewhere. trunks: the nodes of
    those trees that may be the subject of a frame, by number of the tree.
    """

    shown: Scene
    feet: Float[np.ndarray, "place 3"]
    clear: Float[np.ndarray, "clear_place 3"]
    trees: Int32[np.ndarray, "x y z"]
    trunks: Mapping[int, Int[np.ndarray, "node 3"]]


def examine(
    shown: Scene, centre: tuple[float, float, float], *, radius: int, reach: float, species: Collection[str]
) -> Ground:
    """The ground up to `radius` nodes from a site's centre, and the trees of some species up to `reach` nodes away."""
    x, _, z = np.floor(np.array(centre) - shown.voxels.origin + 1.5).astype(int)
    height = shown.classes.shape[1]
    west, south = max(x - radius, 0), max(z - radius, 0)
    columns = shown.classes[west : x + radius + 1, :, south : z + radius + 1]
    is_ground = columns == GROUND
    top = height - 1 - is_ground[:, ::-1].argmax(axis=1)
    above = [np.take_along_axis(columns, np.minimum(top + n, height - 1)[:, None], 1)[:, 0] for n in (1, 2)]
    side, deep = PIT
    is_level = ndimage.median_filter(top, side) - top <= deep
    standing = is_ground.any(1) & is_level & np.isin(above[0], (SKY, PLANT)) & (above[1] == SKY)
    i, k = np.nonzero(standing)
    feet = np.stack([i + west, top[i, k] + 0.5, k + south], axis=1) + shown.voxels.origin - np.array([1, 1, 1])

    trees, _ = ndimage.label(shown.classes == TRUNK, np.ones((3, 3, 3)))
    trunks = {}
    for label, box in enumerate(ndimage.find_objects(trees), start=1):
        near_x, near_z = (np.clip(c, box[a].start, box[a].stop) - c for c, a in ((x, 0), (z, 2)))
        if max(abs(near_x), abs(near_z)) <= reach and box[1].stop - box[1].start >= LOWEST_TREE:
            own = np.argwhere(trees[box] == label) + [edge.start for edge in box] - 1
            if classes.species(shown.voxels.names[shown.voxels.content[tuple(own[0])]]) in species:
                trunks[label] = own + shown.voxels.origin
    nodes = np.argwhere(trees) + shown.voxels.origin - 1
    away = KDTree(nodes).query(feet)[0] if len(nodes) else np.zeros(len(feet))
    clear = feet[np.argsort(-away, kind="stable")[: -(-len(feet) // CLEAR)]]
    return Ground(shown, feet, clear, trees, trunks)


def tree_at(place: Ground, trunk: Node) -> int:
    """The number of the tree that a trunk node belongs to."""
    return int(place.trees[tuple(np.array(trunk[:3]) - place.shown.voxels.origin + 1)])


def remove(place: Ground, trunk: Node) -> tuple[Node, ...]:
    """What takes the place of the tree's trunk: air, or ground for its foot in the ground, so that no hole is left."""
    voxels = place.shown.voxels
    left = []
    for at in _tree(place, trunk):
        beside = at - voxels.origin + 1 + np.array([[1, 0, 0], [-1, 0, 0], [0, 0, 1], [0, 0, -1]])
        kinds = place.shown.classes[tuple(beside.T)]
        name = "air"
        if (kinds == GROUND).any() and np.isin(kinds, (GROUND, TRUNK)).all():
            name = voxels.names[voxels.content[tuple(beside[(kinds == GROUND).argmax()] - 1)]]
        x, y, z = map(int, at)
        left.append(Node(x, y, z, name))
    return tuple(left)


def move(place: Ground, pose: Pose, trunk: Node, nodes: int) -> tuple[Node, ...]:
    """The tree's trunk some nodes along x or z, whichever crosses the view, down to the ground there.

    Nothing if what is not ground, leaves, an apple or the tree itself is in its way, or only a stump would stand out.
    """
    voxels, old = place.shown.voxels, _tree(place, trunk)
    if not len(old):
        return ()
    right = camera.axes(pose)[0]
    new = old + (nodes * np.array([1, 0, 0]) if abs(right[0]) > abs(right[2]) else nodes * np.array([0, 0, 1]))
    kinds = place.shown.classes[tuple((new - voxels.origin + 1).T)]
    own = {tuple(at) for at in old.tolist()}
    buried = kinds == GROUND
    free = np.isin(kinds, (SKY, PLANT, LEAVES, APPLE)) | np.array([tuple(at) in own for at in new.tolist()])
    heights = new[free, 1]
    stands_out = heights.size and heights.max() - heights.min() + 1 >= LOWEST_TREE
    if not (free | buried).all() or not stands_out or (new[buried, 1] >= heights.min()).any():
        return ()
    names = [voxels.names[i] for i in voxels.content[tuple((old - voxels.origin).T)]]
    placed = {node[:3]: node.name for node in remove(place, trunk)}
    placed.update({tuple(at): name for at, name, is_free in zip(new.tolist(), names, free, strict=True) if is_free})
    return tuple(Node(x, y, z, name) for (x, y, z), name in placed.items())


def _tree(place: Ground, trunk: Node) -> Int[np.ndarray, "node 3"]:
    """The trunk nodes connected to a trunk, at corners too; none if they are too many for one tree."""
    nodes = place.trunks.get(tree_at(place, trunk))
    return nodes if nodes is not None and 0 < len(nodes) <= LARGEST_TREE else np.empty((0, 3), int)

"""What each pixel of a picture shows: rays marched through the nodes of the map.

A ray goes from node to node until it reaches one that fills its cell (Amanatides & Woo, "A fast voxel traversal
algorithm", 1987). In the open it leaps: an empty cell stores how many nodes away the nearest other one is, and the ray
goes straight to the face of the empty cube that this promises (Cohen & Sheffer, "Proximity clouds", 1994). The result
is that of stepping node by node; the time is that of ten to twenty steps a ray: 0.1-0.2 s a picture on one core.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float32, Int32, UInt8
from scipy import ndimage

from minetest_interp.capture import camera
from minetest_interp.capture.classes import PLANT, SKY, UNKNOWN, classify
from minetest_interp.capture.types import HEIGHT, WIDTH, Node, Pose, Voxels
from minetest_interp.io.errors import InputError

VIEWING_RANGE = 100.0  # nodes; the game's fog is total there
STOP, THROUGH, FARTHEST = 0, 255, 254  # in Scene.leap: what fills its cell, a plant, the longest leap
RAYS_AT_ONCE = 2048  # a tile that fits a core's cache; the whole picture at once takes five times as long


class Scene(NamedTuple):
    """A part of the map, ready for marching.

    drawtypes: as in `classes.classify`. classes: the nodes' classes within one layer of UNKNOWN, so that no ray leaves
    the array. leap: STOP, THROUGH, or how many nodes away (the largest of the three coordinates' differences) the
    nearest node that is not air may be.
    """

    voxels: Voxels
    drawtypes: Mapping[str, Mapping]
    classes: UInt8[np.ndarray, "x+2 y+2 z+2"]
    leap: UInt8[np.ndarray, "x+2 y+2 z+2"]


class Rendered(NamedTuple):
    """What each pixel shows, of one view or of several.

    distance: nodes from the eye to the surface; infinite for the sky. plants: whether a plant's cell lies before it.
    cell: index into the flattened `Scene.classes`, see `node_at`; -1 for the sky.
    """

    classes: UInt8[np.ndarray, "*view height width"]
    distance: Float32[np.ndarray, "*view height width"]
    plants: Bool[np.ndarray, "*view height width"]
    cell: Int32[np.ndarray, "*view height width"]


def scene(voxels: Voxels, drawtypes: Mapping[str, Mapping]) -> Scene:
    """Prepares a dump for marching: once a site, about a second for 11 million nodes."""
    found = np.pad(classify(voxels.names, drawtypes)[voxels.content], 1, constant_values=UNKNOWN)
    away = ndimage.distance_transform_cdt(found == SKY, metric="chessboard")
    leap = np.minimum(away, FARTHEST).astype(np.uint8)
    leap[found == PLANT] = THROUGH
    return Scene(voxels, drawtypes, found, leap)


def changed(before: Scene, nodes: Sequence[Node]) -> Scene:
    """The scene after `nodes` are placed; the one given stays as it is.

    Raises:
      InputError: a node lies outside of the scene.
    """
    if not nodes:
        return before
    names = list(dict.fromkeys((*before.voxels.names, *(node.name for node in nodes))))
    at = np.array([node[:3] for node in nodes]) - before.voxels.origin
    if (at < 0).any() or (at >= before.voxels.content.shape).any():
        raise InputError("a shot's changes must lie within the nodes that were read; some do not. Read a larger box.")
    kinds = classify([node.name for node in nodes], before.drawtypes)
    content, found, leap = before.voxels.content.copy(), before.classes.copy(), before.leap.copy()
    content[tuple(at.T)] = [names.index(node.name) for node in nodes]
    inside = tuple(at.T + 1)
    found[inside] = kinds
    if (solid := kinds != SKY).any():
        # Leaps may be shorter than the free way, never longer: what was dug needs no update, what was placed does.
        lowest, highest = at[solid].min(0) + 1, at[solid].max(0) + 1
        gaps = [
            np.maximum(np.maximum(low - np.arange(size), np.arange(size) - high), 1).clip(1, FARTHEST).astype(np.uint8)
            for low, high, size in zip(lowest, highest, leap.shape, strict=True)
        ]
        nearest = np.maximum(np.maximum(gaps[0][:, None, None], gaps[1][:, None]), gaps[2])
        np.minimum(leap, nearest, out=leap, where=leap != THROUGH)
    leap[inside] = np.where(kinds == SKY, 1, np.where(kinds == PLANT, THROUGH, STOP))
    return Scene(before.voxels._replace(names=tuple(names), content=content), before.drawtypes, found, leap)


def render(
    shown: Scene, pose: Pose, *, width: int = WIDTH, height: int = HEIGHT, reach: float = VIEWING_RANGE
) -> Rendered:
    """What the picture at a pose shows, arrays `[height, width]`; UNKNOWN where a ray leaves the scene within `reach`.

    Args:
      reach: nodes from the eye; whatever is farther counts as sky.

    Raises:
      InputError: the eye is outside of the scene.
    """
    seen = render_all(shown, [pose], width=width, height=height, reach=reach)
    return Rendered(*(array[0] for array in seen))


def render_all(
    shown: Scene, poses: Sequence[Pose], *, width: int, height: int, reach: float = VIEWING_RANGE
) -> Rendered:
    """`render` for several poses, arrays `[len(poses), height, width]`; compiled anew for another number of poses."""
    # Cell i of the padded array fills i .. i + 1.
    eyes = np.array([camera.eye(pose) for pose in poses]) - shown.voxels.origin + 1.5
    if (eyes < 1).any() or (eyes >= np.array(shown.classes.shape) - 1).any():
        raise InputError("the eye must be within the nodes that were read; it is not. Read a box around the pose.")
    directions = np.stack([camera.rays(pose, width=width, height=height) for pose in poses])
    rows = max(n for n in range(1, height + 1) if height % n == 0 and (n == 1 or n * width <= RAYS_AT_ONCE))
    tiles = directions.reshape(-1, rows * width, 3).astype(np.float32)
    origins = np.repeat(eyes, height // rows, axis=0).astype(np.float32)
    distance, cell, plants = (
        np.asarray(array).reshape(len(poses), height, width)
        for array in _march(shown.leap.reshape(-1), np.array(shown.leap.shape), origins, tiles, np.float32(reach))
    )
    cell = np.where(np.isfinite(distance), cell, -1)
    classes = np.where(cell < 0, SKY, shown.classes.reshape(-1)[cell]).astype(np.uint8)
    return Rendered(classes, distance, plants, cell)


def node_at(shown: Scene, cell: int) -> Node:
    """The node that a pixel shows.

    Raises:
      InputError: the pixel shows the sky, or what is outside of the scene.
    """
    at = np.array(np.unravel_index(cell, shown.classes.shape)) - 1 if cell >= 0 else np.array([-1])
    if (at < 0).any() or (at >= shown.voxels.content.shape).any():
        raise InputError("the pixel must show a node of the scene; it shows the sky or the unknown. Choose another.")
    x, y, z = (int(i) for i in at + shown.voxels.origin)
    return Node(x, y, z, shown.voxels.names[shown.voxels.content[tuple(at)]])


@jax.jit
def _march(leap: Array, shape: Array, eyes: Array, directions: Array, reach: Array) -> tuple[Array, Array, Array]:
    """Distance, cell and whether a plant was passed, `[T, R]`, of eyes `[T, 3]` and directions `[T, R, 3]`."""

    def flat(cell):
        return (cell[0] * shape[1] + cell[1]) * shape[2] + cell[2]

    def tile(view):
        eye, direction = view[0], tuple(view[1].T)
        ahead = [d > 0 for d in direction]
        inverse = [jnp.where(d == 0, jnp.inf, 1 / d) for d in direction]
        start = [jnp.full(d.shape, jnp.floor(e), jnp.int32) for e, d in zip(eye, direction, strict=True)]
        none = jnp.zeros(direction[0].shape, bool)

        def go_on(state):
            return state[-1].any()

        def step(state):
            distance, cell, plants, going = state
            code = leap[flat(cell)].astype(jnp.int32)
            through, stops = code == THROUGH, code == STOP
            free = jnp.where(through, 1, code)
            faces = [jnp.where(a, c + free, c - free + 1) for a, c in zip(ahead, cell, strict=True)]
            # A ray along a face of a cell has 0 * infinity here: that face is never crossed.
            ways = [
                jnp.where(jnp.isinf(i), jnp.inf, (face - e) * i) for face, e, i in zip(faces, eye, inverse, strict=True)
            ]
            way = jnp.minimum(jnp.minimum(ways[0], ways[1]), ways[2])
            moves = going & ~stops & (way < reach)
            entered = []
            for a, c, e, d, face, own in zip(ahead, cell, eye, direction, faces, ways, strict=True):
                # Rounding must not carry a ray out of the cube whose emptiness is known.
                along = jnp.clip(jnp.floor(e + way * d).astype(jnp.int32), c - free + 1, c + free - 1)
                entered.append(jnp.where(moves, jnp.where(own == way, jnp.where(a, face, face - 1), along), c))
            distance = jnp.where(moves, way, jnp.where(going & ~stops, jnp.inf, distance))
            return distance, tuple(entered), plants | (going & through), moves

        state = jnp.zeros_like(direction[0]), tuple(start), none, ~none
        distance, cell, plants, _ = jax.lax.while_loop(go_on, step, state)
        return distance, flat(cell), plants

    return jax.lax.map(tile, (eyes, directions))

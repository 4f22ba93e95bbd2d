"""Made-up worlds: a few nodes with names that the game would give."""

import numpy as np

from minetest_interp.capture import march
from minetest_interp.capture.types import Pose, Voxels

DRAWTYPES = {
    "air": {"drawtype": "airlike", "groups": []},
    "default:tree": {"drawtype": "normal", "groups": {"tree": 1, "choppy": 2}},
    "default:leaves": {"drawtype": "allfaces_optional", "groups": {"leaves": 1}},
    "default:dirt": {"drawtype": "normal", "groups": {"crumbly": 3}},
    "default:grass_3": {"drawtype": "plantlike", "groups": {"flora": 1, "grass": 1}},
    "default:water_source": {"drawtype": "liquid", "groups": {"water": 3}},
    "default:apple": {"drawtype": "plantlike", "groups": {"food_apple": 1}},
    "default:pine_tree": {"drawtype": "normal", "groups": {"tree": 1}},
}
NAMES = tuple(DRAWTYPES)
AIR, TREE, LEAVES, DIRT, GRASS, WATER, APPLE, PINE = range(len(NAMES))
SIDE, HEIGHT = 70, 24  # nodes of `forest`


def scene(content: np.ndarray, origin=(0, 0, 0)) -> march.Scene:
    return march.scene(Voxels(origin, NAMES, content.astype(np.uint16)), DRAWTYPES)


def noise(seed: int, shape=(18, 13, 16), share: float = 0.03) -> np.ndarray:
    """Nodes of all kinds strewn into the air."""
    generator = np.random.default_rng(seed)
    return np.where(generator.random(shape) < share, generator.integers(1, len(NAMES), shape), AIR)


def forest(*trees: tuple[int, int], kind: int = TREE) -> march.Scene:
    """Level ground, its highest nodes at y = -1, with trees at the given x and z: four trunk nodes under one of leaves.
    As in the game, the trunk has one more node in the ground.

    A hedge far around and a roof let no ray leave the world.
    """
    content = np.full((SIDE, HEIGHT, SIDE), AIR)
    content[[0, -1]], content[:, -1], content[:, :, [0, -1]] = LEAVES, LEAVES, LEAVES
    content[:, :4] = DIRT
    for x, z in trees:
        content[x + SIDE // 2, 3:8, z + SIDE // 2] = kind
        content[x + SIDE // 2, 8, z + SIDE // 2] = LEAVES
    return scene(content, (-SIDE // 2, -4, -SIDE // 2))


def standing(x: float = 0, z: float = 0, *, yaw: float = 0, pitch: float = 0) -> Pose:
    """On the ground of `forest`."""
    return Pose(x, -0.5, z, yaw, pitch)

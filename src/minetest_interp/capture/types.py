"""What the modules of the capture pass to one another. Lengths are in nodes (1 node = 1 m), angles in degrees."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8, UInt16

WIDTH, HEIGHT = 1024, 600  # pixels of the game's window
VERTICAL_FIELD_OF_VIEW = 72.0
EYE_HEIGHT = 1.47  # above the feet


class Pose(NamedTuple):
    """Where the player's feet are and where the player looks.

    yaw: 0 looks along +z, 90 along -x (the server's angle). pitch: positive looks up.
    """

    x: float
    y: float
    z: float
    yaw: float
    pitch: float


class Node(NamedTuple):
    """One node of the map by its technical name, such as default:tree."""

    x: int
    y: int
    z: int
    name: str


class Shot(NamedTuple):
    """One frame to take.

    site: shots of a site share its terrain and are taken together. timeofday: 0 midnight, 0.5 noon. changes: nodes that
    are placed for this shot and put back after it. group, role: shots of a group belong together, each in a role of its
    own ("day", "night", "trunk", "no trunk", "turn 2"); group is empty for single frames.
    """

    name: str
    site: int
    pose: Pose
    timeofday: float
    hud: bool = False
    changes: tuple[Node, ...] = ()
    group: str = ""
    role: str = ""


class Voxels(NamedTuple):
    """A box of the map. content: an index into `names`; origin: the node of content[0, 0, 0]."""

    origin: tuple[int, int, int]
    names: tuple[str, ...]
    content: UInt16[np.ndarray, "x y z"]


class Survey(NamedTuple):
    """Places on the ground all over a world. points: of the feet. biomes: their technical names."""

    points: Float[np.ndarray, "place 3"]
    biomes: tuple[str, ...]


class Look(NamedTuple):
    """A picture at rest, RGB; the client's own report of its pose; seconds it took."""

    picture: UInt8[np.ndarray, "height width 3"]
    pose: Pose
    settle_s: float


def shot_to_json(shot: Shot) -> dict:
    """A shot as JSON can hold it."""
    return {**shot._asdict(), "pose": shot.pose._asdict(), "changes": [list(node) for node in shot.changes]}


def shot_from_json(content: Mapping) -> Shot:
    """The shot that `shot_to_json` was given."""
    changes = tuple(Node(*node) for node in content["changes"])
    return Shot(**{**content, "pose": Pose(**content["pose"]), "changes": changes})

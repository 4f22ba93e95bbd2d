"""Two pillars before the agent, on maps that are built by hand."""

import numpy as np
import pytest

from minetest_interp.capture import march
from minetest_interp.capture.types import Pose, Voxels
from minetest_interp.episodes import decoys

AIR, DIRT = range(2)
NAMES = "air", "default:dirt"
FILLED = {"drawtype": "normal", "groups": {}}
DRAWTYPES = {
    "air": {"drawtype": "airlike", "groups": {}},
    **dict.fromkeys(("default:dirt", "default:coalblock", "default:aspen_tree"), FILLED),
}
WANTED = {
    "ahead": 5, "aside": 2, "below": 3, "above": 5, "dark": "default:coalblock", "light": "default:aspen_tree",
}  # fmt: skip
SIDE = 41  # nodes; the feet are at the middle, on ground whose nodes have y = 0
MIDDLE = SIDE // 2


def plain_ground(wall=None):
    """Level ground, with a wall of earth to one side: along +x, or before +z."""
    content = np.full((SIDE,) * 3, AIR, np.uint16)
    content[:, : MIDDLE + 1] = DIRT
    if wall is not None:
        content[wall] = DIRT
    return march.scene(Voxels((-MIDDLE,) * 3, NAMES, content), DRAWTYPES)


def ahead_and_left(pose, nodes):
    """Where nodes are for who has the pose: their bearing from the feet, taken apart."""
    bearing = np.radians(pose.yaw)
    east, north = np.array([[n.x - pose.x, n.z - pose.z] for n in nodes]).T
    ahead = -np.sin(bearing) * east + np.cos(bearing) * north
    return ahead, -np.cos(bearing) * east - np.sin(bearing) * north


@pytest.mark.parametrize("yaw", decoys.AXES)
@pytest.mark.parametrize("dark", ["left", "right"])
def test_the_dark_pillar_is_on_its_side_and_both_are_as_far_and_as_high(yaw, dark):
    pose = Pose(4.0, 0.5, -3.0, float(yaw), 0.0)
    nodes = decoys.pillars(pose, WANTED, dark=dark)
    ahead, left = ahead_and_left(pose, nodes)
    is_dark = np.array([node.name == WANTED["dark"] for node in nodes])
    np.testing.assert_allclose(ahead, 5, atol=1e-9)
    np.testing.assert_allclose(left[is_dark], 2 if dark == "left" else -2, atol=1e-9)
    np.testing.assert_allclose(left[~is_dark], -2 if dark == "left" else 2, atol=1e-9)
    for pillar in (is_dark, ~is_dark):
        assert sorted(node.y for node, own in zip(nodes, pillar, strict=True) if own) == list(range(-2, 7))


def test_both_arrangements_are_of_the_same_nodes():
    pose = Pose(0.0, 0.5, 0.0, 90.0, 0.0)
    left, right = (decoys.pillars(pose, WANTED, dark=side) for side in ("left", "right"))
    assert [node[:3] for node in left] == [node[:3] for node in right]
    assert all(one.name != other.name for one, other in zip(left, right, strict=True))


@pytest.mark.parametrize(("yaw", "axis"), [(44, 0), (46, 90), (200, 180), (350, 0), (-80, 270)])
def test_on_open_ground_the_agent_looks_along_the_nearest_axis(yaw, axis):
    assert decoys.best_view(plain_ground(), Pose(0.0, 0.5, 0.0, float(yaw), 3.0), WANTED)[3:] == (axis, 0)


def test_the_agent_does_not_look_where_earth_hides_a_pillar():
    north = np.s_[:, MIDDLE + 1 : MIDDLE + 7, MIDDLE + 3]
    shown = plain_ground(north)
    pose = decoys.best_view(shown, Pose(0.0, 0.5, 0.0, 10.0, 0.0), WANTED)
    assert pose.yaw == 90

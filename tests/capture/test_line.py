"""The view ray's nodes: agreement with dense sampling of the ray, with marching, and with what is known on paper."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minetest_interp.capture import camera, classes, line, march
from minetest_interp.capture.types import Node, Pose
from tests.capture import worlds

ANYWHERE = {"seed": st.integers(0, 2**31), "yaw": st.floats(0, 360), "pitch": st.floats(-89, 89)}


def inside(seed: int, yaw: float, pitch: float, *, share: float):
    shown = worlds.scene(worlds.noise(seed, (24, 24, 24), share=share), (-12, -12, -12))
    return shown, Pose(*np.random.default_rng(seed).uniform(-4, 3, 3), yaw, pitch)


def chords(pose: Pose, reach: float) -> np.ndarray:
    """Length of the ray within every node of the box, by its slabs, `[24, 24, 24]`; negative where it misses it."""
    eye, direction = camera.eye(pose), camera.axes(pose)[2]
    enters, leaves = np.zeros((24, 24, 24)), np.full((24, 24, 24), reach)
    for axis in range(3):
        middle = np.arange(-12, 12).reshape([-1 if n == axis else 1 for n in range(3)])
        if abs(direction[axis]) < 1e-9:
            leaves = np.where(np.abs(eye[axis] - middle) < 0.5, leaves, -1)
            continue
        ways = (middle[None] + np.reshape([-0.5, 0.5], (2, 1, 1, 1)) - eye[axis]) / direction[axis]
        enters, leaves = np.maximum(enters, ways.min(0)), np.minimum(leaves, ways.max(0))
    return leaves - enters


@settings(max_examples=40)
@given(**ANYWHERE)
def test_the_nodes_are_those_in_which_the_ray_has_a_length(seed, yaw, pitch):
    shown, pose = inside(seed, yaw, pitch, share=0.1)
    cells, within = line.crossed(shown, pose, reach=6.5), chords(pose, 6.5)
    own = within[tuple((cells + 12).T)]
    assert len(cells) == len({tuple(cell) for cell in cells}) and (own > -1e-6).all()
    np.testing.assert_allclose(own.sum(), 6.5, atol=1e-5)  # no node is left out
    assert (np.abs(np.diff(cells, axis=0)).sum(1) == 1).all()  # through one face at a time


@settings(max_examples=40)
@given(**ANYWHERE)
def test_the_count_is_that_of_names_with_tree_in_them(seed, yaw, pitch):
    shown, pose = inside(seed, yaw, pitch, share=0.3)
    cells = line.crossed(shown, pose, reach=7)
    names = [shown.voxels.names[shown.voxels.content[tuple(cell + 12)]] for cell in cells]
    assert line.trunks(shown, pose, reach=7) == sum("tree" in name for name in names)


@settings(max_examples=20)
@given(**ANYWHERE)
def test_the_first_node_that_stops_the_march_is_the_first_solid_one_on_the_ray(seed, yaw, pitch):
    shown, pose = inside(seed, yaw, pitch, share=0.1)
    seen = march.render(shown, pose, width=1, height=1, reach=7)
    cells = line.crossed(shown, pose, reach=7)
    kinds = shown.classes[tuple((cells - shown.voxels.origin + 1).T)]
    solid = np.flatnonzero(~np.isin(kinds, (classes.SKY, classes.PLANT)))
    first = np.ravel_multi_index(tuple(cells[solid[0]] + 13), shown.classes.shape) if len(solid) else -1
    assert first == seen.cell[0, 0]


def test_trunks_behind_one_another_all_count_and_those_beyond_the_reach_do_not():
    shown = worlds.forest((0, 5), (0, 9), (0, 29), (0, 31), (2, 12))
    pose = worlds.standing()
    assert line.trunks(shown, pose) == 3  # 31 - 0.5 nodes are more than 30
    assert line.trunks(shown, pose, reach=4) == 0
    assert line.trunks(shown, pose._replace(yaw=180)) == 0


def test_a_trunk_that_is_looked_at_from_above_counts_once_a_node():
    shown = worlds.forest((0, 0))
    above = Pose(0.1, 7, 0.1, 0, -90)
    assert line.trunks(shown, above, reach=12) == 5  # four above the ground and one in it


def test_a_moved_or_removed_trunk_counts_where_it_stands():
    shown, pose = worlds.forest((0, 5)), worlds.standing()
    gone = [Node(0, y, 5, "air") for y in range(-1, 4)]
    there = [Node(3, y, 5, "default:pine_tree") for y in range(4)]
    moved = march.changed(shown, gone + there)
    aside = pose._replace(yaw=-math.degrees(math.atan2(3, 5)))
    assert [line.trunks(one, pose) for one in (shown, march.changed(shown, gone), moved)] == [1, 0, 0]
    assert line.trunks(shown, aside) == 0 and line.trunks(moved, aside) == 1


@pytest.mark.parametrize("yaw", [0, 37, 90])
def test_a_ray_that_leaves_what_was_read_has_no_count(yaw):
    shown = worlds.scene(worlds.noise(1, share=0), (-9, -6, -8))
    assert line.trunks(shown, Pose(0, 0, 0, yaw, 0)) is None
    assert line.trunks(shown, Pose(0, 0, 0, yaw, 0), reach=3) == 0

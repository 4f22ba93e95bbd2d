"""What is known of each step, on maps that are built by hand."""

import numpy as np
import pytest

from minetest_interp.capture import march
from minetest_interp.capture.types import Voxels
from minetest_interp.episodes import labels
from minetest_interp.episodes.play import Event

AIR, DIRT, TREE, LEAVES = range(4)
NAMES = "air", "default:dirt", "default:pine_tree", "default:pine_needles"
DRAWTYPES = {
    "air": {"drawtype": "airlike", "groups": {}},
    "default:dirt": {"drawtype": "normal", "groups": {}},
    "default:pine_tree": {"drawtype": "normal", "groups": {"tree": 1}},
    "default:pine_needles": {"drawtype": "allfaces_optional", "groups": {"leaves": 1}},
}
SIDE = 81  # nodes; the feet are at the middle, on ground whose nodes have y = 0


@pytest.fixture
def shown():
    """Ground with two trunks, five nodes high: one 4 nodes to the north, one 6 to the west."""
    content = np.full((SIDE, SIDE, SIDE), AIR, np.uint16)
    content[:, : SIDE // 2 + 1] = DIRT
    for x, z in ((0, 4), (-6, 0)):
        content[x + SIDE // 2, SIDE // 2 + 1 : SIDE // 2 + 6, z + SIDE // 2] = TREE
    origin = (-(SIDE // 2),) * 3
    return march.scene(Voxels(origin, NAMES, content), DRAWTYPES)


def _of(shown, poses, dug=(), punched=(), jumped=None):
    jumped = np.zeros(len(poses), bool) if jumped is None else np.array(jumped)
    return labels.of_steps(shown, np.array(poses, float), list(dug), list(punched), jumped)


def test_the_nearest_trunk_is_to_the_left_of_who_looks_to_its_right(shown):
    found = _of(shown, [[0, 0.5, 0, yaw, 0] for yaw in (0, 30, -90, 180)])
    np.testing.assert_allclose(found["distance"], 4)
    np.testing.assert_allclose(found["direction"], [0, -30, 90, -180])


def test_a_trunk_that_was_dug_away_is_none_from_the_next_picture_on(shown):
    dug = [Event(0, NAMES[TREE], 0, y, 4) for y in range(1, 6)]
    found = _of(shown, [[0, 0.5, 0, 0, 0]] * 2, dug)
    np.testing.assert_allclose(found["distance"], [4, 6])
    np.testing.assert_allclose(found["direction"], [0, 90])
    assert found["dug"].tolist() == [5, 0]


def test_the_ray_pays_for_trunks_it_crosses_and_not_for_those_dug(shown):
    found = _of(shown, [[0, 0.5, 0, 0, 0], [0, 0.5, 0, 0, 0], [0, 0.5, 0, 180, 0]], [Event(0, NAMES[TREE], 0, 2, 4)])
    np.testing.assert_allclose(found["crossed"], [1, 0, 0])
    np.testing.assert_allclose(found["shaped"], [1.01, 0, 0])
    np.testing.assert_allclose(found["plain"], [1, 0, 0])


def test_punches_at_trunks_pay_and_jumps_cost(shown):
    punched = [Event(0, NAMES[TREE], 0, 1, 4), Event(0, NAMES[DIRT], 0, 0, 0)]
    away = [[0, 0.5, 0, 180, 0]]
    np.testing.assert_allclose(_of(shown, away, (), punched)["shaped"], [0.01])
    np.testing.assert_allclose(_of(shown, away, jumped=[True])["shaped"], [-0.01])


def test_leaves_that_are_dug_pay_nothing(shown):
    found = _of(shown, [[0, 0.5, 0, 180, 0]], [Event(0, NAMES[LEAVES], 5, 5, 5)])
    assert found["shaped"].tolist() == [0] and found["dug"].tolist() == [0]


@pytest.mark.parametrize(
    ("feet", "stands"), [((0, 5.5, 4), True), ((0.7, 5.5, 4), True), ((0.9, 5.5, 4), False), ((0, 6.0, 4), False)]
)
def test_who_stands_on_a_trunk_stands_on_it_with_the_edge_of_the_feet_too_and_not_in_a_jump(shown, feet, stands):
    assert _of(shown, [[*feet, 0, 0]])["on_trunk"].tolist() == [stands]


def test_what_is_not_known_is_nan(shown):
    edge = SIDE // 2 - 5
    assert np.isnan(_of(shown, [[edge, 0.5, 0, -90, 0]])["crossed"]).all()


def test_events_are_read_as_they_were_written():
    happened = [Event(3, NAMES[TREE], -1, 2, 3), Event(4, "x:y", 0, 0, 0)]
    assert labels.read_events(labels.written(happened)) == happened
    assert labels.read_events(labels.written([])) == []

"""Frames that belong together are found by their group and role, whatever the order of the rows."""

import csv

import numpy as np
import pytest

from minetest_interp.analysis import intervals
from minetest_interp.model import frame_groups

FRAMES = {
    **{f"b{n}": ("turn 10", f"turn {n}") for n in (3, 1, 0, 2)},
    "alone": ("", ""),
    "noon": ("pair", "day"),
    "midnight": ("pair", "night"),
    **{f"a{n}": ("turn 2", f"turn {n}") for n in range(4)},
    **{f"c{n}": ("turn 3", f"turn {n}") for n in (0, 1, 3)},  # one of its frames was rejected
}
NAMES = list(FRAMES)


@pytest.fixture
def belongs(tmp_path):
    with (tmp_path / "frames.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "group", "role"), *((name, *of) for name, of in FRAMES.items())])
    return frame_groups.read(tmp_path, [*NAMES, "in no table"])


def named(index):
    return [[NAMES[i] for i in of] for of in index]


def test_groups_with_all_the_roles_come_in_natural_order(belongs):
    assert named(frame_groups.members(*belongs, ("day", "night"))) == [["noon", "midnight"]]
    assert named(frame_groups.members(*belongs, ("night", "day"))) == [["midnight", "noon"]]
    assert named(frame_groups.members(*belongs, ("turn 0", "turn 1"))) == [["a0", "a1"], ["c0", "c1"], ["b0", "b1"]]
    assert frame_groups.members(*belongs, ("dawn",)).shape == (0, 1)


@pytest.mark.parametrize(("frames", "stack"), [(4, "0123"), (2, "23"), (1, "3"), (6, "000123")])
def test_a_stack_is_the_end_of_a_turn_oldest_first(belongs, frames, stack):
    assert named(frame_groups.stacks(*belongs, frames=frames)) == [[f"{turn}{n}" for n in stack] for turn in "ab"]


def test_frames_without_a_table_or_with_another_one_belong_to_no_group(tmp_path):
    for content in (None, "id,split\nnoon,A\n", ""):
        if content is not None:
            (tmp_path / "frames.csv").write_text(content)
        group, role = frame_groups.read(tmp_path, NAMES)
        assert group.tolist() == role.tolist() == [""] * len(NAMES)
        assert len(frame_groups.stacks(group, role, frames=4)) == 0


def test_frames_of_a_group_share_a_cluster():
    greys = np.random.default_rng(0).uniform(0, 255, (5, 8, 8))
    group = np.array(["a", "", "b", "a", ""])
    assert intervals.near_duplicates(greys, similarity=0.9, group=group).tolist() == [0, 1, 2, 0, 3]
    assert intervals.near_duplicates(greys, similarity=0.9).tolist() == [0, 1, 2, 3, 4]

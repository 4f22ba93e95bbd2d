"""A field: its parts change one thing each, its poses put the trunk where they say, and the game shows it there."""

import json
import os

import numpy as np
import pytest
import yaml

from minetest_interp.capture import camera, field, game
from minetest_interp.io.errors import InputError
from minetest_interp.model import field as recorded
from tests.conftest import ROOT

WANTED = yaml.safe_load((ROOT / "config/captures/field.yaml").read_text())
FOOT = (10, 9, -20)


def test_every_part_differs_from_the_base_in_one_thing():
    *sweeps, around = field.parts(WANTED)
    assert around.map and len({part.name for part in sweeps}) == len(sweeps)
    for time in WANTED["times"]:
        own = [part for part in sweeps if part.time == time]
        said = [(part.ground, part.kind, part.leaves, part.cells[0][1]) for part in own]
        changed = [sum(a != b for a, b in zip(each, said[0], strict=True)) for each in said[1:]]
        assert changed == [2 if part.kind == field.PILLAR else 1 for part in own[1:]]  # a pillar has no leaves
        assert len(own) == 1 + sum(map(len, WANTED["changes"].values()))
        assert all([bearing for bearing, _ in part.cells] == WANTED["bearings"] for part in own)


@pytest.mark.parametrize(("bearing", "distance"), [(0, 4), (36, 2), (-24, 16)])
def test_the_last_pose_of_a_walk_has_the_trunk_at_its_bearing_and_distance(bearing, distance):
    poses = field.walk(FOOT, bearing, distance, 0.2)
    trunk = np.array([FOOT[0], poses[-1].y, FOOT[2]])
    away = trunk - poses[-1][:3]
    assert np.hypot(*away[[0, 2]]) == pytest.approx(distance, abs=2e-3)
    assert np.degrees(np.arctan2(-away[0], away[2])) == pytest.approx(bearing, abs=0.05)
    column = camera.project(poses[-1], camera.eye(poses[-1]) + away, width=1024, height=600)[0]
    assert np.sign(round(column, 3)) == -np.sign(bearing)  # left of the middle where it is positive
    steps = np.diff([pose[:3] for pose in poses], axis=0)
    np.testing.assert_allclose(steps, np.tile(0.2 * camera.axes(poses[0])[2], (3, 1)), atol=1e-9)


def test_mirrored_bearings_have_mirrored_poses_and_a_tree_is_its_own_mirror_image():
    left, right = (field.walk(FOOT, bearing, 5, 0.2) for bearing in (20, -20))
    for a, b in zip(left, right, strict=True):
        assert a.x - FOOT[0] == pytest.approx(FOOT[0] - b.x) and a[1:] == b[1:]
    part = next(field.parts(WANTED))
    nodes = set(field.tree(part, FOOT))
    assert {node._replace(x=2 * FOOT[0] - node.x) for node in nodes} == nodes
    assert sum(node.name == "default:tree" for node in nodes) == field.TRUNK
    assert len({node[:3] for node in nodes}) == len(nodes)
    bare = field.tree(part._replace(leaves=False), FOOT)
    assert {node.name for node in bare} == {"default:tree"}


def test_a_folder_keeps_to_one_field(tmp_path):
    config = tmp_path / "field.yaml"
    config.write_text(json.dumps(WANTED))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/field.json").write_text(json.dumps(WANTED | {"seed": 1}))
    with pytest.raises(InputError, match="must keep to one field"):
        field.record_field(config, tmp_path / "out")


@pytest.mark.skipif(not os.environ.get("TEST_GAME"), reason="NOT CHECKED against the real game: set TEST_GAME=1")
def test_the_game_shows_the_trunk_where_its_bearing_is(tmp_path):
    try:
        game.programs()
    except InputError as error:
        pytest.skip(f"NOT CHECKED against the real game: {error}")
    few = {"bearings": [24, -24], "times": [0.5], "changes": {}, "map": {"right": [0], "before": [4]}}
    base = {"base": WANTED["base"] | {"leaves": False}}
    (tmp_path / "field.yaml").write_text(json.dumps(WANTED | few | base))
    for _ in range(2):  # the second has nothing left to do
        field.record_field(tmp_path / "field.yaml", tmp_path / "out")
    found = recorded.read(tmp_path / "out/field.npz", seen=(field.LENGTH, field.SIZE, field.SIZE))
    left, right, middle = found["stacks"][:, -1].astype(int)
    difference = (left - right)[10:45]  # where a trunk is on one side of the sky or the ground and not on the other
    assert difference[:, :32].mean() < -5 and difference[:, 32:].mean() > 5
    np.testing.assert_allclose(middle[10:45, :30], middle[10:45, :33:-1], atol=40)
    assert (np.diff(found["stacks"][2].astype(int), axis=0) != 0).any((1, 2)).all()

"""Rays through nodes: agreement with stepping node by node in plain Python, and with what is known on paper."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minetest_interp.capture import camera, classes, march, views
from minetest_interp.capture.types import EYE_HEIGHT, Node, Pose, Voxels
from minetest_interp.io.errors import InputError
from tests.capture import worlds

SMALL = {"width": 24, "height": 14}


def step_by_step(found: np.ndarray, eye, direction, reach: float):
    """Class, distance, plants and cell of one ray, crossing one face at a time; the last value is how close it came to
    two faces at once, where rounding may decide.
    """
    cell = [math.floor(value) for value in eye]
    distance, plants, closest = 0.0, False, math.inf
    while found[tuple(cell)] in (classes.SKY, classes.PLANT):
        plants |= bool(found[tuple(cell)] == classes.PLANT)
        ways = [math.inf if d == 0 else (c + (d > 0) - e) / d for c, e, d in zip(cell, eye, direction, strict=True)]
        first, second = sorted(ways)[:2]
        closest = min(closest, second - first, abs(first - reach))
        if first >= reach:
            return classes.SKY, math.inf, plants, -1, closest
        axis = ways.index(first)
        cell[axis] += 1 if direction[axis] > 0 else -1
        distance = first
    return found[tuple(cell)], distance, plants, np.ravel_multi_index(cell, found.shape), closest


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**31), yaw=st.floats(0, 360), pitch=st.floats(-89, 89), share=st.sampled_from((0.0, 0.01, 0.2))
)
def test_leaping_agrees_with_stepping_node_by_node(seed, yaw, pitch, share):
    shown = worlds.scene(worlds.noise(seed, share=share), (-9, -6, -8))
    place = np.random.default_rng(seed).uniform(-3, 3, 3)
    pose, reach = Pose(*place, yaw, pitch), 6.5
    seen = march.render(shown, pose, **SMALL, reach=reach)
    eye = camera.eye(pose) - shown.voxels.origin + 1.5
    compared = 0
    for at in np.ndindex(SMALL["height"], SMALL["width"]):
        direction = camera.rays(pose, **SMALL)[at]
        kind, distance, plants, cell, closest = step_by_step(shown.classes, eye, direction, reach)
        if closest > 1e-4:
            compared += 1
            assert (seen.classes[at], seen.plants[at], seen.cell[at]) == (kind, plants, cell)
            assert seen.distance[at] == pytest.approx(distance, abs=1e-4)
    assert compared > 0.9 * seen.classes.size


@settings(max_examples=10)
@given(seed=st.integers(0, 2**31), yaw=st.floats(0, 360))
def test_nothing_solid_lies_before_what_a_pixel_shows(seed, yaw):
    """Dense sampling: no face, no cell, only points of the ray."""
    shown = worlds.scene(worlds.noise(seed))
    pose = Pose(9, 5, 8, yaw, 3)
    seen = march.render(shown, pose, **SMALL, reach=6)
    eye = camera.eye(pose) - shown.voxels.origin + 1.5
    free = np.isin(shown.classes, (classes.SKY, classes.PLANT))
    for at in np.ndindex(SMALL["height"], SMALL["width"]):
        hit = min(seen.distance[at], 6)
        points = eye + camera.rays(pose, **SMALL)[at] * np.linspace(0, max(hit - 1e-3, 0), 500)[:, None]
        if hit:
            assert free[tuple(np.floor(points).astype(int).T)].all()


def test_a_wall_is_as_far_as_the_cosine_says():
    content = np.full((40, 40, 20), worlds.AIR)
    content[:, :, 15] = worlds.DIRT
    pose = Pose(20, 20 - EYE_HEIGHT, 5, 0, 0)
    seen = march.render(worlds.scene(content), pose, **SMALL)
    wanted = (14.5 - 5) / camera.rays(pose, **SMALL)[..., 2]
    assert (seen.classes == classes.GROUND).all()
    np.testing.assert_allclose(seen.distance, wanted, rtol=1e-5)


def test_the_ground_at_one_s_feet_is_as_far_as_the_eye_is_high():
    seen = march.render(worlds.forest(), worlds.standing(pitch=-90), width=25, height=15)
    assert seen.distance[7, 12] == pytest.approx(1.47, abs=1e-4)


@pytest.mark.parametrize(("yaw", "x", "z"), [(0, 3, 8), (90, -8, 3), (180, -3, -8), (270, 8, -3)])
def test_a_trunk_to_the_right_appears_where_its_bearing_says(yaw, x, z):
    """Eight nodes ahead and three to the right, whichever way one looks."""
    shown = worlds.forest((x, z))
    seen = march.render(shown, worlds.standing(yaw=yaw), width=1024, height=600)
    columns = np.nonzero((seen.classes == classes.TRUNK).any(0))[0]
    horizontal, _ = camera.half_field(width=1024, height=600)
    left, right = 2.5 / 8.5 / horizontal, 3.5 / 7.5 / horizontal  # its farther left and nearer right edge
    assert 2 * columns.min() / 1024 - 1 == pytest.approx(left, abs=2 / 1024)
    assert 2 * (columns.max() + 1) / 1024 - 1 == pytest.approx(right, abs=2 / 1024)
    nearest = views.nearest_trunk(seen, shown)
    assert (nearest.node.x, nearest.node.z, nearest.node.name) == (x, z, "default:tree")
    assert nearest.share == (seen.classes == classes.TRUNK).mean()
    assert nearest.distance == pytest.approx(math.hypot(2.5, 7.5), abs=0.02)  # at the height of the eye, nearly


def test_of_two_trunks_the_nearer_one_is_described():
    shown = worlds.forest((-4, 5), (4, 12))
    nearest = views.nearest_trunk(march.render(shown, worlds.standing(), width=256, height=150), shown)
    assert nearest.node[0] == -4 and nearest.column < -0.3
    alone = worlds.forest((-4, 5))
    assert nearest == views.nearest_trunk(march.render(alone, worlds.standing(), width=256, height=150), alone)


def test_rays_pass_through_plants_and_say_so():
    bare, grown = (np.full((30, 20, 30), worlds.AIR) for _ in range(2))
    bare[:, :5] = grown[:, :5] = worlds.DIRT
    grown[:, 5] = worlds.GRASS
    pose = Pose(15, 4.5, 15, 0, -40)
    plain, through = (march.render(worlds.scene(content), pose, **SMALL, reach=12) for content in (bare, grown))
    np.testing.assert_array_equal(through.classes, plain.classes)
    np.testing.assert_allclose(through.distance, plain.distance, rtol=1e-5)
    assert not plain.plants.any() and through.plants[plain.classes == classes.GROUND].all()


def test_what_was_not_read_is_unknown_and_what_is_out_of_reach_is_sky():
    shown = worlds.scene(np.full((20, 20, 20), worlds.AIR))
    pose = Pose(10, 9, 10, 20, 10)
    assert (march.render(shown, pose, **SMALL, reach=50).classes == classes.UNKNOWN).all()
    near = march.render(shown, pose, **SMALL, reach=5)
    assert (near.classes == classes.SKY).all() and np.isinf(near.distance).all() and (near.cell == -1).all()


def test_an_eye_outside_of_the_scene_is_refused():
    with pytest.raises(InputError, match="the eye must be within"):
        march.render(worlds.scene(worlds.noise(0)), Pose(0, 100, 0, 0, 0), **SMALL)


def test_several_poses_at_once_are_the_same_as_one_by_one():
    shown = worlds.forest((3, 8), (-5, 6))
    poses = [worlds.standing(x, yaw=yaw, pitch=yaw / 20 - 5) for x, yaw in ((0, 0), (1, 40), (-2, 200))]
    for pose, *view in zip(poses, *march.render_all(shown, poses, **SMALL), strict=True):
        for found, wanted in zip(view, march.render(shown, pose, **SMALL), strict=True):
            np.testing.assert_array_equal(found, wanted)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**31), number=st.integers(0, 6))
def test_a_changed_scene_is_the_scene_of_the_changed_nodes(seed, number):
    content, generator = worlds.noise(seed), np.random.default_rng(seed)
    before = worlds.scene(content, (5, 6, 7))
    at = np.unique(generator.integers(0, content.shape, (number, 3)), axis=0)
    kinds = generator.integers(0, len(worlds.NAMES), len(at))
    places = (at + np.array([5, 6, 7])).tolist()
    nodes = [Node(*place, worlds.NAMES[kind]) for place, kind in zip(places, kinds, strict=True)]
    changed = march.changed(before, nodes)
    content[tuple(at.T)] = kinds
    anew = worlds.scene(content, (5, 6, 7))
    np.testing.assert_array_equal(changed.classes, anew.classes)
    np.testing.assert_array_equal(changed.voxels.content, anew.voxels.content)
    is_open = anew.classes == classes.SKY
    np.testing.assert_array_equal(changed.leap[~is_open], anew.leap[~is_open])
    assert (changed.leap[is_open] >= 1).all() and (changed.leap <= anew.leap)[is_open].all()


def test_changing_leaves_the_scene_before_as_it_was_and_is_undone_by_placing_back():
    before = worlds.forest((2, 6))
    nodes = [Node(2, y, 6, "air") for y in range(-1, 4)]
    kept = before.classes.copy()
    without = march.changed(before, nodes)
    np.testing.assert_array_equal(before.classes, kept)
    assert not (without.classes == classes.TRUNK).any()
    again = march.changed(without, [node._replace(name="default:tree") for node in nodes])
    np.testing.assert_array_equal(again.classes, before.classes)
    with pytest.raises(InputError, match="must lie within"):
        march.changed(before, [Node(1000, 0, 0, "air")])


def test_a_node_of_the_sky_has_no_name():
    shown = worlds.forest((2, 6))
    with pytest.raises(InputError, match="shows the sky"):
        march.node_at(shown, -1)
    with pytest.raises(InputError, match="shows the sky or the unknown"):
        march.node_at(shown, 0)


def test_shares_add_up_to_the_whole_picture():
    seen = march.render(worlds.forest((2, 6), (-3, 9)), worlds.standing(pitch=-10), **SMALL)
    assert sum(views.shares(seen).values()) == pytest.approx(1)


@given(yaw=st.floats(0, 360), pitch=st.floats(-89, 89), far=st.floats(1, 99))
def test_projecting_the_points_of_a_ray_gives_its_pixel(yaw, pitch, far):
    pose, (height, width) = Pose(3, -4, 5, yaw, pitch), (12, 20)
    points = camera.eye(pose) + far * camera.rays(pose, width=width, height=height)
    columns, rows = np.moveaxis(camera.project(pose, points, width=width, height=height), -1, 0)
    np.testing.assert_allclose(columns, np.tile(2 * (np.arange(width) + 0.5) / width - 1, (height, 1)), atol=1e-9)
    np.testing.assert_allclose(rows, np.tile(2 * (np.arange(height) + 0.5) / height - 1, (width, 1)).T, atol=1e-9)


def test_what_is_behind_has_no_pixel():
    assert np.isnan(camera.project(Pose(0, 0, 0, 0, 0), np.array([0, 0, -3]), width=8, height=6)).all()


@pytest.mark.parametrize(
    ("yaw", "pitch", "forward", "right"),
    [(0, 0, (0, 0, 1), (1, 0, 0)), (90, 0, (-1, 0, 0), (0, 0, 1)), (0, 90, (0, 1, 0), (1, 0, 0))],
)
def test_the_camera_looks_as_the_game_does(yaw, pitch, forward, right):
    axes = camera.axes(Pose(0, 0, 0, yaw, pitch))
    np.testing.assert_allclose(axes[[2, 0]], [forward, right], atol=1e-12)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)


def test_nodes_have_the_class_of_what_they_look_like():
    drawtypes = {
        **worlds.DRAWTYPES,
        "default:bush_leaves": {"drawtype": "allfaces_optional", "groups": {"leaves": 1}},
        "default:bush_stem": {"drawtype": "plantlike", "groups": {"choppy": 2}},
        "default:river_water_flowing": {"drawtype": "flowingliquid", "groups": {"water": 3}},
        "default:snow": {"drawtype": "nodebox", "groups": {"snowy": 1}},
        "default:snowblock": {"drawtype": "normal", "groups": {"snowy": 1}},
        "default:ice": {"drawtype": "glasslike", "groups": {"slippery": 3}},
        "default:coral_green": {"drawtype": "plantlike_rooted", "groups": {"snappy": 3}},
        "flowers:waterlily": {"drawtype": "nodebox", "groups": {"flower": 1}},
        "ignore": {"drawtype": "airlike", "groups": {}},
    }
    wanted = dict.fromkeys(drawtypes, classes.PLANT) | {
        "air": classes.SKY,
        "default:tree": classes.TRUNK,
        "default:pine_tree": classes.TRUNK,
        "default:leaves": classes.LEAVES,
        "default:bush_leaves": classes.LEAVES,
        "default:dirt": classes.GROUND,
        "default:snowblock": classes.GROUND,
        "default:ice": classes.GROUND,
        "default:coral_green": classes.GROUND,
        "default:water_source": classes.WATER,
        "default:river_water_flowing": classes.WATER,
        "default:apple": classes.APPLE,
        "ignore": classes.UNKNOWN,
        "mod:unheard_of": classes.UNKNOWN,
    }
    assert dict(zip(wanted, classes.classify(list(wanted), drawtypes), strict=True)) == wanted


def test_species_are_named_after_the_tree_and_foreign_ones_after_the_node():
    assert classes.species("default:jungletree") == "jungle" and classes.species("mod:oak") == "mod:oak"


def test_a_scene_keeps_what_was_read():
    voxels = Voxels((1, 2, 3), worlds.NAMES, worlds.noise(3).astype(np.uint16))
    shown = march.scene(voxels, worlds.DRAWTYPES)
    inner = shown.classes[1:-1, 1:-1, 1:-1]
    np.testing.assert_array_equal(inner, classes.classify(worlds.NAMES, worlds.DRAWTYPES)[voxels.content])
    assert (np.delete(shown.classes, slice(1, -1), 0) == classes.UNKNOWN).all()

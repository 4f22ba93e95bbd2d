"""Shot lists and plans: what is asked for is planned, and what is planned shows it."""

import json
from collections import Counter

import numpy as np
import pytest
import yaml

from minetest_interp.capture import classes, march, shots, types, views
from minetest_interp.capture.types import HEIGHT, WIDTH, Survey
from minetest_interp.io.errors import InputError
from tests.capture import worlds
from tests.conftest import ROOT

DEMO = ROOT / "config" / "captures" / "demo.yaml"
TREES = [(-20, -14), (-12, 9), (-3, -6), (4, 12), (9, -17), (14, 3), (21, 16), (-17, 22), (0, 25), (24, -6)]
SITE = shots.Site(0, "grassland", (0.0, -0.5, 0.0))


@pytest.fixture(scope="module")
def demo() -> shots.ShotList:
    return shots.read(DEMO)


@pytest.fixture(scope="module")
def forest() -> march.Scene:
    return worlds.forest(*TREES)


@pytest.fixture(scope="module")
def planned(demo, forest) -> list[types.Shot]:
    return shots.plan(demo, SITE, forest)


@pytest.fixture(scope="module")
def many(demo, forest) -> list[types.Shot]:
    """What four sites would be asked for, at one place."""
    return [shot for number in range(4) for shot in shots.plan(demo, SITE._replace(number=number), forest)]


def see(shown: march.Scene, shot: types.Shot):
    """The view and its nearest trunk, finer than planning sees it, with the shot's changes."""
    after = march.changed(shown, shot.changes)
    view = march.render(after, shot.pose, width=WIDTH // 4, height=HEIGHT // 4)
    return view, views.nearest_trunk(view, after)


def pairs(planned, kind: str) -> list[dict]:
    """The groups of a kind, each as role to shot."""
    groups = {}
    for shot in planned:
        if kind in shot.group:
            groups.setdefault(shot.group, {})[shot.role] = shot
    assert groups
    return list(groups.values())


def changed_list(demo, tmp_path, **entries):
    """The demo's list with other entries, read again."""
    content = yaml.safe_load(DEMO.read_text())
    for path, value in entries.items():
        *parents, last = path.split("__")
        inner = content
        for parent in parents:
            inner = inner[parent.replace("_", "-")]
        inner[last] = value
    (tmp_path / "list.yaml").write_text(yaml.safe_dump(content))
    return shots.read(tmp_path / "list.yaml")


def test_the_demo_asks_for_at_least_200_frames_over_8_sites(demo):
    assert sum(shots.frames_of(demo, number) for number in range(8)) == 240
    assert shots.frames_of(demo, 8) <= shots.frames_of(demo, 0)
    numbers = {kind: options["number"] for kind, options in demo.frames.items()}
    assert numbers["day-night"] == numbers["trunk-removed"] == 20 and numbers["turn"] == 24


def test_a_site_gets_all_that_is_wanted_of_it(demo, planned):
    assert len(planned) == shots.frames_of(demo, 0)
    assert len({shot.name for shot in planned}) == len(planned)
    kinds = Counter(kind for shot in planned for kind in demo.frames if kind in shot.name)
    assert kinds == {"single": 5, "day-night": 6, "trunk-removed": 6, "trunk-moved": 4, "turn": 12}


def test_the_same_world_and_list_give_the_same_plan_and_another_seed_another(demo, forest, planned):
    assert shots.plan(demo, SITE, forest) == planned
    assert shots.plan(demo._replace(seed=2), SITE, forest) != planned


def test_a_plan_survives_being_written_as_json(planned):
    assert [types.shot_from_json(json.loads(json.dumps(types.shot_to_json(shot)))) for shot in planned] == planned


def test_shots_come_in_order_of_the_time_of_day(planned):
    assert [shot.timeofday for shot in planned] == sorted(shot.timeofday for shot in planned)


def test_frames_show_trunks_near_and_far_in_every_third_and_sometimes_none(many, demo, forest):
    singles = [shot for shot in many if not shot.group]
    trunks = [see(forest, shot)[1] for shot in singles]
    found = [trunk for trunk in trunks if trunk is not None]
    assert 4 <= len(trunks) - len(found) <= 9  # a fifth of 30
    thirds = Counter(
        third
        for trunk in found
        for third, (low, high) in shots.COLUMNS.items()
        if low - 0.03 < trunk.column < high + 0.03
    )
    assert sum(thirds.values()) >= 0.9 * len(found) and min(thirds.values()) >= 0.2 * len(found)
    distances = [trunk.distance for trunk in found]
    near, far = demo.trunk["distance"]
    assert near / 1.3 < min(distances) < 2 * near and far / 2 < max(distances) < 1.3 * far
    assert min(trunk.share for trunk in found) > demo.trunk["share"] / 2
    low, high = demo.pitch
    pitches = [shot.pose.pitch for shot in singles]
    assert low <= min(pitches) < low + 10 and high - 10 < max(pitches) <= high


def test_the_nearest_trunk_is_in_the_wanted_third_even_in_a_crowd(demo, tmp_path):
    crowd = worlds.forest(*np.random.default_rng(0).integers(-30, 31, (120, 2)).tolist())
    entries = {"number": 96, "without_trunk": 0}
    left = changed_list(demo, tmp_path, trunk__positions=["left"], frames={"single": entries})
    columns = np.array([see(crowd, shot)[1].column for shot in shots.plan(left, SITE, crowd)])
    low, high = shots.COLUMNS["left"]
    assert len(columns) == 12 and ((columns > low - 0.03) & (columns < high + 0.03)).mean() > 0.9


def test_players_stand_on_the_ground_in_the_open(planned, demo):
    for shot in planned:
        x, y, z = shot.pose[:3]
        assert y == -0.5 and max(abs(x), abs(z)) <= demo.sites["radius"] + 0.2
        assert (round(x), round(z)) not in TREES


def test_day_and_night_share_their_pose_and_change_nothing(planned, demo):
    for group in pairs(planned, "day-night"):
        assert group["day"].pose == group["night"].pose and not group["night"].changes
        times = (demo.frames["day-night"][light] for light in ("day", "night"))
        assert (group["day"].timeofday, group["night"].timeofday) == tuple(times)


def test_removing_a_trunk_takes_the_whole_trunk_of_the_nearest_tree_and_nothing_else(planned, forest):
    for group in pairs(planned, "trunk-removed"):
        before, without = group["trunk"], group["no trunk"]
        assert before.pose == without.pose and before.timeofday == without.timeofday and not before.changes
        _, nearest = see(forest, before)
        x, z = nearest.node.x, nearest.node.z
        # The node in the ground leaves no hole.
        assert sorted(without.changes) == [(x, -1, z, "default:dirt"), *((x, y, z, "air") for y in range(4))]
        view, now = see(forest, without)
        assert now is None or (now.node.x, now.node.z) != (x, z)
        assert (view.classes != classes.UNKNOWN).all()


def test_moving_a_trunk_keeps_its_nodes_and_shows_it_elsewhere(planned, forest, demo):
    for group in pairs(planned, "trunk-moved"):
        _, nearest = see(forest, group["trunk"])
        changes = group["moved trunk"].changes
        placed = [node for node in changes if node.name == "default:tree"]
        assert sorted(node.y for node in placed) == [0, 1, 2, 3] and len(changes) == 9
        assert {(node.x, node.z) for node in changes if node not in placed} == {(nearest.node.x, nearest.node.z)}
        steps = {(node.x - nearest.node.x, node.z - nearest.node.z) for node in placed}
        assert len(steps) == 1 and sorted(map(abs, steps.pop())) == [0, demo.frames["trunk-moved"]["nodes"]]
        _, now = see(forest, group["moved trunk"])
        assert abs(now.column - nearest.column) > 0.1


def test_a_trunk_does_not_move_into_another_one(demo, tmp_path):
    """Trees three nodes apart everywhere leave no room to one side or the other."""
    grid = [(x, z) for x in range(-30, 31, 3) for z in range(-30, 31, 3)]
    crowd = worlds.forest(*grid)
    wanted = changed_list(demo, tmp_path, frames={"trunk-moved": {"number": 8, "nodes": 3}})
    assert shots.plan(wanted, SITE, crowd) == []


def test_a_trunk_does_not_move_onto_the_camera(demo, forest, tmp_path):
    near = {"number": 128, "nodes": 2, "distance": [1.5, 2.5]}
    wanted = changed_list(demo, tmp_path, trunk__positions=["left", "right"], frames={"trunk-moved": near})
    for group in pairs(shots.plan(wanted, SITE, forest), "trunk-moved"):
        view, _ = see(forest, group["moved trunk"])
        assert (view.distance < 0.8).mean() < 0.5


def test_a_trunk_behind_plants_is_no_subject(demo, tmp_path):
    meadow = worlds.forest(*TREES)
    content = meadow.voxels.content.copy()
    content[1:-1, 4:8, 1:-1][content[1:-1, 4:8, 1:-1] == worlds.AIR] = worlds.GRASS
    wanted = changed_list(demo, tmp_path, frames={"single": {"number": 16, "without_trunk": 0}})
    assert shots.plan(wanted, SITE, meadow)
    assert shots.plan(wanted, SITE, worlds.scene(content, meadow.voxels.origin)) == []


def test_a_turn_is_four_frames_one_step_apart_past_a_trunk(many, forest, demo):
    turned = set()
    for group in pairs(many, "turn"):
        frames = [group[f"turn {n}"] for n in range(4)]
        assert len({shot.pose._replace(yaw=0) for shot in frames}) == 1 and len({s.timeofday for s in frames}) == 1
        steps = (np.diff([shot.pose.yaw for shot in frames]) + 180) % 360 - 180
        np.testing.assert_allclose(np.abs(steps), demo.frames["turn"]["step"], atol=1e-2)
        columns = [see(forest, shot)[1].column for shot in frames]
        # Yaw grows to the left: then what is seen moves to the right.
        assert len(set(np.sign(steps))) == 1 and (np.sign(np.diff(columns)) == np.sign(steps)).all()
        turned.add(np.sign(steps[0]))
    assert turned == {-1.0, 1.0}


def test_only_wanted_species_become_subjects(demo, forest, tmp_path):
    pines = changed_list(demo, tmp_path, trunk__species=["pine"], frames={"single": {"number": 8, "without_trunk": 0}})
    assert shots.plan(pines, SITE, forest) == []
    assert len(shots.plan(pines, SITE, worlds.forest(*TREES, kind=worlds.PINE))) == 1


def test_fallen_logs_are_no_subjects(demo, tmp_path):
    log = worlds.forest()
    content = log.voxels.content.copy()
    content[30:36, 4, 45] = worlds.TREE
    fallen = worlds.scene(content, log.voxels.origin)
    some = changed_list(demo, tmp_path, frames={"trunk-removed": {"number": 8}})
    assert (fallen.classes == classes.TRUNK).sum() == 6 and shots.plan(some, SITE, fallen) == []


def test_nobody_stands_in_a_pit(demo, forest):
    """Deep holes, one in nine columns of the ground, but for those under trees."""
    content = forest.voxels.content.copy()
    deepened = np.full((worlds.SIDE, worlds.HEIGHT + 4, worlds.SIDE), worlds.DIRT)
    deepened[:, 4:] = content
    deepened[1:-1:3, 3:8, 1:-1:3] = np.where(deepened[1:-1:3, 8:9, 1:-1:3] == worlds.AIR, worlds.AIR, worlds.DIRT)
    pitted = worlds.scene(deepened, (-worlds.SIDE // 2, -8, -worlds.SIDE // 2))
    heights = {shot.pose.y for shot in shots.plan(demo, SITE, pitted)}
    assert heights == {-0.5}


def test_a_kind_may_have_distances_of_its_own(demo, tmp_path, forest):
    near = changed_list(demo, tmp_path, frames={"trunk-removed": {"number": 64, "distance": [2, 4]}})
    found = [see(forest, shot)[1].distance for shot in shots.plan(near, SITE, forest) if shot.role == "trunk"]
    assert len(found) == 8 and min(found) > 2 / 1.3 and np.median(found) < 4


def test_a_place_without_trees_yields_only_frames_without_a_trunk(demo):
    bare = shots.plan(demo, SITE, worlds.forest())
    assert len(bare) < shots.frames_of(demo, 0) and all(not shot.group for shot in bare)


def test_a_place_without_ground_yields_nothing(demo):
    sea = np.full((60, 20, 60), worlds.WATER)
    assert shots.plan(demo, shots.Site(0, "", (30, 10, 30)), worlds.scene(sea)) == []


def survey(*biomes: str, side: int = 40, step: int = 40) -> Survey:
    """A square world in vertical stripes of biomes."""
    x, z = (step * axis.ravel() for axis in np.meshgrid(np.arange(side), np.arange(side)))
    return Survey(
        np.stack([x, np.full_like(x, 8), z], 1) + 0.5, tuple(biomes[i * len(biomes) // (side * step)] for i in x)
    )


def test_sites_take_turns_among_biomes_and_keep_apart(demo):
    world = survey("savanna", "deciduous_forest", "rainforest", "coniferous_forest", "tundra")
    found = shots.sites(demo, world)
    assert [places[0].number for places in found] == list(range(8))
    assert [places[0].biome for places in found] == demo.sites["biomes"] * 2
    everywhere = [place for places in found for place in places]
    for place in everywhere:
        at = [tuple(point) for point in world.points].index(place.centre)
        assert world.biomes[at] == place.biome
    at = np.array([place.centre for place in everywhere])
    apart = np.linalg.norm(at[:, None] - at[None], axis=-1)[~np.eye(len(at), dtype=bool)]
    assert apart.min() >= demo.sites["apart"]
    assert shots.sites(demo, world) == found and shots.sites(demo._replace(seed=7), world) != found


def test_places_in_the_midst_of_a_biome_come_first(demo):
    """The stripes are 400 nodes wide: no first place is within 80 nodes of a border."""
    world = survey("savanna", "deciduous_forest", "rainforest", "coniferous_forest")
    for places in shots.sites(demo, world):
        assert 80 < places[0].centre[0] % 400 < 320 or places[0].centre[0] < 80 or places[0].centre[0] > 1520


def test_a_world_without_a_biome_is_refused(demo):
    with pytest.raises(InputError, match="place in 'savanna'.*Its biomes are tundra"):
        shots.sites(demo, survey("tundra"))
    with pytest.raises(InputError, match="250 nodes from the others"):
        shots.sites(demo, survey(*demo.sites["biomes"], side=8))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"sites__number": 0}, "sites.number: 0 is less than the minimum of 1"),
        ({"trunk__positions": ["top"]}, "trunk.positions.0: 'top' is not one of"),
        ({"trunk__distance": [9, 2]}, "trunk.distance: the first number must not exceed the second; got 9, 2"),
        ({"pitch": [5, -5]}, "pitch: the first number"),
        ({"frames": {"turn": {"number": 1, "step": 5, "distance": [4, 3]}}}, "frames.turn.distance: the first number"),
        ({"daytimes": [1.5]}, "daytimes.0: 1.5 is greater"),
        ({"world": {"seed": 1, "folder": "x"}}, "world: .* has too many properties"),
        ({"frames": {"jump": {"number": 3}}}, "frames: unknown key 'jump'"),
        ({"colour": 1}, "the top level: unknown key 'colour'"),
    ],
)
def test_what_is_wrong_with_a_list_is_said_in_one_line(demo, tmp_path, entries, message):
    with pytest.raises(InputError, match=message) as raised:
        changed_list(demo, tmp_path, **entries)
    assert "\n" not in str(raised.value)


def test_a_list_must_be_there_and_be_yaml(tmp_path):
    with pytest.raises(InputError, match="there must be a YAML file at this path"):
        shots.read(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("seed: [")
    with pytest.raises(InputError, match="must be a YAML file"):
        shots.read(tmp_path / "bad.yaml")


def test_small_renderings_have_the_picture_s_shape():
    assert shots.WIDTH / shots.HEIGHT == WIDTH / HEIGHT

"""The frames to take: a shot list in YAML, the places of a world to visit, and the poses at each of them.

A list (`config/captures/demo.yaml` says what each entry means) asks for single frames and for groups that share a
place:

    kind           roles                what differs
    single                              nothing: one frame, of a trunk or, in a share of them, without any
    day-night      day, night           the time of day
    trunk-removed  trunk, no trunk      the nearest tree's connected trunk nodes are air, its foot ground; leaves stay
    trunk-moved    trunk, moved trunk   those nodes stand a few nodes to one side; the leaves stay where they were
    turn           turn 0 ... turn 3    the yaw, by one step each: four successive frames, a real stack

A turn's step should be 5 degrees to match the training environment: an action there moves the mouse by 25 pixels, the
client turns by `mouse_sensitivity` (0.2) degrees a pixel at its field of view of 72 degrees, and every action gives one
frame.

Poses are drawn on the ground of a site and kept if a small rendering shows what was asked for: the nearest trunk in the
wanted third of the picture and at the wanted distance. Distances and pitches follow low-discrepancy sequences over the
whole list (Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018), so every site gets some of each.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial import KDTree

from minetest_interp.capture import camera, ground, views
from minetest_interp.capture.classes import TRUNK, UNKNOWN
from minetest_interp.capture.ground import Ground
from minetest_interp.capture.march import Rendered, Scene, changed, render_all
from minetest_interp.capture.types import EYE_HEIGHT, Node, Pose, Shot, Survey
from minetest_interp.io import yaml_files
from minetest_interp.io.errors import InputError

SCHEMA = Path(__file__).with_name("shots.schema.yaml")
SINGLE, DAY_NIGHT, REMOVED, MOVED, TURN = "single", "day-night", "trunk-removed", "trunk-moved", "turn"
FRAMES = {SINGLE: 1, DAY_NIGHT: 2, REMOVED: 2, MOVED: 2, TURN: 4}
COLUMNS = {"left": (-0.85, -0.35), "centre": (-0.25, 0.25), "right": (0.35, 0.85)}  # of the nearest trunk
WIDTH, HEIGHT = 128, 75  # of the renderings that poses are tried with: an eighth of the picture
TRIES, ROUNDS = 16, 8  # poses rendered at once, and how often
SPARE_PLACES = 3
NEIGHBOURHOOD = 100.0  # nodes around a place in which its biome should go on
WITHIN = 1.25  # factor by which a trunk's distance may differ from the wanted one
OFF_CENTRE = 0.15  # nodes; farther from the middle of its node the player would touch the next one
CROWDED = 1.0, 0.3  # a view is blocked if more than this share of it is nearer than so many nodes
MOST_HIDDEN = 0.5  # share of the trunks in view that may lie behind plants
DOWN = -50.0, -70.0  # degrees; where wider views all have a trunk in them
MOVES = 0.1  # columns by which a moved trunk must have moved
IN_VIEW = 0.9  # the outermost column, on either side, at which it may then be
FRACTIONS = 0.7548776662466927, 0.5698402909980532  # of the plastic number: Roberts' R2 sequence


class ShotList(NamedTuple):
    """A checked list; the fields are the YAML file's entries."""

    seed: int
    world: Mapping
    sites: Mapping
    trunk: Mapping
    pitch: Sequence[float]
    daytimes: Sequence[float]
    hud: bool
    frames: Mapping[str, Mapping]


class Site(NamedTuple):
    """A place to visit. number: 0 up to the list's `sites.number`. centre: the feet at its middle, nodes."""

    number: int
    biome: str
    centre: tuple[float, float, float]


class Wanted(NamedTuple):
    """What a pose should show. position: the third of the picture with the nearest trunk, None for no trunk at all.

    distance: nodes to that trunk. pitch: degrees. timeofday: 0 to 1.
    """

    position: str | None
    distance: float
    pitch: float
    timeofday: float


class Take(NamedTuple):
    """One frame of a group, as in `Shot`."""

    role: str
    pose: Pose
    timeofday: float
    changes: tuple[Node, ...] = ()


def read(path: Path) -> ShotList:
    """A shot list from a YAML file.

    Raises:
      InputError: not there, not YAML, an entry missing, unknown or out of range.
    """
    content = yaml_files.read(path, advice="Compare with config/captures/demo.yaml.")
    yaml_files.validate(content, yaml_files.schema(SCHEMA), path)
    ranges = {"pitch": content["pitch"], "trunk.distance": content["trunk"]["distance"]}
    ranges |= {f"frames.{kind}.distance": of["distance"] for kind, of in content["frames"].items() if "distance" in of}
    for entry, (low, high) in ranges.items():
        if low > high:
            raise InputError(f"{path}: {entry}: the first number must not exceed the second; got {low}, {high}.")
    return ShotList(**content)


def frames_of(shot_list: ShotList, number: int) -> int:
    """How many frames the list wants of site `number`."""
    return sum(FRAMES[kind] * len(_indices(shot_list, kind, number)) for kind in shot_list.frames)


def sites(shot_list: ShotList, survey: Survey) -> list[list[Site]]:
    """For each site the place to go first, then those to try where `plan` comes out short there.

    Biomes take turns; places in the midst of their biome come first; all are `sites.apart` nodes apart.

    Raises:
      InputError: the surveyed world has no such places.
    """
    wanted, flat = shot_list.sites, np.asarray(survey.points, float)[:, [0, 2]]
    biomes = np.array(survey.biomes)
    neighbours = KDTree(flat).query_ball_point(flat, NEIGHBOURHOOD)
    same = np.array([(biomes[near] == own).sum() for near, own in zip(neighbours, biomes, strict=True)])
    # In classes of a fifth, so that chance decides among places that are about as good.
    chance = np.random.default_rng([shot_list.seed, 0]).random(len(flat))
    order = np.lexsort((chance, -(5 * same // max(same.max(), 1))))
    chosen: list[int] = []
    found: list[list[Site]] = [[] for _ in range(wanted["number"])]
    for spare in range(1 + SPARE_PLACES):
        for number, places in enumerate(found):
            biome = wanted["biomes"][number % len(wanted["biomes"])]
            free = (
                i
                for i in order
                if biomes[i] == biome and (np.hypot(*(flat[chosen] - flat[i]).T) >= wanted["apart"]).all()
            )
            if (place := next(free, None)) is not None:
                chosen.append(place)
                x, y, z = map(float, survey.points[place])
                places.append(Site(number, biome, (x, y, z)))
            elif not spare:
                raise InputError(
                    f"site {number}: the world must have a place in {biome!r} that is {wanted['apart']} nodes from the "
                    f"others; there is none. Its biomes are {', '.join(sorted(set(survey.biomes)))}: change `sites`."
                )
    return found


def plan(shot_list: ShotList, site: Site, shown: Scene) -> list[Shot]:
    """The shots of a site, ordered by time of day, which is slow to change; the same for the same world and list.

    They are fewer than `frames_of` where the site does not offer what is wanted, such as a tree that stands alone.

    Args:
      shown: the nodes around `site.centre`, at least the viewing range beyond `sites.radius`.
    """
    generator = np.random.default_rng([shot_list.seed, 1, site.number])
    radius = int(shot_list.sites["radius"])
    place = ground.examine(
        shown,
        site.centre,
        radius=radius,
        reach=radius + shot_list.trunk["distance"][1],
        species=shot_list.trunk["species"],
    )
    planned = []
    for kind in shot_list.frames:
        for index in _indices(shot_list, kind, site.number):
            name = f"{site.number:02}-{kind}-{index:03}"
            planned += _shots(shot_list, kind, _wanted(shot_list, kind, index), name, site.number, place, generator)
    return sorted(planned, key=lambda shot: (shot.timeofday, shot.name))


def _indices(shot_list: ShotList, kind: str, number: int) -> range:
    """Which of the list's groups of a kind are taken at a site: every site gets as many, give or take one."""
    return range(number, shot_list.frames[kind]["number"], shot_list.sites["number"])


def _wanted(shot_list: ShotList, kind: str, index: int) -> Wanted:
    """What the frame or group of this index among its kind should show."""
    options, number = shot_list.frames[kind], shot_list.sites["number"]
    kinds = list(shot_list.frames)
    before = sum(shot_list.frames[other]["number"] for other in kinds[: kinds.index(kind)])
    # A site takes every n-th index; thirds and times of day must not fall into step with the sites.
    turn = before + index % number + index // number
    near, far = options.get("distance", shot_list.trunk["distance"])
    low, high = shot_list.pitch
    first, second = ((0.5 + (before + index) * fraction) % 1 for fraction in FRACTIONS)
    positions, times = shot_list.trunk["positions"], shot_list.daytimes
    share = options.get("without_trunk", 0.0)
    empty = int((index + 1) * share) > int(index * share)
    return Wanted(
        position=None if empty else positions[turn % len(positions)],
        distance=float(near * (far / near) ** first),
        pitch=float(low + (high - low) * second),
        timeofday=options.get("day", times[turn // len(positions) % len(times)]),
    )


def _shots(
    shot_list: ShotList,
    kind: str,
    wanted: Wanted,
    name: str,
    number: int,
    place: Ground,
    generator: np.random.Generator,
) -> list[Shot]:
    """One single frame or one group; nothing if no pose fits."""
    sign = int(generator.choice([-1, 1]))
    for attempt in range(ROUNDS):
        relaxed = attempt - (ROUNDS - len(DOWN))  # at the end; better a frame that shows something else than none
        if wanted.position is None and relaxed >= 0:
            wanted = wanted._replace(pitch=DOWN[relaxed])
        poses = _poses(place, wanted, generator)
        for pose, view in zip(poses, _views(place.shown, poses), strict=True):
            trunk = views.nearest_trunk(view, place.shown)
            if not _fits(shot_list, wanted, view, trunk, place, strict=relaxed < 0):
                continue
            takes = _takes(kind, shot_list.frames[kind], wanted, pose, trunk, place, sign)
            if takes and _serves(shot_list, kind, place, trunk, takes):
                group = name if kind != SINGLE else ""
                return [
                    Shot(
                        name=f"{name}-{take.role.replace(' ', '-')}" if group else name,
                        site=number,
                        pose=take.pose,
                        timeofday=take.timeofday,
                        hud=shot_list.hud,
                        changes=take.changes,
                        group=group,
                        role=take.role,
                    )
                    for take in takes
                ]
    return []


def _takes(
    kind: str, options: Mapping, wanted: Wanted, pose: Pose, trunk: views.Nearest | None, place: Ground, sign: int
) -> list[Take]:
    """The frames of a group at a pose; none if the tree cannot be changed."""
    plain = Take("", pose, wanted.timeofday)
    if kind == SINGLE:
        return [plain]
    if kind == DAY_NIGHT:
        return [Take("day", pose, options["day"]), Take("night", pose, options["night"])]
    if kind == TURN:
        yaws = [pose.yaw + sign * (n - (FRAMES[TURN] - 1) / 2) * options["step"] for n in range(FRAMES[TURN])]
        return [
            plain._replace(role=f"turn {n}", pose=pose._replace(yaw=round(yaw % 360, 3))) for n, yaw in enumerate(yaws)
        ]
    if trunk is None:
        return []
    if kind == REMOVED:
        role, changes = "no trunk", ground.remove(place, trunk.node)
    else:
        moves = (ground.move(place, pose, trunk.node, side * options["nodes"]) for side in (sign, -sign))
        role, changes = "moved trunk", next(filter(None, moves), ())
    return [plain._replace(role="trunk"), plain._replace(role=role, changes=changes)] if changes else []


def _poses(place: Ground, wanted: Wanted, generator: np.random.Generator) -> list[Pose]:
    """`TRIES` poses that may show what is wanted, none if the site has no place for one."""
    feet: list[np.ndarray] = []
    yaws: list[float] = []
    if wanted.position is None:
        chosen = generator.choice(place.clear, TRIES) if len(place.clear) else place.clear
        feet, yaws = list(chosen), list(generator.uniform(0, 360, len(chosen)))
    elif place.trunks and len(place.feet):
        eyes = place.feet + np.array([0, EYE_HEIGHT, 0])
        columns = generator.uniform(*COLUMNS[wanted.position], TRIES)
        bearings = np.degrees(np.arctan(columns * camera.half_field(width=WIDTH, height=HEIGHT)[0]))
        for label, bearing in zip(generator.choice(list(place.trunks), TRIES), bearings, strict=True):
            trunk = place.trunks[label]
            distance, nearest = KDTree(trunk).query(eyes)
            # To its surface, half a node before its middle.
            fitting = np.flatnonzero(np.abs(np.log(np.maximum(distance - 0.5, 0.1) / wanted.distance)) < np.log(WITHIN))
            if len(fitting):
                at = generator.choice(fitting)
                x, _, z = trunk[nearest[at]] - place.feet[at]
                feet.append(place.feet[at])
                # At pitch 0 the trunk is then in its column; tilting moves it a little, which the rendering will show.
                yaws.append(np.degrees(np.arctan2(-x, z)) + bearing)
    if not feet:
        return []
    # Always as many, so that marching is compiled once.
    repeat = np.arange(TRIES) % len(feet)
    places = np.array(feet)[repeat]
    places[:, [0, 2]] += generator.uniform(-OFF_CENTRE, OFF_CENTRE, (TRIES, 2))
    return [
        Pose(*(round(float(value), 3) for value in (*place, yaw, wanted.pitch)))
        for place, yaw in zip(places, np.array(yaws)[repeat] % 360, strict=True)
    ]


def _fits(
    shot_list: ShotList, wanted: Wanted, view: Rendered, trunk: views.Nearest | None, place: Ground, *, strict: bool
) -> bool:
    if (view.classes == UNKNOWN).any() or _crowded(view):
        return False
    if wanted.position is None or trunk is None:
        return wanted.position is None and trunk is None
    if view.plants[view.classes == TRUNK].mean() > MOST_HIDDEN:
        return False
    if trunk.share < shot_list.trunk["share"] or ground.tree_at(place, trunk.node) not in place.trunks:
        return False
    low, high = COLUMNS[wanted.position]
    near, far = shot_list.trunk["distance"]
    in_place = low <= trunk.column <= high and 1 / WITHIN < trunk.distance / wanted.distance < WITHIN
    return near / WITHIN < trunk.distance < far * WITHIN and (in_place or not strict)


def _serves(shot_list: ShotList, kind: str, place: Ground, trunk: views.Nearest | None, takes: Sequence[Take]) -> bool:
    """Whether a group shows its contrast: one trunk in every frame of a turn, the trunk elsewhere once moved."""
    if kind == TURN:
        found = [views.nearest_trunk(view, place.shown) for view in _views(place.shown, [t.pose for t in takes])]
        visible = all(one is not None and one.share >= shot_list.trunk["share"] for one in found)
        return visible and len({ground.tree_at(place, one.node) for one in found if one}) == 1
    if kind == MOVED:
        after = changed(place.shown, takes[1].changes)
        view = _views(after, [takes[1].pose])[0]
        now = views.nearest_trunk(view, after)
        if now is None or trunk is None:
            return False
        moved = now.node in takes[1].changes and now.share >= shot_list.trunk["share"]
        return moved and abs(now.column - trunk.column) > MOVES and abs(now.column) < IN_VIEW and not _crowded(view)
    return True


def _crowded(view: Rendered) -> bool:
    nearer, share = CROWDED
    return bool((view.distance < nearer).mean() > share)


def _views(shown: Scene, poses: Sequence[Pose]) -> list[Rendered]:
    if not poses:
        return []
    return [Rendered(*view) for view in zip(*render_all(shown, poses, width=WIDTH, height=HEIGHT), strict=True)]

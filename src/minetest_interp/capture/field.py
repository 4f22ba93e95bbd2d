"""`python -m minetest_interp.capture.field`: one tree on a flat plain, seen from places around it, as small stacks.

The agent always looks along +z. A stack has the last four frames of its walk straight on to its place. The same command
goes on with the next part that is missing.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minetest_interp.cli import command  # isort: skip
from minetest_interp.capture.game import ASIDE, NOWHERE, Game, Lost, Unsettled
from minetest_interp.capture.types import Node, Pose, Survey
from minetest_interp.io import files, yaml_files
from minetest_interp.io.errors import InputError
from minetest_interp.model import frames

SCHEMA = Path(__file__).with_name("field.schema.yaml")
FLAT = {
    "mg_name": "flat",
    "mg_flags": "nocaves, nodungeons, light, nodecorations, biomes",
    "mgflat_spflags": "nolakes, nohills",
}
NODES = {
    "apple": ("default:tree", "default:leaves"),
    "pine": ("default:pine_tree", "default:pine_needles"),
    "aspen": ("default:aspen_tree", "default:aspen_leaves"),
    "jungle": ("default:jungletree", "default:jungleleaves"),
    "acacia": ("default:acacia_tree", "default:acacia_leaves"),
    "stone": ("default:stone", ""),
}
PILLAR = "stone"  # the kind that is no tree and has no leaves
TRUNK = 5  # nodes high
CROWN = {3: 2, 4: 2, 5: 1}  # height above the trunk's foot to how far the leaves go to each side
LENGTH, SIZE = 4, 64  # frames of a stack, pixels
EXTENT, GRID, AROUND = 1200, 40, 120  # nodes: of the survey; a place's surroundings, all of one kind of ground
BELOW, ABOVE = 20, 40
SAME = "ground", "time", "kind", "leaves", "map"  # in all cells of a part
TRIES = 3  # of a part, in games of their own


class Cells(NamedTuple):
    """A sweep or the map, of one tree at one time of day. cells: bearing in degrees and distance in nodes of each."""

    name: str
    ground: str
    time: float
    kind: str
    leaves: bool
    cells: tuple[tuple[float, float], ...]
    map: bool = False


def record_field(config: Path, output: Path) -> None:
    """Records the parts that `output` does not hold yet, then writes all of them as field.npz.

    Raises:
      InputError: something is not installed, a setting is wrong, or the game does not stay alive.
    """
    wanted = yaml_files.read(config, advice="Compare with config/captures/field.yaml.")
    yaml_files.validate(wanted, yaml_files.schema(SCHEMA), config)
    begun = output / "field.json"
    if not begun.exists():
        files.write_json(begun, wanted)
    elif files.read_json(begun) != wanted:
        raise InputError(f"{output}: a folder must keep to one field; this one has another. Choose a new folder.")
    listed = list(parts(wanted))
    for attempt in range(TRIES):
        missing = [part for part in listed if not (output / f"{part.name}.npz").exists()]
        try:
            if missing:
                _record(output, missing, wanted)
            break
        except (Lost, Unsettled) as problem:
            if attempt + 1 == TRIES:
                raise InputError(f"the game must stay alive; {problem} Tried {TRIES} times.") from problem
            print(f"starting the game again: {problem}", flush=True)
    recorded = [files.read_arrays(output / f"{part.name}.npz") for part in listed]
    arrays = {name: np.concatenate([of[name] for of in recorded]) for name in recorded[0]}
    files.write_compressed(output / "field.npz", **arrays)
    print(f"{output / 'field.npz'}: {len(arrays['stacks'])} cells, {len(listed)} parts")


def parts(wanted: Mapping) -> Iterator[Cells]:
    """The parts of a field, ordered by ground and time, which are slow to change; the map is the last."""
    base = wanted["base"]
    levels = [base] + [base | {factor: level} for factor, all_of in wanted["changes"].items() for level in all_of]
    grounds = list(dict.fromkeys(level["ground"] for level in levels))
    for ground, time, level in product(grounds, wanted["times"], levels):
        if level["ground"] == ground:
            leaves = level["leaves"] and level["kind"] != PILLAR
            crown = "leaves" if leaves else "bare"
            yield Cells(
                f"{ground}-{time}-{level['kind']}-{crown}-{level['distance']}",
                ground,
                time,
                level["kind"],
                leaves,
                tuple((bearing, level["distance"]) for bearing in wanted["bearings"]),
            )
    places = product(wanted["map"]["before"], wanted["map"]["right"])
    cells = tuple((float(np.degrees(np.arctan2(x, z))), float(np.hypot(x, z))) for z, x in places)
    yield Cells("map", base["ground"], wanted["times"][0], base["kind"], base["leaves"], cells, map=True)


def tree(part: Cells, foot: tuple[int, int, int]) -> list[Node]:
    """A trunk that begins at a node, and its crown."""
    x, y, z = foot
    trunk, leaves = NODES[part.kind]
    nodes = [Node(x, y + up, z, trunk) for up in range(TRUNK)]
    if part.leaves:
        for up, reach in CROWN.items():
            around = product(range(-reach, reach + 1), repeat=2)
            nodes += [Node(x + i, y + up, z + j, leaves) for i, j in around if up >= TRUNK or (i, j) != (0, 0)]
    return nodes


def walk(foot: tuple[int, int, int], bearing: float, distance: float, step: float) -> list[Pose]:
    """The poses of a stack's frames, the last at so many degrees and nodes from the trunk's middle."""
    x, y, z = foot
    right, before = distance * np.sin(np.radians(bearing)), distance * np.cos(np.radians(bearing))
    back = step * np.arange(LENGTH - 1, -1, -1)
    return [Pose(round(float(x + right), 3), y - 0.5, round(float(z - before - far), 3), 0.0, 0.0) for far in back]


def _record(output: Path, missing: list[Cells], wanted: Mapping) -> None:
    with Game(output / "game", seed=wanted["seed"], settings=FLAT) as game:
        survey, feet = game.survey(extent=EXTENT, step=GRID), {}
        for number, part in enumerate(missing, start=1):
            if part.ground not in feet:
                feet[part.ground] = _foot(game, *_plain(survey, part.ground))
                game.warm(walk(feet[part.ground], 0, wanted["base"]["distance"], 0)[0], wanted["times"][0])
            foot = feet[part.ground]
            stacks = _stacks(game, part, foot, wanted["walk"])
            bearing, distance = np.array(part.cells, np.float32).T
            same = {name: np.full(len(stacks), getattr(part, name)) for name in SAME}
            path = output / f"{part.name}.npz"
            files.write_compressed(path, stacks=stacks, bearing=bearing, distance=distance, **same)
            print(f"{path}: {number} of {len(missing)}", flush=True)


def _plain(survey: Survey, ground: str) -> tuple[int, int, int]:
    """The first place whose surroundings are all of this ground."""
    kinds, whole = np.array(survey.biomes), (2 * AROUND // GRID + 1) ** 2
    for point in survey.points[kinds == ground]:
        near = np.abs(survey.points - point)[:, [0, 2]].max(1) <= AROUND
        if near.sum() == whole and (kinds[near] == ground).all():
            x, y, z = np.floor(point).astype(int).tolist()
            return x, y, z
    raise InputError(f"`ground` must be a biome of the world with a plain of {AROUND} nodes; got {ground!r}.")


def _foot(game: Game, x: int, y: int, z: int) -> tuple[int, int, int]:
    """The node on the ground there, once its surroundings have been made."""
    game.generate([x - AROUND, y - BELOW, z - AROUND], [x + AROUND, y + ABOVE, z + AROUND])
    column = game.dump([x, y - BELOW, z], [x, y + ABOVE, z])
    air = column.content.ravel() == column.names.index("air")
    return x, y - BELOW + int(air.argmax()), z


def _stacks(game: Game, part: Cells, foot: tuple[int, int, int], step: float) -> np.ndarray:
    x, y, z = foot
    aside = {"feet": [x, y + ASIDE, z], "yaw": 0.0, "pitch": np.radians(NOWHERE.pitch)}
    game.ask("look", **aside, timeofday=part.time, hud=True)
    if not game.ask("place", nodes=tree(part, foot))["come"]:
        raise Unsettled("the client did not get the tree.")
    seen = []
    for cell in part.cells:
        looks = [game.look(pose, part.time, hud=True).picture for pose in walk(foot, *cell, step)]
        seen.append([frames.grey(picture, size=SIZE, order="environment").astype(np.uint8) for picture in looks])
    game.ask("look", **aside, timeofday=part.time, hud=True)
    game.ask("restore")
    return np.array(seen)


if __name__ == "__main__":
    command(record_field, record=False)

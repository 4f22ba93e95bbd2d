"""Where episodes begin: places of one world, which is made once and saved, with the map around each of them."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial import KDTree

from minetest_interp.capture import ground, march
from minetest_interp.capture.classes import SPECIES, TRUNK
from minetest_interp.capture.game import Game
from minetest_interp.capture.march import Scene
from minetest_interp.capture.types import Pose, Survey, Voxels
from minetest_interp.io import files
from minetest_interp.io.errors import InputError

WORLD, GAME, LIST = "world", "game", "places.json"
NEAR, FAR = 32, 136  # nodes of the map that are read around a place to choose the feet, and to play
BELOW, ABOVE = 40, 56
STONE, DEEPER = "default:stone", 32  # nodes below the map; a view ray has 30
MARGIN = 26  # nodes that are read beyond where the feet may be


class Start(NamedTuple):
    """name: its biome and number. pose: where the episode begins, looking level."""

    name: str
    pose: Pose


def starting_places(folder: Path, wanted: Mapping) -> list[Start]:
    """The places, chosen and saved with their world and maps in `folder` if they are not there yet.

    Raises:
      InputError: the world has not enough such places, or the folder was begun with other settings.
    """
    settings = {name: wanted[name] for name in ("seed", "world", "places")}
    if not (folder / LIST).exists():
        _make(folder, settings)
    kept = files.read_json(folder / LIST)
    if kept["settings"] != settings:
        raise InputError(f"{folder}: must be of {settings}; it is of {kept['settings']}. Name another folder.")
    return [Start(name, Pose(*pose)) for name, pose in kept["places"]]


def around(folder: Path, place: Start) -> Scene:
    """The map around a place as it was saved. What is below counts as stone, since trees grow above the ground."""
    kept = files.read_arrays(folder / f"{place.name}.npz")
    x, y, z = kept["origin"].tolist()
    names = kept["names"].tolist()
    content = np.pad(kept["content"], ((0, 0), (DEEPER, 0), (0, 0)), constant_values=names.index(STONE))
    voxels = Voxels((x, y - DEEPER, z), tuple(names), content)
    return march.scene(voxels, json.loads(str(kept["drawtypes"])))


def _make(folder: Path, settings: Mapping) -> None:
    shutil.rmtree(folder / GAME, ignore_errors=True)
    shutil.rmtree(folder / WORLD, ignore_errors=True)
    places: list[Start] = []
    wanted = settings["places"]
    with Game(folder / GAME, seed=settings["world"]["seed"]) as game:
        survey, drawtypes = game.survey(), game.drawtypes()
        for number in range(wanted["number"]):
            random = np.random.default_rng([settings["seed"], number])
            biome = wanted["biomes"][number % len(wanted["biomes"])]
            place = _choose(game, survey, drawtypes, random, wanted, f"{biome}-{number:02d}", places)
            voxels = _read(game, place.pose[:3], FAR)
            files.write_arrays(
                folder / f"{place.name}.npz",
                origin=voxels.origin,
                names=np.array(voxels.names),
                content=voxels.content,
                drawtypes=np.array(json.dumps(drawtypes)),
            )
            places.append(place)
            print(f"{folder}: place {number + 1} of {wanted['number']}, {place.name}", flush=True)
    (folder / GAME / WORLD).rename(folder / WORLD)
    files.write_json(folder / LIST, {"settings": settings, "places": places})


def _choose(
    game: Game,
    survey: Survey,
    drawtypes: Mapping,
    random: np.random.Generator,
    wanted: Mapping,
    name: str,
    places: list[Start],
) -> Start:
    """The first place in a random order that has feet with the nearest trunk as far away as is wanted."""
    biome, (least, most) = name.rpartition("-")[0], wanted["trunk"]
    for at in random.permutation(np.flatnonzero(np.array(survey.biomes) == biome)):
        centre = survey.points[at]
        if any(np.hypot(*(centre - place.pose[:3])[[0, 2]]) < wanted["apart"] for place in places):
            continue
        shown = march.scene(_read(game, centre, NEAR + MARGIN), drawtypes)
        feet = ground.examine(shown, tuple(centre), radius=NEAR, reach=0, species=SPECIES.values()).feet
        trunks = np.argwhere(shown.classes == TRUNK)[:, [0, 2]] - 1 + np.array(shown.voxels.origin)[[0, 2]]
        if not len(trunks) or not len(feet):
            continue
        away = KDTree(trunks).query(feet[:, [0, 2]])[0]
        if len(fitting := np.flatnonzero((away >= least) & (away <= most))):
            x, y, z = feet[random.choice(fitting)].tolist()
            return Start(name, Pose(x, y, z, float(random.integers(360)), 0.0))
    raise InputError(
        f"`places`: the world must have a place {name!r} with a trunk {least} to {most} nodes away; it has none. "
        "Ask for fewer, or for another world."
    )


def _read(game: Game, feet, radius: int) -> Voxels:
    x, y, z = np.floor(feet).astype(int).tolist()
    lowest, highest = [x - radius, y - BELOW, z - radius], [x + radius, y + ABOVE, z + radius]
    game.generate(lowest, highest)
    return game.dump(lowest, highest)

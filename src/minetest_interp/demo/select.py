"""Captured frames to the demo's data: frames of the study, and training frames with other trees.

Captures are 1024x600 pictures with a class per pixel and, at every fourth pixel, `2 x distance in nodes` (255 where
nothing is hit). A site is a place some 60 nodes wide. The study takes some frames of every site; a frame of the same
site trains only if it was taken elsewhere and steers for another tree.
"""

import csv
import math
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from minetest_interp.errors import InputError

# ASSUME: whole sites held out were tried first; policies then agreed far less with the rule on sites not seen.
FRAMES_PER_SITE = 4
APART_NODES = 3.0  # between cameras, and between nearest trunks, of any study frame and any training frame
HALF_WIDTH = 1024 / 600 * math.tan(math.radians(36))  # tangent of half the horizontal field of view
MOST_HIDDEN = 0.5  # a frame whose trunk lies behind plants for more than this share of its pixels is left out
SPLIT = (
    "They come from the same ten sites as the training frames,\n"
    "  but each was taken, and its nearest trunk stands, more than "
    f"{APART_NODES:g} nodes from those of every training frame."
)
COLUMNS = (
    "species", "biome", "light", "timeofday", "x", "y", "z", "yaw_deg", "pitch_deg_up",
    "trunk_dist", "near_cx", "has_trunk", "trunk_plantcell",
)  # fmt: skip

Row = Mapping[str, str]


def features(row: Row) -> tuple[str, ...]:
    """What a choice of frames should vary: where and how far the nearest trunk is, its species, the light."""
    light = "night" if row["light"] == "dark" else row["light"]
    if row["has_trunk"] != "1":
        return ("nowhere", f"nowhere by {light}", light)
    x, distance = float(row["near_cx"]), float(row["trunk_dist"])
    side = "left" if x < -1 / 3 else "right" if x > 1 / 3 else "centre"
    reach = "near" if distance < 4 else "far" if distance > 8 else "between"
    return (side, reach, light, row["near_species"], f"{side} by {light}", f"{side} and {reach}")


def varied(rows: Sequence[Row], *, count: int, seen: Counter) -> list[Row]:
    """Chooses `count` rows greedily: always the one whose features were chosen least so far; ties by id.

    `seen` counts the features chosen so far, and goes on counting.
    """
    chosen, left = [], sorted(rows, key=lambda row: row["id"])
    while left and len(chosen) < count:
        best = max(left, key=lambda row: np.mean([1 / (1 + seen[f]) for f in features(row)]))
        seen.update(features(best))
        chosen.append(best)
        left.remove(best)
    return chosen


def camera(row: Row) -> np.ndarray:
    """Where a frame was taken, (x, z) in nodes."""
    return np.array([float(row["x"]), float(row["z"])])


def nearest_tree(row: Row) -> np.ndarray | None:
    """Where the frame's nearest trunk stands, (x, z) in nodes; None without one.

    Yaw 0 looks along z and grows toward -x, so the right of the picture is (cos yaw, sin yaw).
    """
    if row["has_trunk"] != "1":
        return None
    yaw, pitch = (math.radians(float(row[column])) for column in ("yaw_deg", "pitch_deg_up"))
    aside = math.atan(float(row["near_cx"]) * HALF_WIDTH)
    bearing = yaw - aside
    away = float(row["trunk_dist"]) * math.cos(pitch)
    return camera(row) + away * np.array([-math.sin(bearing), math.cos(bearing)])


def apart(row: Row, other: Row) -> bool:
    """Whether two frames were taken, and steer for trunks, more than `APART_NODES` from one another."""
    pairs = ((camera(row), camera(other)), (nearest_tree(row), nearest_tree(other)))
    return all(a is None or b is None or np.linalg.norm(a - b) > APART_NODES for a, b in pairs)


def split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Rows of the study and rows for training; every pair of them is `apart`.

    Raises:
      InputError: a site has too few usable frames, so these are not the captures this demo was made from.
    """
    usable = [row for row in rows if float(row["trunk_plantcell"] or 0) <= MOST_HIDDEN]
    study, seen = [], Counter()
    for site in sorted({row["site"] for row in usable}):
        of_site = [row for row in usable if row["site"] == site]
        if len(of_site) < FRAMES_PER_SITE:
            raise InputError(
                f"site {site} must have at least {FRAMES_PER_SITE} usable frames; got {len(of_site)}. "
                "Give the captures folder that data/demo was made from."
            )
        study += varied(of_site, count=FRAMES_PER_SITE, seen=seen)
    study.sort(key=lambda row: row["id"])
    return study, [row for row in usable if all(apart(row, other) for other in study)]


def select(captures: Path, data: Path) -> tuple[int, int]:
    """Writes frames/, masks/, depth/, frames.csv and training/ below `data`; replaces what was there.

    Study frames are RGB 512x300 with masks of that size; training frames are grey 256x150 with masks of that size.
    Depths are 256x150 throughout. Pixel (i, j) of a small grid is pixel (2i + 1, 2j + 1) of a mask twice its size.

    Returns:
      how many frames went to the study and to training.
    """
    table = captures / "frames.csv"
    if not table.is_file():
        raise InputError(f"{table}: the captures must have this table; there is none. Check --captures.")
    with table.open(newline="") as file:
        study, training = split(list(csv.DictReader(file)))
    for rows, folder in ((study, data), (training, data / "training")):
        pictures = "frames" if folder == data else "grey"
        for name in (pictures, "masks", "depth"):
            shutil.rmtree(folder / name, ignore_errors=True)
            (folder / name).mkdir(parents=True)
        for row in rows:
            name = f"frame_{row['id']}.png"
            picture = _read(captures / "frames" / f"{row['id']}.png", cv2.IMREAD_COLOR)[..., ::-1]
            mask = _read(captures / "masks" / f"{row['id']}.png", cv2.IMREAD_UNCHANGED)
            depth = _read(captures / "depth" / f"{row['id']}.png", cv2.IMREAD_UNCHANGED)
            picture = cv2.resize(np.ascontiguousarray(picture), (512, 300), interpolation=cv2.INTER_AREA)
            if folder != data:
                picture, mask = small_grey(picture), small_mask(mask[::2, ::2])
            else:
                mask = mask[::2, ::2]
            for kind, array in ((pictures, picture), ("masks", mask), ("depth", depth)):
                Image.fromarray(array).save(folder / kind / name, optimize=True)
        with (folder / "frames.csv").open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("name", "site", *COLUMNS))
            writer.writerows(
                (
                    f"frame_{row['id']}",
                    row["site"],
                    *(row["near_species" if column == "species" else column] for column in COLUMNS),
                )
                for row in rows
            )
    return len(study), len(training)


def small_grey(picture: np.ndarray) -> np.ndarray:
    """Grey levels of a 512x300 picture at 256x150, uint8."""
    return cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (256, 150), interpolation=cv2.INTER_AREA)


def small_mask(mask: np.ndarray) -> np.ndarray:
    """A 512x300 mask at 256x150, on the very grid of the depths."""
    return np.ascontiguousarray(mask[1::2, 1::2])


def _read(path: Path, mode: int) -> np.ndarray:
    image = cv2.imread(str(path), mode) if path.is_file() else None
    if image is None:
        raise InputError(f"{path}: every row of frames.csv must have a PNG here; there is none that reads.")
    return image

"""Captured frames to the demo's data: frames of the study, and training frames from other sites.

Captures are 1024x600 pictures with a class per pixel and, at every fourth pixel, `2 x distance in nodes` (255 where
nothing is hit). Whole *sites* go either to the study or to training, because frames of one site show the same trees.
"""

import csv
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from minetest_interp.errors import InputError

# ASSUME: one site of each wooded biome; together they show all five species of tree. Chosen before any training.
STUDY_SITES = ("1", "3", "4", "6")
FRAMES_PER_SITE = 10
MOST_HIDDEN = 0.5  # a frame whose trunk lies behind plants for more than this share of its pixels is left out
COLUMNS = (
    "species", "biome", "light", "timeofday", "x", "y", "z", "yaw_deg", "pitch_deg_up",
    "trunk_dist", "near_cx", "has_trunk", "trunk_plantcell",
)  # fmt: skip

Row = Mapping[str, str]


def features(row: Row) -> tuple[str, ...]:
    """What a choice of frames should vary: where and how far the nearest trunk is, its species, the light."""
    if row["has_trunk"] != "1":
        return ("nowhere", f"nowhere by {row['light']}", row["light"])
    x, distance = float(row["near_cx"]), float(row["trunk_dist"])
    side = "left" if x < -1 / 3 else "right" if x > 1 / 3 else "centre"
    reach = "near" if distance < 4 else "far" if distance > 8 else "between"
    return (side, reach, row["light"], row["near_species"], f"{side} by {row['light']}", f"{side} and {reach}")


def varied(rows: Sequence[Row], *, count: int) -> list[Row]:
    """Chooses `count` rows greedily: always the one whose features were chosen least so far; ties by id."""
    chosen, seen, left = [], Counter(), sorted(rows, key=lambda row: row["id"])
    while left and len(chosen) < count:
        best = max(left, key=lambda row: np.mean([1 / (1 + seen[f]) for f in features(row)]))
        seen.update(features(best))
        chosen.append(best)
        left.remove(best)
    return sorted(chosen, key=lambda row: row["id"])


def split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Rows of the study and rows for training; no site is in both.

    Raises:
      InputError: a study site has too few usable frames, so these are not the captures this demo was made from.
    """
    usable = [row for row in rows if float(row["trunk_plantcell"] or 0) <= MOST_HIDDEN]
    study = []
    for site in STUDY_SITES:
        of_site = [row for row in usable if row["site"] == site]
        if len(of_site) < FRAMES_PER_SITE:
            raise InputError(
                f"site {site} must have at least {FRAMES_PER_SITE} usable frames; got {len(of_site)}. "
                "Give the captures folder that data/demo was made from."
            )
        study += varied(of_site, count=FRAMES_PER_SITE)
    return study, [row for row in usable if row["site"] not in STUDY_SITES]


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

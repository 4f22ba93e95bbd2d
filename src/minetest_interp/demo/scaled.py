"""Captured frames to the demo's data: the study's in colour, those for training in grey, all scaled down.

Pictures become JPEG. Masks keep every second or every fourth pixel, so that no class is made up, and a quarter-size
mask has the very pixels of the depths that a capture writes.
"""

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from minetest_interp.io.errors import InputError
from minetest_interp.model.frames import read

SINGLE, SMALL = (512, 300), (256, 150)  # width, height of single frames, and of all others
QUALITY = 85  # of JPEG
LABELLED, LABELLED_QUALITY = (320, 188), 75  # of both studies: their 64x64 grey levels differ by half a level
OPEN = "open-"  # before the names of frames, groups and sites of the second of two captures


def write_study(captures: Path, data: Path) -> int:
    """Writes frames/, masks/, depth/ (of single frames) and frames.csv below `data`; replaces what was there.

    Returns:
      how many frames there are.

    Raises:
      InputError: a file of the captures is missing or damaged.
    """
    rows = _start(captures, data, ("frames", "masks", "depth"))
    for row in rows:
        is_single = not row["group"]
        picture, mask = (
            small(_read(captures, "frames", row), size=SINGLE if is_single else SMALL),
            _half_mask(captures, row),
        )
        _save(picture, data / "frames" / f"{row['name']}.jpg")
        _save(mask if is_single else small_mask(mask), data / "masks" / f"{row['name']}.png")
        if is_single:
            _save(_read(captures, "depth", row)[..., 0], data / "depth" / f"{row['name']}.png")
    return len(rows)


def write_training(captures: Path, data: Path) -> int:
    """The same below `data`/training, with grey/ for frames/, all 256x150."""
    folder = data / "training"
    rows = _start(captures, folder, ("grey", "masks", "depth"))
    for row in rows:
        _save(small_grey(_read(captures, "frames", row)), folder / "grey" / f"{row['name']}.jpg")
        _save(small_mask(_half_mask(captures, row)), folder / "masks" / f"{row['name']}.png")
        _save(_read(captures, "depth", row)[..., 0], folder / "depth" / f"{row['name']}.png")
    return len(rows)


def write_labelled(wooded: Path, open_country: Path, data: Path) -> int:
    """Writes frames/, masks/ and frames.csv of two captures below `data`; replaces what was there.

    Names, groups and sites of the second begin with `OPEN`. Of a mask the pixels nearest the places of the small
    picture's are kept, so that no class is made up.

    Returns, Raises:
      as `write_study`.
    """
    rows: list[dict[str, str]] = []
    for captures, before in ((wooded, ""), (open_country, OPEN)):
        for row in _start(captures, data, () if rows else ("frames", "masks")):
            names = {key: before + row[key] for key in ("name", "group", "site") if row[key]}
            picture, mask = (_read(captures, kind, row) for kind in ("frames", "masks"))
            name = names["name"]
            _save(small(picture, size=LABELLED), data / "frames" / f"{name}.jpg", quality=LABELLED_QUALITY)
            nearest = cv2.resize(np.ascontiguousarray(mask[..., 0]), LABELLED, interpolation=cv2.INTER_NEAREST_EXACT)
            _save(nearest, data / "masks" / f"{name}.png")
            rows.append(row | names)
    with (data / "frames.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def small(
    picture: UInt8[np.ndarray, "height width *colour"], *, size: tuple[int, int] = SMALL
) -> UInt8[np.ndarray, "_ _ *colour"]:
    """A picture at a smaller size (width, height), by area."""
    return cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)


def small_grey(picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "150 256"]:
    """Grey levels of a picture at 256x150."""
    return cv2.cvtColor(small(picture), cv2.COLOR_RGB2GRAY)


def small_mask(half: UInt8[np.ndarray, "300 512"]) -> UInt8[np.ndarray, "150 256"]:
    """A mask at 256x150 of one at 512x300, on the grid of the depths."""
    return np.ascontiguousarray(half[1::2, 1::2])


def _start(captures: Path, folder: Path, kinds: Sequence[str]) -> list[dict[str, str]]:
    table = captures / "frames.csv"
    if not table.is_file():
        raise InputError(f"{table}: the captures must have this table; there is none. Run make capture.")
    for kind in kinds:
        shutil.rmtree(folder / kind, ignore_errors=True)
        (folder / kind).mkdir(parents=True)
    shutil.copyfile(table, folder / "frames.csv")
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def _read(captures: Path, kind: str, row: dict[str, str]) -> np.ndarray:
    return read(captures / kind / f"{row['name']}.png")


def _half_mask(captures: Path, row: dict[str, str]) -> np.ndarray:
    return np.ascontiguousarray(_read(captures, "masks", row)[::2, ::2, 0])


def _save(array: np.ndarray, path: Path, *, quality: int = QUALITY) -> None:
    Image.fromarray(array).save(path, **({"quality": quality} if path.suffix == ".jpg" else {"optimize": True}))

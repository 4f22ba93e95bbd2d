"""What the table of a captured folder, `frames.csv`, says of its frames; a folder without one says nothing.

The capture writes it (`capture.output` lists its columns). Of another table the columns of these names are read, and
`id` stands in for `name` where there is none.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model.frames import natural_key

TABLE = "frames.csv"
NAME, OTHER_NAME = "name", "id"
LIMIT_BYTES = 2**24
LONGEST = 200  # characters of a text

COLUMNS = {"distance": "trunk_dist"}  # those that are called otherwise here


class Captured(NamedTuple):
    """Text is empty, and a number NaN, where the table does not say it.

    group, role: which frames belong together, and what the frame is among them. site: frames of one share their
    terrain. biome: of the site. species: of the nearest trunk in view. light: by the time of day.
    distance: from the eye to the nearest trunk, nodes. ray_trunks: tree nodes that the view ray crosses. hud: 1 where
    the hand and the display are drawn, 0 where they are not.
    """

    group: Shaped[np.ndarray, " frame"]
    role: Shaped[np.ndarray, " frame"]
    site: Shaped[np.ndarray, " frame"]
    biome: Shaped[np.ndarray, " frame"]
    species: Shaped[np.ndarray, " frame"]
    light: Shaped[np.ndarray, " frame"]
    distance: Float[np.ndarray, " frame"]
    ray_trunks: Float[np.ndarray, " frame"]
    hud: Float[np.ndarray, " frame"]


NUMBERS = "distance", "ray_trunks", "hud"


def read(folder: Path, names: Sequence[str]) -> Captured:
    """What the table of a folder says of the frames of these names; of rows with one name the last counts.

    Raises:
      InputError: the table is no CSV of UTF-8 text, leads out of the folder, has a text of great length, or has
        something else than a number of at least 0 where one belongs.
    """
    table = files.inside(folder, TABLE, key="the table of labelled frames")
    rows = _rows(table) if table.exists() else {}
    found = [rows.get(name, {}) for name in names]
    return Captured(
        **{
            field: (_numbers if field in NUMBERS else _texts)(found, COLUMNS.get(field, field), table)
            for field in Captured._fields
        }
    )


def _rows(table: Path) -> dict[str | None, dict[str, str | None]]:
    text = files.read_text(table, what="a CSV table", limit=LIMIT_BYTES, advice="Remove or replace it.")
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise InputError(f"{table}: must be a CSV table; {error}. Correct it.") from None
    return {row.get(NAME, row.get(OTHER_NAME)): row for row in rows}


def _texts(rows: Sequence[Mapping], column: str, table: Path) -> np.ndarray:
    texts = [row.get(column) or "" for row in rows]
    if (longest := max(map(len, texts), default=0)) > LONGEST:
        raise InputError(f"{table}: {column} must have at most {LONGEST} characters; one has {longest}.")
    return np.array(texts, dtype=str)


def _numbers(rows: Sequence[Mapping], column: str, table: Path) -> np.ndarray:
    def number(cell: str) -> float:
        try:
            value = float(cell)
        except ValueError:
            value = -1.0
        if not 0 <= value < math.inf:
            raise InputError(f"{table}: {column} must be empty or a number of at least 0; got {cell[:LONGEST]!r}.")
        return value

    return np.array([number(cell) if (cell := row.get(column)) else math.nan for row in rows], np.float64)


def every_other_site(site: Shaped[np.ndarray, " frame"]) -> Bool[np.ndarray, " frame"]:
    """The frames of the first, third, ... site in natural order; the other frames share no site with them."""
    return np.isin(site, sorted(set(map(str, site)), key=natural_key)[::2])

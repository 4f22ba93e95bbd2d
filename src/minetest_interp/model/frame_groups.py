"""Frames that belong together: pairs in which one thing differs, and turns whose successive frames are a real stack.

`frames.csv` of a captured folder says so: frames of a `group` have a `role` each (`capture.shots` lists them).
"""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int, Shaped

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import frames

TABLE = "frames.csv"
TURN = 4  # frames
LIMIT_BYTES = 2**24
LONGEST = 200  # characters of a group or role


def read(folder: Path, names: Sequence[str]) -> tuple[Shaped[np.ndarray, " frame"], Shaped[np.ndarray, " frame"]]:
    """Group and role of the frames of a folder, as text; empty for frames of no group, or without a table.

    Raises:
      InputError: the table is no CSV of UTF-8 text, leads out of the folder, or has a group or role of great length.
    """
    table = files.inside(folder, TABLE, key="the table of labelled frames")
    rows = {}
    if table.exists():
        text = files.read_text(table, what="a CSV table", limit=LIMIT_BYTES, advice="Remove or replace it.")
        try:
            rows = {row.get("name"): row for row in csv.DictReader(io.StringIO(text, newline=""))}
        except csv.Error as error:
            raise InputError(f"{table}: must be a CSV table; {error}. Correct it.") from None
    found = [rows.get(name, {}) for name in names]
    group, role = ([row.get(column) or "" for row in found] for column in ("group", "role"))
    if (longest := max(map(len, [*group, *role]), default=0)) > LONGEST:
        raise InputError(f"{table}: groups and roles must have at most {LONGEST} characters; one has {longest}.")
    return np.array(group, dtype=str), np.array(role, dtype=str)


def members(
    group: Shaped[np.ndarray, " frame"], role: Shaped[np.ndarray, " frame"], roles: Sequence[str]
) -> Int[np.ndarray, "group role"]:
    """The numbers of the frames that have the wanted roles, for the groups that have them all, in natural order."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for index, (name, own) in enumerate(zip(group, role, strict=True)):
        if name:
            found[str(name)][str(own)] = index
    whole = [found[name] for name in sorted(found, key=frames.natural_key) if set(roles) <= found[name].keys()]
    return np.array([[of[own] for own in roles] for of in whole], dtype=int).reshape(len(whole), len(roles))


def stacks(
    group: Shaped[np.ndarray, " frame"], role: Shaped[np.ndarray, " frame"], *, frames: int
) -> Int[np.ndarray, "group {frames}"]:
    """The numbers of the frames of every turn, oldest first: those of a real stack of so many.

    Of a longer turn the last frames count; a shorter one begins with its oldest frame repeated, as an episode does.
    """
    turns = members(group, role, [f"turn {n}" for n in range(TURN)])
    return turns[:, np.maximum(np.arange(TURN - frames, TURN), 0)]

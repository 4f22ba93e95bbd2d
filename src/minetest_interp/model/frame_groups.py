"""Frames that belong together: pairs in which one thing differs, and turns whose successive frames are a real stack.

`frames.csv` of a captured folder says so: frames of a `group` have a `role` each (`capture.shots` lists them).
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int, Shaped

from minetest_interp.model import captured, frames

TURN = 4  # frames


def read(folder: Path, names: Sequence[str]) -> tuple[Shaped[np.ndarray, " frame"], Shaped[np.ndarray, " frame"]]:
    """Group and role of the frames of a folder, as text; empty for frames of no group, or without a table.

    Raises:
      InputError: see `captured.read`.
    """
    found = captured.read(folder, names)
    return found.group, found.role


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

"""A recorded field of the world: one tree on a plain, seen from places around it, a stack of frames a cell."""

from pathlib import Path

import numpy as np

from minetest_interp.io import files
from minetest_interp.io.errors import InputError

LIMIT_BYTES = 2**27
ADVICE = "docs/capture.md says what is in one."
STACKS = "stacks"
# By cell; kinds as numpy names them.
COLUMNS = {
    "bearing": "f",  # of the trunk: degrees from where the agent looks, positive to the left
    "distance": "f",  # nodes from the eye to the trunk's middle, horizontally
    "time": "f",  # of day: 0 midnight, 0.5 noon
    "leaves": "b",
    "kind": "U",  # of tree; stone is none
    "ground": "U",
    "map": "b",  # whether the cell belongs to the map of places and not to a sweep over bearings
}
SAME = ("distance", "time", "leaves", "kind", "ground")  # in all cells of a sweep
NIGHT = 0.27  # of a day from noon, from which on it is night
WORDS = {"f": "floats", "b": "booleans", "U": "text"}


def read(path: Path, *, seen: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The stacks of a field, uint8 `[cell, frame, row, column]`, and its columns `[cell]`.

    Args:
      seen: shape of the policy's stacks.

    Raises:
      InputError: the file is not one, lacks an array, has one of another kind or shape, or numbers that are none.
    """
    arrays = files.read_npz(path, limit=LIMIT_BYTES, advice=ADVICE)
    files.require_arrays(arrays, (STACKS, *COLUMNS), path)
    stacks = arrays[STACKS]
    if stacks.dtype != np.uint8 or stacks.shape[1:] != tuple(seen) or not len(stacks):
        raise InputError(
            f"{path}: {STACKS} must be uint8 [cell, {str(list(seen))[1:-1]}], as the policy reads them; "
            f"got {stacks.dtype} {list(stacks.shape)}."
        )
    for name, kind in COLUMNS.items():
        array = arrays[name]
        if array.shape != (len(stacks),) or array.dtype.kind != kind:
            raise InputError(
                f"{path}: {name} must be {WORDS[kind]} [{len(stacks)}], by cell; got {array.dtype} {list(array.shape)}."
            )
        if kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{path}: {name} must be finite in every cell; it has NaN or infinity.")
    kinds = {name: np.float32 for name, kind in COLUMNS.items() if kind == "f"}  # whatever the precision in the file
    return {name: np.asarray(arrays[name], kinds.get(name)) for name in (STACKS, *COLUMNS)}


def is_night(time: np.ndarray) -> np.ndarray:
    """Of times of day, 0 and 1 at midnight."""
    return np.abs(time - 0.5) > NIGHT

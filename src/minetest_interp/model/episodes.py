"""Recorded episodes of one agent, one from each starting place: what it did, where it was, and what it earned.

They are an npz of arrays by place and step. A trunk is a node whose name holds "tree".
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minetest_interp.io import files
from minetest_interp.io.errors import InputError

LIMIT_BYTES = 2**27
PLACES = "place"
# By place and step, of every agent; kinds as numpy names them.
BY_STEP = {
    "action": "u",  # number in the action table
    "distance": "f",  # nodes from the feet to the nearest standing trunk, horizontally; NaN where none is known
    "direction": "f",  # of it: degrees from where the agent looks, positive to the left
    "on_trunk": "b",  # whether a trunk is under the feet
    "dug": "u",  # trunks dug at the step
    "shaped": "f",  # the shaped reward
}
SEEN = {
    "value": "f",  # the critic's, NaN without one
    "darker": "f",  # mean grey level of the newest frame's right half less the left's
}
LOGITS = "logits"  # by place, step and action
KINDS = {"u": np.int32, "f": np.float32}  # whatever the precision in the file
STACKS, KEPT = "stacks", "kept"  # what the policy saw at some steps, and which; a file may be without


def read(path: Path, *, sees: bool) -> dict[str, np.ndarray]:
    """The arrays of a file of episodes.

    Args:
      sees: whether the agent is a policy, of which logits, values and brightness are kept too.

    Raises:
      InputError: the file is not one, lacks an array, or has one of another kind or shape.
    """
    arrays = files.read_npz(path, limit=LIMIT_BYTES, advice="Record them with `make episodes`.")
    wanted = BY_STEP | (SEEN if sees else {})
    missing = [name for name in (PLACES, *wanted, *([LOGITS] if sees else [])) if name not in arrays]
    if missing:
        raise InputError(f"{path}: must have the array {missing[0]!r}; it has {', '.join(sorted(arrays))}.")
    places = arrays[PLACES]
    if places.ndim != 1 or places.dtype.kind != "U" or len(set(places)) != len(places) or not len(places):
        raise InputError(f"{path}: {PLACES} must be names, each once; got {places.dtype} {list(places.shape)}.")
    shape = len(places), *arrays["action"].shape[1:2]
    for name, kind in wanted.items():
        _check(arrays[name], shape, kind, f"{path}: {name}")
    if sees:
        _check(arrays[LOGITS], (*shape, *arrays[LOGITS].shape[2:3]), "f", f"{path}: {LOGITS}")
    return {name: np.asarray(array, KINDS.get(array.dtype.kind)) for name, array in arrays.items() if name != STACKS} | {
        name: arrays[name] for name in (STACKS,) if name in arrays
    }


def check_actions(arrays: Mapping[str, np.ndarray], count: int, path: Path) -> None:
    """Checks that the episodes are of an agent with so many actions, and that what was kept of them is whole.

    Raises:
      InputError: the action table is another's, or stacks were kept of other steps than it says.
    """
    actions = arrays[LOGITS].shape[-1]
    if actions != count or arrays["action"].max() >= count:
        raise InputError(f"{path}: must be of an agent with {count} actions; got {actions}. Check `episodes.own`.")
    if STACKS in arrays:
        kept = arrays.get(KEPT, np.empty(0, int))
        right = kept.ndim == 1 and kept.dtype.kind in "iu" and arrays[STACKS].shape[:2] == (len(arrays[PLACES]), len(kept))
        if not right or not arrays[STACKS].ndim == 5 or kept.max(initial=0) >= arrays["action"].shape[1]:
            raise InputError(
                f"{path}: {STACKS} must be [place, kept, frame, row, column] at the steps of {KEPT}; "
                f"got {list(arrays[STACKS].shape)} and {list(kept.shape)}."
            )


def in_order(arrays: Mapping[str, np.ndarray], places: np.ndarray, path: Path) -> dict[str, np.ndarray]:
    """What is kept by place, in the order of other episodes' places.

    Raises:
      InputError: the places are others.
    """
    own = list(arrays[PLACES])
    if sorted(own) != sorted(places):
        raise InputError(f"{path}: must have the places {', '.join(sorted(places))}; got {', '.join(sorted(own))}.")
    order = [own.index(place) for place in places]
    return {name: arrays[name][order] for name in (PLACES, *BY_STEP, *SEEN, LOGITS) if name in arrays}


def _check(array: np.ndarray, shape: tuple[int, ...], kind: str, name: str) -> None:
    if array.shape != shape or array.dtype.kind != kind or not array.size:
        raise InputError(f"{name} must be {kind} {list(shape)}, by place and step; got {array.dtype} {list(array.shape)}.")

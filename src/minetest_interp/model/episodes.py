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
    "direction": "f",  # of it: degrees from where the agent looks, positive to the left; NaN where none is known
    "on_trunk": "b",  # whether a trunk is under the feet
    "dug": "u",  # trunks dug at the step
    "shaped": "f",  # the shaped reward
}
# Likewise, of a policy.
SEEN = {
    "value": "f",  # the critic's, NaN without one
    "darker": "f",  # mean grey level of the newest frame's right half less the left's
}
LOGITS = "logits"  # by place, step and action
FINITE = ("shaped", "darker", LOGITS)
WORDS = {"u": "unsigned integers", "f": "floats", "b": "booleans"}
KINDS = {"u": np.int32, "f": np.float32}  # whatever the precision in the file
STACKS, KEPT = "stacks", "kept"  # what the policy saw at some steps, and which; a file may be without


def read(path: Path, *, sees: bool) -> dict[str, np.ndarray]:
    """The arrays of a file of episodes.

    Args:
      sees: whether the agent is a policy, of which logits, values and brightness are kept too.

    Raises:
      InputError: the file is not one, lacks an array, or has one of another kind or shape, or numbers that are none.
    """
    arrays = files.read_npz(path, limit=LIMIT_BYTES, advice="docs/episodes.md says what is in one.")
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
    for name in FINITE:
        if name in arrays and not np.isfinite(arrays[name]).all():
            raise InputError(f"{path}: {name} must be finite at every step; it has NaN or infinity.")
    return {
        name: array if name == STACKS else np.asarray(array, KINDS.get(array.dtype.kind))
        for name, array in arrays.items()
    }


def check_actions(arrays: Mapping[str, np.ndarray], count: int, path: Path) -> None:
    """Checks that a policy's episodes are of one with so many actions.

    Raises:
      InputError: they are not.
    """
    actions = max(arrays[LOGITS].shape[-1], int(arrays["action"].max()) + 1)
    if actions != count:
        raise InputError(f"{path}: must be of an agent with {count} actions; got {actions}. Check `episodes.own`.")


def check_stacks(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Checks the stacks that were kept of some steps, if there are any.

    Raises:
      InputError: they are not by place and kept step, or kept of steps that there are not.
    """
    if STACKS not in arrays:
        return
    stacks, kept, steps = arrays[STACKS], arrays.get(KEPT, np.empty(0, int)), arrays["action"].shape[1]
    known = kept.ndim == 1 and kept.dtype.kind == "i" and len(kept) and kept.min() >= 0 and kept.max() < steps
    shape = len(arrays[PLACES]), kept.size
    if not known or stacks.dtype != np.uint8 or stacks.ndim != 5 or stacks.shape[:2] != shape:
        raise InputError(
            f"{path}: {STACKS} must be uint8 [place, kept, frame, row, column] and {KEPT} the steps, below {steps}; "
            f"got {stacks.dtype} {list(stacks.shape)} and {kept.dtype} {list(kept.shape)}."
        )


def beside(arrays: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    """What every agent has by step, of other episodes, in the order of one's own places.

    Raises:
      InputError: the places are others, or episodes are longer or shorter.
    """
    places, wanted = list(arrays[PLACES]), list(own[PLACES])
    if sorted(places) != sorted(wanted):
        raise InputError(f"{path}: must have the places {', '.join(sorted(wanted))}; got {', '.join(sorted(places))}.")
    steps, found = own["action"].shape[1], arrays["action"].shape[1]
    if steps != found:
        raise InputError(f"{path}: must have {steps} steps, as `episodes.own`; got {found}.")
    order = [places.index(place) for place in wanted]
    return {name: arrays[name][order] for name in BY_STEP}


def _check(array: np.ndarray, shape: tuple[int, ...], kind: str, name: str) -> None:
    if array.shape != shape or array.dtype.kind != kind or not array.size:
        raise InputError(
            f"{name} must be {WORDS[kind]} {list(shape)}, by place and step; got {array.dtype} {list(array.shape)}."
        )

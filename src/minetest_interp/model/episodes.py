"""Recorded episodes of one agent, one from each starting place: what it did, where it was, and what it earned.

They are an npz of arrays by place and step. A trunk is a node whose name holds "tree".
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import frames
from minetest_interp.model.captured import Captured
from minetest_interp.model.labels import horizontal_centre

LIMIT_BYTES = 2**27
ADVICE = "docs/episodes.md says what is in one."
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
MASKS = "masks"  # class numbers of what the newest frames show, as in a folder of labelled frames; likewise
POSE = "pose"  # by place and step: x, y, z of the feet in nodes, yaw (positive to the left) and pitch in degrees
CROSSED = "crossed"  # trees' nodes on the view ray, by place and step; likewise


class FilmFiles(NamedTuple):
    """own: all of the policy's episodes. seen: the frames of one of them. pictures: its film."""

    own: Path
    seen: Path
    pictures: Path


def find_film(own: Path) -> FilmFiles | None:
    """The files of the film beside a policy's episodes, None where there is none."""
    film = FilmFiles(own, own.with_name(f"{own.stem}-film.npz"), own.with_suffix(".webp"))
    return film if film.pictures.exists() else None


def read(path: Path, *, sees: bool) -> dict[str, np.ndarray]:
    """The arrays of a file of episodes.

    Args:
      sees: whether the agent is a policy, of which logits, values and brightness are kept too.

    Raises:
      InputError: the file is not one, lacks an array, or has one of another kind or shape, or numbers that are none.
    """
    arrays = files.read_npz(path, limit=LIMIT_BYTES, advice=ADVICE)
    wanted = BY_STEP | (SEEN if sees else {})
    files.require_arrays(arrays, (PLACES, *wanted, *([LOGITS] if sees else [])), path)
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
        name: array if name in (STACKS, MASKS) else np.asarray(array, KINDS.get(array.dtype.kind))
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


def check_stacks(arrays: Mapping[str, np.ndarray], path: Path, *, seen: tuple[int, int, int]) -> None:
    """Checks the stacks that were kept of some steps, if there are any.

    Args:
      seen: frames, height and width of the policy's stacks.

    Raises:
      InputError: they are not by place and kept step, kept of steps that there are not, or no stacks of this policy.
    """
    if STACKS not in arrays:
        return
    stacks, kept, steps = arrays[STACKS], arrays.get(KEPT, np.empty(0, int)), arrays["action"].shape[1]
    known = kept.ndim == 1 and kept.dtype.kind == "i" and len(kept) and kept.min() >= 0 and kept.max() < steps
    shape = len(arrays[PLACES]), kept.size
    if not known or stacks.dtype != np.uint8 or stacks.shape != (*shape, *seen):
        raise InputError(
            f"{path}: {STACKS} must be uint8 {[*shape, *seen]}, by place and step, and {KEPT} steps below {steps}; "
            f"got {stacks.dtype} {list(stacks.shape)} and {kept.dtype} {list(kept.shape)}."
        )
    masks = arrays.get(MASKS)
    if masks is not None and (masks.dtype != np.uint8 or masks.ndim != 4 or masks.shape[:2] != shape):
        raise InputError(
            f"{path}: {MASKS} must be uint8 [place, kept, row, column], as many as {STACKS}; "
            f"got {masks.dtype} {list(masks.shape)}."
        )


class Film(NamedTuple):
    """place: number of the filmed one. frames: all that the policy saw there, newest of each stack."""

    place: int
    frames: UInt8[np.ndarray, "step row column"]


def read_film(path: Path, *, places: int, steps: int) -> Film:
    """The frames of one of a policy's episodes.

    Args:
      places, steps: of its file of episodes.

    Raises:
      InputError: the file is not one, or not of these episodes.
    """
    arrays = files.read_npz(path, limit=LIMIT_BYTES, advice=ADVICE)
    files.require_arrays(arrays, ("filmed", "film"), path)
    which, shown = arrays["filmed"], arrays["film"]
    if which.shape or which.dtype.kind not in "iu" or not 0 <= which < places:
        raise InputError(f"{path}: filmed must be the number of one of {places} places; got {which.tolist()}.")
    if shown.ndim != 3 or len(shown) != steps or shown.dtype != np.uint8:
        raise InputError(
            f"{path}: film must be uint8 [step, row, column] of {steps} steps; got {shown.dtype} {list(shown.shape)}."
        )
    return Film(int(which), shown)


def has_labels(path: Path) -> bool:
    """Whether a file has stacks with masks; False too where it cannot be read, which `read` says in words."""
    try:
        return {STACKS, MASKS} <= {*files.array_names(path)}
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def labelled_stacks(arrays: Mapping[str, np.ndarray], concepts: Mapping[str, int]) -> dict[str, np.ndarray]:
    """The stacks that were kept as labelled ones, in the form of `evidence/turns.npz`; places are the sites.

    Args:
      arrays: of a policy, with stacks and masks. concepts: names of the masks' class numbers.
    """
    stacks, kept = arrays[STACKS], arrays[KEPT]
    masks = arrays[MASKS].reshape(-1, *arrays[MASKS].shape[2:])
    places, steps = (each.ravel() for each in np.meshgrid(arrays[PLACES], kept, indexing="ij"))
    seen = stacks.reshape(-1, *stacks.shape[2:]).astype(np.float32)
    found = {"frames": np.array([f"{place} step {step}" for place, step in zip(places, steps, strict=True)])}
    found |= {"original": seen, "mirrored": frames.mirror_frames(seen)}
    for name, number in concepts.items():
        shown = masks == number
        resized = [frames.resize(of.astype(np.float32), size=seen.shape[2:]).clip(0, 1) for of in shown]
        found[f"{name}/share"] = np.array(resized)
        found[f"{name}/position"] = np.array([horizontal_centre(of) for of in shown])
    unknown = np.full(len(places), "")
    at_kept = {name: arrays[name][:, kept].ravel().astype(float) for name in ("distance", CROSSED) if name in arrays}
    said = Captured(
        group=unknown,
        role=unknown,
        site=places,
        biome=unknown,
        species=unknown,
        light=unknown,
        distance=at_kept["distance"],
        ray_trunks=at_kept.get(CROSSED, np.full(len(places), np.nan)),
        hud=np.ones(len(places)),
    )
    return found | said._asdict()


def beside(arrays: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    """What every agent has by step, of other episodes, in the order of one's own places.

    Raises:
      InputError: the places are others, or episodes are longer or shorter.
    """
    order = _in_order(arrays, own, path)
    steps, found = own["action"].shape[1], arrays["action"].shape[1]
    if steps != found:
        raise InputError(f"{path}: must have {steps} steps, as `episodes.own`; got {found}.")
    return {name: arrays[name][order] for name in BY_STEP}


def headings(
    arrays: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], path: Path
) -> Float[np.ndarray, "place step"]:
    """Degrees from where the agent first looked, -180 to 180, positive to the left, in the order of one's own places.

    Raises:
      InputError: the places are others, or poses are missing.
    """
    order, shape = _in_order(arrays, own, path), (*arrays["action"].shape, 5)
    pose = arrays.get(POSE, np.empty(0))
    if pose.shape != shape or pose.dtype.kind != "f" or not np.isfinite(pose).all():
        raise InputError(f"{path}: {POSE} must be finite floats {list(shape)}; got {pose.dtype} {list(pose.shape)}.")
    yaw = pose[order, :, 3]
    return (yaw - yaw[:, :1] + 180) % 360 - 180


def _in_order(arrays: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], path: Path) -> list[int]:
    """Where one's own places are among others."""
    places, wanted = list(arrays[PLACES]), list(own[PLACES])
    if sorted(places) != sorted(wanted):
        raise InputError(f"{path}: must have the places {', '.join(sorted(wanted))}; got {', '.join(sorted(places))}.")
    return [places.index(place) for place in wanted]


def _check(array: np.ndarray, shape: tuple[int, ...], kind: str, name: str) -> None:
    if array.shape != shape or array.dtype.kind != kind or not array.size:
        raise InputError(
            f"{name} must be {WORDS[kind]} {list(shape)}, by place and step; got {array.dtype} {list(array.shape)}."
        )

"""A study's observations, pictures or recorded stacks: their views for the network, and a picture for people."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict, cast

import numpy as np
from jaxtyping import Float, UInt8

from minetest_interp.io.errors import InputError
from minetest_interp.model import frames, recordings

PICTURE_WIDTH = 512  # pixels
COLOURS = ("red", "green", "blue")


class ObservationSettings(TypedDict):
    """How files are shown to the network.

    order, overlay, colour: as in `frames.views`. layout, array: as in `recordings.read`.
    """

    order: str
    overlay: Sequence[Sequence[float]]
    colour: bool
    layout: str
    array: str | None


class Observation(NamedTuple):
    """views: by name, `[H, W]` of a picture that is made grey, `[T, H, W]` of its colours or of a recorded stack.

    picture: for people. height, width: in pixels, as recorded.
    """

    name: str
    views: Mapping[str, Float[np.ndarray, "*frame row column"]]
    picture: UInt8[np.ndarray, "_ _ 3"]
    height: int
    width: int


def observation_settings(written: Mapping) -> ObservationSettings:
    """Those of a study's section `frames`, with the usual values where it has none."""
    usual = {"order": "notebook", "overlay": [], "colour": False, "layout": "NCHW", "array": None}
    return cast(ObservationSettings, {key: written.get(key, value) for key, value in usual.items()})


def observation_names(files: Sequence[Path], *, array: str | None) -> list[str] | None:
    """The names of all observations, in order; None while recorded stacks are yet to be fetched.

    Raises:
      InputError: a recorded stack has the name of another observation, or a file of them is no such file.
    """
    if any(recordings.is_recording(file) and not file.exists() for file in files):
        return None
    found: dict[str, Path] = {}
    for file in files:
        names = recordings.recorded_names(file, array=array) if recordings.is_recording(file) else [file.stem]
        for name in names:
            if name in found:
                raise InputError(f"{file}: its stack {name!r} must have a name of its own; {found[name]} has it.")
            found[name] = file
    return list(found)


def read(path: Path, stack: tuple[int, int, int], shown: ObservationSettings) -> Iterator[Observation]:
    """The observations in a file: a picture, or recorded stacks.

    Args:
      stack: what the network reads: frames or colours, height, width.

    Raises:
      InputError: the file is not one of pictures or stacks, or the network does not read what it holds.
    """
    if shown["colour"] and stack[0] != len(COLOURS):
        raise InputError(
            f"{path}: `frames.colour` must be of a network that reads {len(COLOURS)} colours; this one reads stacks of "
            f"{stack[0]}. Leave it out."
        )
    if recordings.is_recording(path):
        layout, array = shown["layout"], shown["array"]
        items = recordings.read(path, stack, layout=layout, array=array)
        for name, item in zip(recordings.recorded_names(path, array=array), items, strict=True):
            views = frames.stack_views(item, overlay=shown["overlay"])
            picture = frames.enlarge(visible(item, colour=shown["colour"]), side=PICTURE_WIDTH)
            yield Observation(name, views, frames.thumbnail(picture, width=PICTURE_WIDTH), *stack[1:])
    else:
        picture = frames.read(path)
        views = frames.views(
            picture, size=stack[1:], order=shown["order"], overlay=shown["overlay"], colour=shown["colour"]
        )
        yield Observation(path.stem, views, frames.thumbnail(picture, width=PICTURE_WIDTH), *picture.shape[:2])


def visible(stack: UInt8[np.ndarray, "frame row column"], *, colour: bool) -> UInt8[np.ndarray, "row column 3"]:
    """A stack as people see it: its colours, or its newest frame in grey."""
    return np.moveaxis(stack, 0, -1) if colour else stack[-1][..., None].repeat(3, -1)


def together(seen: Sequence[Observation]) -> dict[str, Float[np.ndarray, "observation *frame row column"]]:
    """Each view of all observations in one array; grey frames beside stacks are repeated, as the network reads them."""
    shape = max((each.views["original"].shape for each in seen), key=len)
    return {view: np.stack([np.broadcast_to(each.views[view], shape) for each in seen]) for view in frames.VIEWS}

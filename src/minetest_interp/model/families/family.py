"""What a family of networks gives, and what its members have in common: heads, sizes, and words for what is open."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from minetest_interp.io.errors import InputError
from minetest_interp.model import steps
from minetest_interp.model.architecture import Architecture, Layer
from minetest_interp.model.steps import PADDINGS, Dense, Shape

Shapes = Mapping[str, Shape]  # of a checkpoint's arrays, by path
LARGEST_SIDE = 1024


class Stated(NamedTuple):
    """What leaves no trace in parameters; None where the study does not say it.

    strides: of the convolutions, in order. padding: "VALID" or "SAME". size: (height, width) of a picture. activation:
    of `steps.FUNCTIONS`. scale: what pixels are divided by. atoms: how many returns each Q value is a mean over, and
    (lowest, highest) of them.
    """

    strides: tuple[int, ...] | None = None
    padding: str | None = None
    size: tuple[int, int] | None = None
    activation: str = "relu"
    scale: float = 255.0
    atoms: tuple[int, float, float] | None = None


class Read(NamedTuple):
    """names: for each name in the architecture's parameters, the path in the checkpoint before /kernel, /bias, ..."""

    architecture: Architecture
    names: Mapping[str, str]


class Family(NamedTuple):
    """recognises: whether a checkpoint's arrays are of this family. read: its network; raises InputError.

    A member that is not recognised may be asked for by name.
    """

    name: str
    recognises: Callable[[Shapes], bool]
    read: Callable[[Shapes, Stated, Path], Read]


def module_numbers(shapes: Shapes, prefix: str, kind: str) -> list[int]:
    """The numbers of the modules that Flax named `kind`_0, `kind`_1, ... right below a path."""
    pattern = re.compile(rf"{re.escape(prefix)}{kind}_(\d+)/")
    return sorted({int(match.group(1)) for match in map(pattern.match, shapes) if match})


def kernel(shapes: Shapes, path: str, rank: int, file: Path) -> Shape:
    """The shape of a module's kernel.

    Raises:
      InputError: there is none of this rank, or its bias has another width.
    """
    found = shapes.get(f"{path}/kernel")
    if found is None or len(found) != rank:
        raise InputError(f"{file}: {path}/kernel must be an array of rank {rank}; got {list(found or ()) or 'none'}.")
    bias = shapes.get(f"{path}/bias", found[-1:])
    if bias != found[-1:]:
        raise InputError(f"{file}: {path}/bias must have the shape [{found[-1]}], as its kernel; got {list(bias)}.")
    return found


class Heads(NamedTuple):
    """torso: the path before the torso's modules. heads, names: as in `Architecture` and `Read`. dense: how many of the
    torso's dense modules are layers and not heads."""

    torso: str
    heads: tuple[Dense, ...]
    names: dict[str, str]
    dense: int


def find_heads(shapes: Shapes, file: Path) -> Heads:
    """An actor and a critic in trees of their own, or Q values in the last dense module of the only tree.

    Raises:
      InputError: neither is there.
    """
    if any(path.startswith("1/") for path in shapes):
        trees = {"actor": "1/1/params", "critic": "1/2/params"}
        paths = {name: tree if f"{tree}/kernel" in shapes else f"{tree}/Dense_0" for name, tree in trees.items()}
        widths = {name: kernel(shapes, path, 2, file)[1] for name, path in paths.items()}
        if widths["critic"] != 1:
            raise InputError(f"{file}: {paths['critic']}/kernel must have one output; got {widths['critic']}.")
        heads = tuple(Dense(name, width) for name, width in widths.items())
        return Heads("1/0/params/", heads, paths, len(module_numbers(shapes, "1/0/params/", "Dense")))
    found = {match.group() for match in (re.match(r"(.*params/)", path) for path in shapes) if match}
    root = found.pop() if len(found) == 1 else ""
    numbers = module_numbers(shapes, root, "Dense")
    if not numbers:
        raise InputError(f"{file}: {root}Dense_0 must be there, for the Q values; got {sorted(shapes)[:6]}.")
    path = f"{root}Dense_{numbers[-1]}"
    below = {match.group(1) for match in (re.match(rf"{re.escape(root)}(\w+/|)Conv", each) for each in shapes) if match}
    torso = root + min(below, default="")
    inside = len(module_numbers(shapes, torso, "Dense")) - (torso == root)
    return Heads(torso, (Dense("q", kernel(shapes, path, 2, file)[1]),), {"q": path}, inside)


def fit(
    made: Callable[[tuple[int, int], str], Sequence[Layer] | None],
    channels: int,
    settings: Stated,
    inputs: int,
    file: Path,
) -> tuple[tuple[int, int], str]:
    """The one size and padding with which the last spatial layer has as many numbers as the dense one takes.

    Args:
      made: the spatial layers for a size and padding. channels: of the input. inputs: of the dense layer.

    Raises:
      InputError: none fits, or several do: which, and what to state.
    """
    paddings = (settings.padding,) if settings.padding else PADDINGS
    sizes = [settings.size] if settings.size else [(side, side) for side in range(1, LARGEST_SIDE + 1)]
    found = [(size, p) for size in sizes for p in paddings if _numbers(made(size, p), channels, size) == inputs]
    if len(found) == 1:
        return found[0]
    stated = f"{list(settings.size)} pixels" if settings.size else f"any square picture up to {LARGEST_SIDE} pixels"
    if not found:
        raise InputError(
            f"{file}: the dense layer takes {inputs} numbers, which {stated} cannot give with strides "
            f"{list(settings.strides or ())} and padding {' or '.join(paddings)}. Check `size`, `strides` "
            "and `padding` under `policy`."
        )
    open_ = "; ".join(_in_words(found, padding) for padding in PADDINGS if any(p == padding for _, p in found))
    lacking = "size" if settings.size is None else "padding"
    raise InputError(
        f"{file}: the parameters leave open what the network takes: {open_}. State it as `policy.{lacking}`."
    )


def _in_words(found: Sequence[tuple[tuple[int, int], str]], padding: str) -> str:
    sides = [size for size, each in found if each == padding]
    if len(sides) == 1:
        return f"{sides[0][0]}x{sides[0][1]} pixels with padding {padding}"
    return f"{sides[0][0]} to {sides[-1][0]} pixels with padding {padding}"


def _numbers(layers: Sequence[Layer] | None, channels: int, size: tuple[int, int]) -> int:
    shape: Shape = (channels, *size)
    for layer in layers or ():
        shape = steps.shape(layer.steps, shape)
        if min(shape) < 1:
            return 0
    return math.prod(shape)

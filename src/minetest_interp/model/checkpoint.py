"""Files to policies: every array of a checkpoint is accounted for, and what it leaves open must be stated."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import flax.serialization
import numpy as np

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import formats, modules
from minetest_interp.model.architecture import Architecture
from minetest_interp.model.families.family import Family, Read, Shapes, Stated
from minetest_interp.model.families.registry import FAMILIES
from minetest_interp.model.policy import Geometry, Policy, Sizes, nature
from minetest_interp.model.steps import Convolution, Dense

LARGEST_LAYER = 2**24  # numbers; few parameters can make a layer that fills any memory
MOST_ATOMS = 1000
# Where `save` puts each layer: the number of its tree, and the name that Flax gives it.
STORED = {
    "conv0": ("0", "Conv_0"),
    "conv1": ("0", "Conv_1"),
    "conv2": ("0", "Conv_2"),
    "hidden": ("0", "Dense_0"),
    "actor": ("1", "Dense_0"),
    "critic": ("2", "Dense_0"),
}


class Checkpoint(NamedTuple):
    """policy: network and parameters. args: the training settings, as saved. sha256: of the file, in hex."""

    policy: Policy
    args: Mapping[str, object]
    sha256: str


def load(
    path: Path,
    *,
    family: str | None = None,
    strides: Sequence[int] | None = None,
    padding: str | None = None,
    size: int | Sequence[int] | None = None,
    activation: str | None = None,
    scale: float | None = None,
    ignore: Iterable[str] = (),
    module: Path | str | None = None,
    **of_module: Any,
) -> Checkpoint:
    """Reads and checks a checkpoint in one of the formats of `formats`.

    Its network is of one of the families of `registry`, or a person's own; then the file `module` is run.

    Args:
      family: its name, where the arrays' names do not tell it.
      strides: of the convolutions, in order; those of the Nature CNN if it has that one's kernels. padding: "VALID" or
        "SAME". size: height and width of a picture in pixels, or one number for both. Needed where the parameters
        leave them open: they leave no trace of their own.
      activation, scale: the function between layers ("relu"), and what pixels are divided by (255; 1 for a module);
        they leave no trace at all.
      ignore: paths of arrays, or of modules, that the network does not use.
      module: the Python file of a network of one's own. of_module: `class`, its name there, and options of
        `modules.load`.

    Raises:
      InputError: not a checkpoint, an array that the network does not know or lacks or that has another shape, or
        something that the parameters leave open.
    """
    stored = formats.read(path)
    kept = _without(ignore, stored.arrays, path)
    shapes = {name: array.shape for name, array in kept.items()}
    sides = None if size is None else (size, size) if isinstance(size, int) else (size[0], size[1])
    if module is None:
        if of_module:
            raise InputError(f"{path}: {', '.join(of_module)} must come with `policy.module`, which is not stated.")
        atoms, given = _atoms(stored.args, path), None if strides is None else tuple(strides)
        divisor = 255.0 if scale is None else scale
        settings = Stated(given, padding, sides, activation or "relu", divisor, atoms)
        of_family, names = _family(shapes, family, path).read(shapes, settings, path)
        network: Sizes = as_geometry(of_family) or of_family
    else:
        needless = {"family": family, "strides": strides, "padding": padding, "activation": activation}
        read = _own(Path(module), needless, {"size": sides, "scale": scale, **of_module})
        network, names = read.architecture, modules.find_names(read, shapes)
    params = _account(kept, Policy(network, {}).architecture, names, path)
    return Checkpoint(Policy(network, params), stored.args, stored.sha256)


def as_geometry(network: Architecture) -> Geometry | None:
    """The sizes of a network that is CleanRL's Atari agent; None of any other."""
    steps = [step for layer in network.layers for step in layer.steps]
    convolutions = [step for step in steps if isinstance(step, Convolution)]
    dense = [step for step in steps if isinstance(step, Dense)]
    if len(convolutions) != 3 or len(dense) != 1:
        return None
    a, b, c = convolutions
    geometry = Geometry(
        network.frames, network.stack[1], (a.features, b.features, c.features), (a.kernel[0], b.kernel[0], c.kernel[0]),
        (a.strides[0], b.strides[0], c.strides[0]), dense[0].features, network.heads[0].features,
    )  # fmt: skip
    return geometry if nature(geometry) == network else None


def save(path: Path, policy: Policy, args: Mapping[str, object]) -> None:
    """Writes a checkpoint that `load` reads; the file appears whole or not at all."""
    trees: tuple[dict, dict, dict] = ({}, {}, {})
    for name, (tree, stored) in STORED.items():
        trees[int(tree)][stored] = {key: np.asarray(array) for key, array in policy.params[name].items()}
    state = {"0": dict(args), "1": {str(i): {"params": tree} for i, tree in enumerate(trees)}}
    files.write(path, lambda beside: beside.write_bytes(flax.serialization.msgpack_serialize(state)))


def _atoms(args: Mapping[str, object], path: Path) -> tuple[int, float, float] | None:
    """How many returns each Q value of C51 is a mean over, the lowest and the highest, as CleanRL saves them."""
    if "n_atoms" not in args:
        return None
    count, lowest, highest = (args.get(key) for key in ("n_atoms", "v_min", "v_max"))
    match count, lowest, highest:
        case int(), int() | float(), int() | float() if (
            2 <= count <= MOST_ATOMS and -np.inf < lowest < highest < np.inf
        ):
            return count, float(lowest), float(highest)
    raise InputError(
        f"{path}: its settings n_atoms, v_min and v_max must be a number of returns from 2 to {MOST_ATOMS}, the lowest "
        f"and the highest of them; got {count!r}, {lowest!r} and {highest!r}."
    )


def _without(ignored: Iterable[str], arrays: Mapping[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    ignored = tuple(ignored)
    for each in ignored:
        if not any(_is_below(name, (each,)) for name in arrays):
            raise InputError(f"{path}: `policy.ignore` must name arrays of the checkpoint; there is no {each}.")
    return {name: array for name, array in arrays.items() if not _is_below(name, ignored)}


def _own(file: Path, needless: Mapping[str, object], settings: Mapping[str, Any]) -> Read:
    """The network of a person's file. needless: what the file says itself, None where it is not stated."""
    if stated := [f"`{key}`" for key, value in needless.items() if value is not None]:
        raise InputError(f"{file}: the file says {', '.join(stated)} itself; leave it out of `policy`.")
    options = {key: value for key, value in settings.items() if value is not None}
    if lacking := [f"`{key}`" for key in ("class", "size", "frames") if key not in options]:
        raise InputError(f"{file}: `policy` must state {', '.join(lacking)} of a network of one's own; it does not.")
    return modules.load(file, options.pop("class"), **options)


def _is_below(name: str, paths: Iterable[str]) -> bool:
    return any(name == path or name.startswith(f"{path}/") for path in paths)


def _family(shapes: Shapes, asked: str | None, path: Path) -> Family:
    if asked is not None and asked not in FAMILIES:
        raise InputError(f"{path}: `policy.family` must be one of {', '.join(FAMILIES)}; got {asked!r}.")
    chosen = [FAMILIES[asked]] if asked else [family for family in FAMILIES.values() if family.recognises(shapes)]
    if not chosen:
        raise InputError(
            f"{path}: its arrays must be those of a family ({', '.join(FAMILIES)}), with Conv_0 or ConvSequence_0; "
            f"they begin {', '.join(sorted(shapes)[:3])}."
        )
    return chosen[0]


def _account(
    arrays: Mapping[str, np.ndarray], network: Architecture, names: Mapping[str, str], path: Path
) -> dict[str, dict[str, np.ndarray]]:
    """The arrays under the network's names.

    Args:
      names: for each name in the network's parameters, the path in the checkpoint before /kernel, /bias, ...

    Raises:
      InputError: one is unknown, missing or misshapen (names the first), or a layer would be too large.
    """
    for target in network.targets:
        if (numbers := math.prod(network.shape(target))) > LARGEST_LAYER:
            raise InputError(
                f"{path}: {target} must have at most {LARGEST_LAYER:,} numbers a picture; got {numbers:,}. Check "
                "`policy.strides` and `policy.size`."
            )
    needed = network.parameters()
    where = {f"{names[name]}/{key}".lstrip("/"): (name, key) for name, shapes in needed.items() for key in shapes}
    for stored in sorted(arrays):
        if stored not in where:
            raise InputError(
                f"{path}: {stored} is not a part of the network that the other arrays make; that network would be "
                "another one without it. If it is not used, name it under `policy.ignore`."
            )
    params: dict[str, dict[str, np.ndarray]] = {name: {} for name in needed}
    for stored, (name, key) in where.items():
        if stored not in arrays:
            raise InputError(f"{path}: {stored} is missing; it must have the shape {list(needed[name][key])}.")
        if arrays[stored].shape != needed[name][key]:
            raise InputError(
                f"{path}: {stored} must have the shape {list(needed[name][key])}; got {list(arrays[stored].shape)}."
            )
        params[name][key] = arrays[stored]
    return params

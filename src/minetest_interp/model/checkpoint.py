"""Bytes to a policy; the only place that knows the checkpoint's format and the names inside it.

A checkpoint is flax msgpack of `(args, (network, actor, critic))`, as CleanRL's PPO scripts save it: maps keyed
"0", "1", "2" for the tuples, and `params/Conv_0..2`, `params/Dense_0` for the layers.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import flax.serialization
import numpy as np

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model.policy import TARGETS, Geometry, Policy

# our layer name -> (index of the parameter tree, flax's automatic name)
STORED = {
    "conv0": ("0", "Conv_0"),
    "conv1": ("0", "Conv_1"),
    "conv2": ("0", "Conv_2"),
    "hidden": ("0", "Dense_0"),
    "actor": ("1", "Dense_0"),
    "critic": ("2", "Dense_0"),
}
# Frame sizes in common use. Several input sizes give the same parameter shapes (60 to 67 pixels for the
# Minetester policy); the first of these that fits is taken.
USUAL_SIZES = (64, 84, 96, 128)
LIMIT_BYTES = 256 * 2**20
LARGEST_LAYER = 2**24  # numbers; few parameters can make a layer that fills any memory


class Checkpoint(NamedTuple):
    """policy: geometry and parameters. args: the training settings, as saved. sha256: of the file, in hex."""

    policy: Policy
    args: Mapping[str, object]
    sha256: str


def load(path: Path, *, strides: Sequence[int] = (4, 2, 1), size: int | None = None) -> Checkpoint:
    """Reads and checks a checkpoint.

    Args:
      strides: of the three convolutions; they leave no trace in the parameters.
      size: height and width of a frame in pixels, where the usual one that fits is not the right one.

    Raises:
      InputError: not a checkpoint of this kind, or its parameters do not fit together or are not finite.
    """
    data = _read(path)
    tree = _restore(data, path)
    args, arrays = _arrays(tree, path)
    return Checkpoint(Policy(_geometry(arrays, strides, size, path), arrays), args, hashlib.sha256(data).hexdigest())


def save(path: Path, policy: Policy, args: Mapping[str, object]) -> None:
    """Writes a checkpoint that `load` reads; the file appears whole or not at all."""
    trees: tuple[dict, dict, dict] = ({}, {}, {})
    for name, (tree, stored) in STORED.items():
        trees[int(tree)][stored] = {key: np.asarray(array) for key, array in policy.params[name].items()}
    state = {"0": dict(args), "1": {str(i): {"params": tree} for i, tree in enumerate(trees)}}
    files.write(path, lambda beside: beside.write_bytes(flax.serialization.msgpack_serialize(state)))


def _read(path: Path) -> bytes:
    return files.read_bytes(path, what="a checkpoint", limit=LIMIT_BYTES, advice="Check `policy.checkpoint`.")


def _restore(data: bytes, path: Path) -> object:
    advice = "Give a file written by flax.serialization.to_bytes((args, (network, actor, critic)))."
    if not data:
        raise InputError(f"{path}: the checkpoint is empty (0 bytes). {advice}")
    if data[0] == 0x80 and data[1:2] and 2 <= data[1] <= 5:
        raise InputError(
            f"{path}: a checkpoint must be flax msgpack; this is a Python pickle, which is never opened. {advice}"
        )
    if data[:2] == b"PK":
        raise InputError(f"{path}: a checkpoint must be flax msgpack; this is a zip archive (npz or torch). {advice}")
    try:
        return flax.serialization.msgpack_restore(data)
    except Exception as error:  # hostile bytes raise nearly anything in here
        raise InputError(
            f"{path}: not whole flax msgpack ({type(error).__name__} after {len(data)} bytes). {advice}"
        ) from error


def _arrays(tree: object, path: Path) -> tuple[Mapping, dict[str, dict[str, np.ndarray]]]:
    if not isinstance(tree, dict) or set(tree) != {"0", "1"} or not isinstance(tree["0"], dict | None):
        raise InputError(
            f"{path}: must hold (args, (network, actor, critic)) under the keys '0' and '1'; got {_outline(tree)}."
        )
    arrays = {}
    for name, (index, stored) in STORED.items():
        where = f"1/{index}/params/{stored}"
        node = tree["1"]
        for key in (index, "params", stored):
            node = node.get(key) if isinstance(node, dict) else None
        rank = 4 if name.startswith("conv") else 2
        if not isinstance(node, dict) or set(node) != {"kernel", "bias"}:
            raise InputError(f"{path}: {where} must hold a kernel and a bias (our {name!r}); got {_outline(node)}.")
        found = {}
        for key, ndim in (("kernel", rank), ("bias", 1)):
            array = node[key]
            if not isinstance(array, np.ndarray) or array.ndim != ndim or array.dtype.kind != "f" or not array.size:
                raise InputError(f"{path}: {where}/{key} must be a float array of rank {ndim}; got {_outline(array)}.")
            with np.errstate(over="ignore"):
                found[key] = array.astype(np.float32)
            if bad := int((~np.isfinite(found[key])).sum()):
                raise InputError(
                    f"{path}: {where}/{key} must be finite; {bad} of {array.size} numbers are not. Use an earlier save."
                )
        outputs, biases = found["kernel"].shape[-1], len(found["bias"])
        if biases != outputs:
            raise InputError(f"{path}: {where} must have one bias per output ({outputs}); got {biases}.")
        arrays[name] = found
    return {str(key): value for key, value in (tree["0"] or {}).items()}, arrays


def _geometry(
    arrays: Mapping[str, Mapping[str, np.ndarray]], strides: Sequence[int], size: int | None, path: Path
) -> Geometry:
    kernels = [arrays[f"conv{i}"]["kernel"] for i in range(3)]
    hidden, actor, critic = (arrays[name]["kernel"] for name in ("hidden", "actor", "critic"))
    for i, kernel in enumerate(kernels):
        if kernel.shape[0] != kernel.shape[1]:
            raise InputError(f"{path}: conv{i} must have a square kernel; got {kernel.shape[0]}x{kernel.shape[1]}.")
        if i and kernel.shape[2] != kernels[i - 1].shape[3]:
            raise InputError(
                f"{path}: conv{i} must take the {kernels[i - 1].shape[3]} channels of conv{i - 1}; "
                f"got {kernel.shape[2]}."
            )
    for name, head, width in (("actor", actor, None), ("critic", critic, 1)):
        if head.shape[0] != hidden.shape[1] or (width and head.shape[1] != width):
            raise InputError(
                f"{path}: {name} must be [{hidden.shape[1]}, {width or 'actions'}]; got {list(head.shape)}."
            )
    geometry = Geometry(
        frames=kernels[0].shape[2],
        channels=tuple(k.shape[3] for k in kernels),
        kernels=tuple(k.shape[0] for k in kernels),
        strides=(strides[0], strides[1], strides[2]),
        hidden=hidden.shape[1],
        actions=actor.shape[1],
    )

    def fits(pixels: int) -> bool:
        sides = geometry._replace(size=pixels).sides
        return min(sides) > 0 and sides[-1] ** 2 * geometry.channels[-1] == hidden.shape[0]

    fitting = [pixels for pixels in range(1, 1025) if fits(pixels)]
    if size is not None:
        fitting = [pixels for pixels in fitting if pixels == size]
    if not fitting:
        asked = f"frames of {size}x{size}" if size else "any square frame up to 1024 pixels"
        raise InputError(
            f"{path}: the hidden layer takes {hidden.shape[0]} inputs, which {asked} cannot give with strides "
            f"{list(strides)} and {geometry.channels[-1]} channels. Check `policy.strides` and `policy.size`."
        )
    geometry = geometry._replace(size=next((s for s in USUAL_SIZES if s in fitting), fitting[0]))
    for layer in TARGETS:
        if (numbers := math.prod(geometry.shape(layer))) > LARGEST_LAYER:
            raise InputError(
                f"{path}: {layer} must have at most {LARGEST_LAYER:,} numbers a frame; got {numbers:,}. Check "
                "`policy.strides` and `policy.size`."
            )
    return geometry


def _outline(node: object) -> str:
    """What a piece of a checkpoint is, in a few words."""
    if isinstance(node, np.ndarray):
        return f"{node.dtype} {list(node.shape)}"
    if isinstance(node, dict):
        return f"a map with {sorted(map(str, node))[:6]}"
    return "nothing" if node is None else type(node).__name__

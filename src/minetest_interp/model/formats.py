"""Files to arrays by name: the only place that knows what other projects' checkpoints look like.

| content | arrays | settings |
|---|---|---|
| Flax msgpack of `(args, trees)` (CleanRL and Cleanba, PPO) | `1/...` | `0` |
| Flax msgpack of `{"model_weights", "args"}` (CleanRL, C51) | `model_weights/...` | `args` |
| Flax msgpack of `{"params"}`, or of a TrainState, whose optimiser is left out | `params/...` | none |
| safetensors, keys joined by commas, dots or slashes (purejaxql) | as joined | its metadata |
| a folder of orbax: a tree of arrays, or a TrainState, whose optimiser is left out | as in the tree | none |
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import flax.serialization
import jax
import ml_dtypes
import numpy as np

from minetest_interp.io import files
from minetest_interp.io.errors import InputError

LIMIT_BYTES = 256 * 2**20
LARGEST_HEADER = 2**20
ORBAX = "_METADATA"  # the file by which a folder that orbax saved is known
TRAIN_STATE = {"step", "params", "opt_state"}  # and what its subclasses add
FLOATS = {
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
ADVICE = "Give Flax msgpack, as flax.serialization.to_bytes writes it, safetensors, or a folder of orbax."
EXPORT = (
    "Export it where it was trained: import flax; "
    "open('agent.model', 'wb').write(flax.serialization.to_bytes({'params': params}))"
)
FOREIGN = {
    b"\x1f\x8b": "gzip; unpack it",
    b"\x89HDF\r\n\x1a\n": f"HDF5. {EXPORT}",
    b"PK": f"a zip archive (npz, torch or Stable-Baselines). {EXPORT}",
    b"version https://git-lfs": "a pointer of Git LFS and not the file itself; run `git lfs pull`",
    b"<!DOCTYPE": "an HTML page; download the file itself",
    b"<html": "an HTML page; download the file itself",
}


class Stored(NamedTuple):
    """arrays: by their paths in the file, parts joined by slashes. args: the training settings, as saved."""

    arrays: dict[str, np.ndarray]
    args: Mapping[str, object]
    sha256: str


def read(path: Path) -> Stored:
    """Reads a checkpoint's arrays, float32.

    Raises:
      InputError: the file is none of the formats above, or holds something else than finite floating-point arrays.
    """
    if path.is_dir():
        arrays = {name: _float32(array, name, path) for name, array in _orbax(path).items()}
        return Stored(arrays, {}, files.sha256(path))
    data = files.read_bytes(path, what="a checkpoint", limit=LIMIT_BYTES, advice="Check `policy.checkpoint`.")
    if not data:
        raise InputError(f"{path}: the checkpoint is empty (0 bytes). {ADVICE}")
    if data[0] == 0x80 and data[1:2] and 2 <= data[1] <= 5:
        raise InputError(f"{path}: this is a Python pickle, which is never opened. {EXPORT}")
    for start, kind in FOREIGN.items():
        if data.startswith(start):
            raise InputError(f"{path}: a checkpoint must be Flax msgpack or safetensors; this is {kind}.")
    found, args = _safetensors(data, path) if data[8:9] == b"{" else _msgpack(data, path)
    arrays = {name: _float32(array, name, path) for name, array in found.items()}
    return Stored(arrays, args, hashlib.sha256(data).hexdigest())


def _msgpack(data: bytes, path: Path) -> tuple[dict[str, object], Mapping]:
    try:
        tree = flax.serialization.msgpack_restore(data)
    except Exception as error:  # hostile bytes raise nearly anything in here
        raise InputError(
            f"{path}: not whole flax msgpack ({type(error).__name__} after {len(data)} bytes). {ADVICE}"
        ) from error
    args: object = None
    if isinstance(tree, dict) and set(tree) == {"0", "1"}:
        args, tree = tree["0"], {"1": tree["1"]}
    elif isinstance(tree, dict) and set(tree) == {"model_weights", "args"}:
        args, tree = tree["args"], {"model_weights": tree["model_weights"]}
    elif isinstance(tree, dict) and set(tree) >= TRAIN_STATE:
        tree = {"params": tree["params"]}
    elif not isinstance(tree, dict) or set(tree) != {"params"}:
        raise InputError(
            f"{path}: must hold (args, trees) under '0' and '1', or 'params', or 'model_weights' and 'args'; got "
            f"{outline(tree)}. {ADVICE}"
        )
    if not isinstance(args, dict | None):
        raise InputError(f"{path}: its settings must be a map; got {outline(args)}.")
    return dict(_flatten(tree)), {str(key): value for key, value in (args or {}).items()}


def _flatten(tree: object) -> Iterator[tuple[str, object]]:
    waiting = [("", tree)]  # not by recursion: a hostile file may be deep
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, dict):
            waiting += [(f"{path}/{key}" if path else str(key), part[key]) for key in part]
        else:
            yield path, part


def _safetensors(data: bytes, path: Path) -> tuple[Mapping[str, object], Mapping]:
    size = int.from_bytes(data[:8], "little")
    try:
        if size > min(LARGEST_HEADER, len(data) - 8):
            raise ValueError(f"a header of {size} bytes")
        header = json.loads(data[8 : 8 + size])
        args = header.pop("__metadata__", {})
        body, found = memoryview(data)[8 + size :], {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            kind, shape = FLOATS[entry["dtype"]], entry["shape"]
            found[re.sub("[,.]", "/", name)] = np.frombuffer(body[begin:end], kind).reshape(shape)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: not whole safetensors of floating-point arrays ({error!r}). {ADVICE}") from None
    return found, args if isinstance(args, dict) else {}


def _orbax(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a folder that `orbax.checkpoint` saved."""
    import orbax.checkpoint as orbax  # takes a second, and few need it

    if not (folder / ORBAX).is_file():
        below = sorted(file.parent.name for file in folder.glob(f"*/{ORBAX}"))
        advice = f"Name {' or '.join(below)} in it." if below else "Check `policy.checkpoint`."
        raise InputError(f"{folder}: a folder must be one that orbax saved, with {ORBAX}; it has none. {advice}")
    parts = [files.within(folder, file, key=f"{folder}: a file of a checkpoint") for file in files.below(folder)]
    _check_size(sum(file.stat().st_size for file in parts), folder)
    for file in parts:
        files.read(file)
    reader, place = orbax.PyTreeCheckpointer(), folder.resolve()
    try:
        tree = reader.metadata(place).item_metadata.tree
        if isinstance(tree, dict) and set(tree) >= TRAIN_STATE:
            tree = {"params": tree["params"]}
        _check_size(sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree)), folder)
        as_numpy = jax.tree.map(lambda leaf: orbax.RestoreArgs(restore_type=np.ndarray), tree)
        restored = reader.restore(place, args=orbax.args.PyTreeRestore(tree, as_numpy, partial_restore=True))
    except InputError:
        raise
    except Exception as error:  # hostile bytes raise nearly anything in here
        raise InputError(f"{folder}: not whole orbax of arrays alone ({type(error).__name__}). {ADVICE}") from error
    names = {
        jax.tree_util.keystr(path, simple=True, separator="/"): array
        for path, array in jax.tree.leaves_with_path(restored)
    }
    return {name.removesuffix("/value"): array for name, array in names.items()}  # as nnx has its variables


def _check_size(size: int, folder: Path) -> None:
    if size > LIMIT_BYTES:
        raise InputError(
            f"{folder}: a checkpoint must have at most {LIMIT_BYTES} bytes; got {size}. Give a smaller one."
        )


def _float32(array: object, name: str, path: Path) -> np.ndarray:
    floating = isinstance(array, np.ndarray) and (array.dtype.kind == "f" or array.dtype == ml_dtypes.bfloat16)
    if not isinstance(array, np.ndarray) or not floating or not array.size:
        raise InputError(f"{path}: {name} must be an array of floating-point numbers; got {outline(array)}.")
    with np.errstate(over="ignore"):
        found = array.astype(np.float32)
    if bad := int((~np.isfinite(found)).sum()):
        raise InputError(f"{path}: {name} must be finite; {bad} of {array.size} numbers are not. Use an earlier save.")
    return found


def outline(node: object) -> str:
    """What a piece of a checkpoint is, in a few words."""
    if isinstance(node, np.ndarray):
        return f"{node.dtype} {list(node.shape)}"
    if isinstance(node, dict):
        return f"a map with {sorted(map(str, node))[:6]}"
    return "nothing" if node is None else type(node).__name__

"""Recorded stacks: what an environment gave its policy, uint8, in `.npy` files or `.npz` files.

A file holds N stacks of T frames or colours, `[N, T, H, W]`, or one, `[T, H, W]`; where the layout is NHWC,
`[N, H, W, T]` or `[H, W, T]`. One stack is named by the file's stem, the items of many `stem-0000`, `stem-0001`, ...
"""

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from jaxtyping import UInt8

from minetest_interp.io import files
from minetest_interp.io.errors import InputError

LAYOUTS = ("NCHW", "NHWC")
LIMIT_BYTES = 2**26  # of a file, and of the array in it
LIMIT_HEADER = 512  # characters; Python's parser takes more memory than it should for longer ones
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # as numpy writes them
DIGITS = 4  # of a stack's number, at least


class Header(NamedTuple):
    """What a `.npy` file says of its array: its shape, and whether the first axis is the fastest."""

    shape: tuple[int, ...]
    fortran: bool


def is_recording(path: Path) -> bool:
    """Whether a file is one of stacks, by its extension."""
    return path.suffix.lower() in (".npy", ".npz")


def recorded_names(path: Path, *, array: str | None = None) -> list[str]:
    """The names of a file's stacks, for which no more than its header is read.

    Args:
      array: the name of the array, for `.npz` files that hold several.

    Raises:
      InputError: not a whole `.npy` or `.npz` file with such an array.
    """
    with _opened(path, array) as (header, _):
        count = 1 if len(header.shape) == 3 else header.shape[0]
    digits = max(DIGITS, len(str(count - 1)))
    return [path.stem] if count == 1 else [f"{path.stem}-{index:0{digits}}" for index in range(count)]


def read(
    path: Path, stack: tuple[int, int, int], *, layout: str = "NCHW", array: str | None = None
) -> UInt8[np.ndarray, "item frame row column"]:
    """The stacks of a file, in the order in which they lie in it.

    Args:
      stack: what the network reads: frames or colours, height, width.
      layout: "NCHW" or "NHWC", of the file. array: as in `recorded_names`.

    Raises:
      InputError: as there; or stacks that the network does not read.
    """
    with _opened(path, array) as ((shape, fortran), file):
        _check_shape(shape, stack, layout, path)
        numbers = np.frombuffer(file.read(math.prod(shape)), np.uint8)
        found = numbers.reshape(shape, order="F" if fortran else "C")
    files.read(path)
    items = found if found.ndim == 4 else found[None]
    return np.moveaxis(items, -1, 1) if layout == "NHWC" else items


@contextmanager
def _opened(path: Path, array: str | None) -> Iterator[tuple[Header, IO[bytes]]]:
    """The header of a recording's array, and the file that its numbers come next of; what is damaged is refused."""
    if not path.is_file():
        raise InputError(f"{path}: there must be a file of stacks at this path; there is none. Restore it.")
    if path.stat().st_size > LIMIT_BYTES:
        raise InputError(f"{path}: a file of stacks must have at most {LIMIT_BYTES} bytes; got more. Divide it.")
    try:
        with path.open("rb") if path.suffix.lower() == ".npy" else _archived(path, array) as file:
            if (version := np.lib.format.read_magic(file)) != (1, 0):
                raise InputError(
                    f"{path}: must be of version 1.0 of the format, as numpy.save writes it; got {version}."
                )
            shape, fortran, kind = np.lib.format.read_array_header_1_0(file, max_header_size=LIMIT_HEADER)
            _check_array(shape, kind, path)
            yield Header(shape, fortran), file
    except InputError:
        raise
    except Exception as error:  # damaged bytes raise nearly anything in a reader
        raise InputError(
            f"{path}: must be a whole .npy or .npz file; got {type(error).__name__}: {error}. Save it again."
        ) from error


@contextmanager
def _archived(path: Path, array: str | None) -> Iterator[IO[bytes]]:
    """The `.npy` file of an archive's one array, or of the one that is named."""
    with zipfile.ZipFile(path) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        listed = ", ".join(members) or "none"
        if array is None and len(members) != 1:
            raise InputError(f"{path}: must hold one array; it has {listed}. Name one under `frames.array`.")
        name = next(iter(members)) if array is None else array
        if name not in members:
            raise InputError(f"{path}: must hold the array {name!r} of `frames.array`; it has {listed}.")
        if members[name].compress_type not in PACKED:
            raise InputError(f"{path}: must be compressed as numpy does. Save it with numpy.savez_compressed.")
        with archive.open(members[name]) as file:
            yield file


def _check_array(shape: tuple[int, ...], kind: np.dtype, path: Path) -> None:
    if kind != np.uint8:
        raise InputError(f"{path}: stacks must be uint8, levels 0 to 255; got {kind}. Save them as they were observed.")
    if len(shape) not in (3, 4) or min(shape) < 1 or math.prod(shape) > LIMIT_BYTES:
        raise InputError(
            f"{path}: must hold stacks [N, T, H, W] or one [T, H, W] of at most {LIMIT_BYTES} numbers; "
            f"got {list(shape)}."
        )


def _check_shape(shape: tuple[int, ...], stack: tuple[int, int, int], layout: str, path: Path) -> None:
    frames, height, width = stack
    fitting = {"NCHW": stack, "NHWC": (height, width, frames)}
    if shape[-3:] == fitting[layout]:
        return
    other = next((name for name in LAYOUTS if shape[-3:] == fitting[name]), None)
    advice = f"Set `frames.layout` to {other}." if other else "Check `policy.size`, or record them again."
    raise InputError(
        f"{path}: a stack must be {list(fitting[layout])}, as the network reads it ({layout[1:]}); "
        f"got {list(shape[-3:])}. {advice}"
    )

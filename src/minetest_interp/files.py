"""Writing results: beside the target, then renamed, so that a file is whole or absent. Same content, same bytes."""

import errno
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from minetest_interp.errors import InputError

# What a machine may refuse, whatever is written: no room, no more of it for this user, a disk or folder to read only.
REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


def write(path: Path, fill: Callable[[Path], None]) -> None:
    """Lets `fill` write a file beside `path`, then puts it in place.

    Raises:
      InputError: the disk is full or must not be written to.
    """
    beside = path.with_name(f".{path.name}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fill(beside)
        beside.replace(path)
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        raise InputError(
            f"{path}: must be a file that can be written; {error.strerror}. Make room or give leave, and run again."
        ) from error
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def write_text(path: Path, text: str) -> None:
    write(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def write_json(path: Path, content: object) -> None:
    """JSON with stable layout; NaN is refused, since readers in other languages would choke on it."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """An npz of named arrays; numpy stamps its entries with 1980, so equal arrays give equal bytes."""
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    write(path, lambda beside: np.savez(beside, **arrays))


def array_names(path: Path) -> list[str]:
    """The names of an npz's arrays."""
    with np.load(path, allow_pickle=False) as stored:
        return stored.files


def read_arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    """The named arrays of an npz, all if none is named; the rest of the file is not read."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in names or stored.files}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

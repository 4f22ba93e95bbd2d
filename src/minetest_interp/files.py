"""Writing results: beside the target, then renamed, so that a file is whole or absent. Same content, same bytes."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

# SHA-256 of each file that this process read, and of each that it wrote, as it was when it was put in place.
READ: dict[Path, str] = {}
WRITTEN: dict[Path, str] = {}


def write(path: Path, fill: Callable[[Path], None]) -> None:
    """Lets `fill` write a file beside `path`, then puts it in place and notes its digest in `WRITTEN`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part{path.suffix}")
    try:
        fill(beside)
        digest = sha256(beside)
        beside.replace(path)
        WRITTEN[path] = digest
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def write_text(path: Path, text: str) -> None:
    write(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def json_text(content: object) -> str:
    """JSON with stable layout; NaN is refused, since readers in other languages would choke on it."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, content: object) -> None:
    write_text(path, json_text(content))


def read(path: Path) -> Path:
    """Notes in `READ` that a file is about to be read, and gives its path."""
    READ[path] = sha256(path)
    return path


def read_json(path: Path):
    return json.loads(read(path).read_text(encoding="utf-8"))


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
    with np.load(read(path), allow_pickle=False) as stored:
        return {name: stored[name] for name in names or stored.files}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

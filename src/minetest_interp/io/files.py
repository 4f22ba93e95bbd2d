"""Writing results: beside the target, then renamed, so that a file is whole or absent. Same content, same bytes.

And reading what others made: regular files of bounded size, and none outside the folder that it should lie in.
"""

import errno
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import ArrayLike

from minetest_interp.io.errors import InputError

LIMIT_BYTES = 2**24  # of a checksum file

# SHA-256 of each file that this process read, and of each that it wrote, as it was when it was put in place.
READ: dict[Path, str] = {}
WRITTEN: dict[Path, str] = {}

# Why a machine may refuse to write, whatever it is: full disk, exhausted quota, read-only disk or folder.
REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


def write(path: Path, fill: Callable[[Path], object]) -> None:
    """Lets `fill` write a file beside `path`, then puts it in place and notes its digest in `WRITTEN`.

    Raises:
      InputError: the disk is full or must not be written to.
    """
    beside = path.with_name(f".{path.name}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fill(beside)
        digest = sha256(beside)
        beside.replace(path)
        WRITTEN[path] = digest
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        raise InputError(
            f"{path}: must be a file that can be written; {error.strerror}. Free disk space or grant write permission, "
            "then run again."
        ) from error
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


def write_arrays(path: Path, **arrays: ArrayLike) -> None:
    """An npz of named arrays; numpy stamps its entries with 1980, so equal arrays give equal bytes."""
    named = {name: np.asarray(array) for name, array in arrays.items()}
    write(path, lambda beside: np.savez(beside, allow_pickle=False, **named))


def write_compressed(path: Path, **arrays: ArrayLike) -> None:
    """As `write_arrays`, smaller and slower."""
    named = {name: np.asarray(array) for name, array in arrays.items()}
    write(path, lambda beside: np.savez_compressed(beside, allow_pickle=False, **named))


def array_names(path: Path) -> list[str]:
    """The names of an npz's arrays."""
    with np.load(path, allow_pickle=False) as stored:
        return stored.files


def read_arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    """The named arrays of an npz, all if none is named; the rest of the file is not read."""
    with np.load(read(path), allow_pickle=False) as stored:
        return {name: stored[name] for name in names or stored.files}


def below(path: Path) -> list[Path]:
    """The files of a folder and of those in it, in the order of their paths; of a file, itself."""
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def sha256(path: Path) -> str:
    """The digest of a file; of a folder, that of its files' digests and paths, a line each as `sha256sum` writes it."""
    if path.is_dir():
        lines = [f"{sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in below(path)]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_bytes(path: Path, *, what: str, limit: int, advice: str) -> bytes:
    """A regular file's content, whose digest is noted in `READ`.

    Args:
      what: the file must be, such as "a YAML file". limit: bytes. advice: what to do where there is none.

    Raises:
      InputError: no such file, one that cannot be read, or more than `limit`.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: there must be {what} at this path; there is none. {advice}")
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path}: must be {what} that can be read; {error.strerror}. {advice}") from None
    if len(content) > limit:
        raise InputError(f"{path}: {what} must have at most {limit} bytes; got more. Give a smaller one.")
    READ[path] = hashlib.sha256(content).hexdigest()
    return content


def read_npz(path: Path, *, limit: int, advice: str) -> dict[str, np.ndarray]:
    """The arrays of an npz that somebody else wrote.

    Raises:
      InputError: as `read_bytes`; or the file is no npz of numbers and text, or holds more than `limit` bytes.
    """
    data = read_bytes(path, what="an npz", limit=limit, advice=advice)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > limit:
                raise ValueError(f"more than {limit} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except Exception as error:  # hostile bytes raise nearly anything in here
        raise InputError(f"{path}: must be an npz of arrays; {error}. {advice}") from None


def require_arrays(arrays: Mapping[str, np.ndarray], names: Iterable[str], path: Path) -> None:
    """Checks that a file's arrays include these.

    Raises:
      InputError: one is missing; the first such is named.
    """
    if missing := [name for name in names if name not in arrays]:
        raise InputError(f"{path}: must have the array {missing[0]!r}; it has {', '.join(sorted(arrays))}.")


def read_text(path: Path, *, what: str, limit: int, advice: str) -> str:
    """A text file's content, as `read_bytes` reads it.

    Raises:
      InputError: as there; or not UTF-8.
    """
    try:
        return read_bytes(path, what=what, limit=limit, advice=advice).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {what} must be UTF-8; it is not from byte {error.start}. Save it again.") from None


def read_checksums(listing: Path, folder: Path) -> dict[str, str]:
    """Path in `folder` to SHA-256, from a file of `SHA-256  path` lines.

    Raises:
      InputError: the file cannot be read, a line is another, or a path leads out of the folder.
    """
    text = read_text(listing, what="a checksum file", limit=LIMIT_BYTES, advice="Check `source.checksums`.")
    checksums = {}
    for number, line in enumerate(text.splitlines(), start=1):
        digest, _, name = line.partition("  ")
        if not re.fullmatch("[0-9a-f]{64}", digest) or not name.isprintable():
            raise InputError(f"{listing}: line {number} must be `SHA-256  path`; got {line!r}.")
        inside(folder, name, key=f"{listing}: line {number}")
        checksums[name] = digest
    return checksums


def inside(folder: Path, name: str, *, key: str) -> Path:
    """The path of what a study names in one of its folders, whether or not it is there.

    Args:
      key: under which the study names it.

    Raises:
      InputError: the name is absolute, climbs with "..", is no name of a file, or leads out of the folder by a link.
    """
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
        raise InputError(f"{key} must be a path inside {folder}, without `..`; got {name!r}. Copy the file there.")
    return within(folder, folder / name, key=key)


def within(folder: Path, path: Path, *, key: str) -> Path:
    """The path, if it does not lead out of the folder by a link, and the system can look for it.

    Raises:
      InputError: otherwise.
    """
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise InputError(f"{key} must be a path that can be looked at; got {str(path)!r}: {error}.") from None
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{key} must lie inside {folder}; {path} is a link to {path.resolve()}. Copy the file there.")
    return path

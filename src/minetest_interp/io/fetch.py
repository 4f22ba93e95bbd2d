"""Fetch published files and accept them only with the right SHA-256."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pooch
import requests

from minetest_interp.io import files
from minetest_interp.io.errors import InputError

TIMEOUT_SECONDS = 30  # without a byte
ATTEMPTS = 3


def fetch(
    repository: str, checksums: Mapping[str, str], folder: Path, *, progress: Callable[[str], None] = lambda name: None
) -> None:
    """Downloads what is missing into `folder`.

    What has arrived, whole and verified, waits in a folder beside until all has: a fetch that was cut goes on there.

    Raises:
      InputError: the network or the server fails, or a file is not the one that was published.
    """
    waiting = folder.with_name(f".{folder.name}.part")
    missing = {name: digest for name, digest in checksums.items() if not _is_there(folder / name, digest)}
    for name, digest in missing.items():
        if not _is_there(waiting / name, digest):
            _download(repository, name, digest, waiting / name)
        progress(name)
    for name in missing:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (waiting / name).replace(folder / name)
    shutil.rmtree(waiting, ignore_errors=True)
    files.WRITTEN.update({folder / name: digest for name, digest in checksums.items()})


def _is_there(file: Path, digest: str) -> bool:
    return file.is_file() and files.sha256(file) == digest


def _download(repository: str, name: str, digest: str, target: Path) -> None:
    download = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS)

    def fill(beside: Path) -> None:
        for attempt in range(ATTEMPTS):
            try:
                download(f"{repository.rstrip('/')}/{name}", str(beside), None)
                break
            except requests.RequestException as error:
                if attempt == ATTEMPTS - 1:
                    raise InputError(
                        f"{name} could not be fetched from {repository} ({type(error).__name__}). "
                        "Go online, or pass a local copy with --config data=FOLDER."
                    ) from error
        if files.sha256(beside) != digest:
            raise InputError(
                f"{name} as served by {repository} must have the SHA-256 {digest}; it has not, and was thrown away. "
                "Pass a good copy with --config data=FOLDER."
            )

    files.write(target, fill)

"""Fetch published files and accept them only with the right SHA-256."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pooch
import requests

from minetest_interp.io import files
from minetest_interp.io.errors import InputError

TIMEOUT_SECONDS = 30  # without a byte
ATTEMPTS = 3


def fetch(
    repositories: Sequence[str],
    checksums: Mapping[str, str],
    folder: Path,
    *,
    progress: Callable[[str], None] = lambda name: None,
) -> None:
    """Downloads what is missing into `folder`.

    What has arrived, whole and verified, waits in a folder beside until all has: a fetch that was cut goes on there.

    Args:
      repositories: where the files are, in the order in which they are asked (see `address`). The one that gave a file
        is asked first for the next.

    Raises:
      InputError: no repository gives some file as it was published.
    """
    waiting, order = folder.with_name(f".{folder.name}.part"), list(repositories)
    missing = {name: digest for name, digest in checksums.items() if not _is_there(folder / name, digest)}
    for name, digest in missing.items():
        if not _is_there(waiting / name, digest):
            gave = _download(order, name, digest, waiting / name)
            order.sort(key=lambda repository: repository != gave)
        progress(name)
    for name in missing:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (waiting / name).replace(folder / name)
    shutil.rmtree(waiting, ignore_errors=True)
    files.WRITTEN.update({folder / name: digest for name, digest in checksums.items()})


def address(repository: str, name: str, digest: str) -> str:
    """Of a file: `repository` with the SHA-256 in the place of {sha256} or, without that, with the name added."""
    if "{sha256}" in repository:
        return repository.replace("{sha256}", digest)
    return f"{repository.rstrip('/')}/{name}"


def _is_there(file: Path, digest: str) -> bool:
    return file.is_file() and files.sha256(file) == digest


def _download(repositories: Sequence[str], name: str, digest: str, target: Path) -> str:
    """Writes the file from the first repository that gives the right bytes, and says which that was."""
    said = {}

    def fill(beside: Path) -> None:
        for repository in repositories:
            said[repository] = _attempt(address(repository, name, digest), beside)
            if not said[repository] and files.sha256(beside) == digest:
                return
        faults = "; ".join(f"{repository}: {fault or 'other bytes'}" for repository, fault in said.items())
        raise InputError(
            f"{name} must be fetched with the SHA-256 {digest}; it was not ({faults}). "
            "Go online, or pass a local copy with --config data=FOLDER."
        )

    files.write(target, fill)
    return next(reversed(said))


def _attempt(address: str, target: Path) -> str | None:
    """Downloads a file; the name of the last error where that fails."""
    download = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS)
    fault = None
    for _ in range(ATTEMPTS):
        try:
            download(address, str(target), None)
            return None
        except requests.RequestException as error:
            fault = type(error).__name__
    return fault

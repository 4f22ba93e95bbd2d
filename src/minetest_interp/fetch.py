"""Fetch published files and accept them only with the right SHA-256."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pooch
import requests

from minetest_interp import files
from minetest_interp.errors import InputError

TIMEOUT_SECONDS = 30


def fetch(
    repository: str, checksums: Mapping[str, str], folder: Path, *, progress: Callable[[str], None] = lambda name: None
) -> None:
    """Downloads what is missing into `folder`. Pooch writes beside and renames, so a cut download leaves nothing.

    Raises:
      InputError: the network or the server fails, or a file is not the one that was published.
    """
    registry = {name: f"sha256:{digest}" for name, digest in checksums.items()}
    shelf = pooch.create(path=folder, base_url=repository.rstrip("/") + "/", registry=registry, retry_if_failed=2)
    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS)
    for name in checksums:
        try:
            shelf.fetch(name, downloader=downloader)
        except requests.RequestException as error:
            raise InputError(
                f"{name} could not be fetched from {repository} ({type(error).__name__}). "
                "Go online, or pass a local copy with --config data=FOLDER."
            ) from error
        except ValueError as error:  # pooch's word for a wrong hash
            raise InputError(
                f"{name} as served by {repository} must have the SHA-256 {checksums[name]}; it has not, and was thrown "
                "away. Pass a good copy with --config data=FOLDER."
            ) from error
        files.WRITTEN[folder / name] = checksums[name]
        progress(name)

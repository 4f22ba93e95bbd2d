"""Fetch a study's published files, each verified by its SHA-256."""

from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.io import fetch


def run(repositories: list, checksums: dict, folder: Path) -> None:
    fetch.fetch(repositories, checksums, folder, progress=lambda name: print(f"fetched {name}", flush=True))


if __name__ == "__main__":
    command(run)

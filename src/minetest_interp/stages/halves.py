"""Labelled frames in two halves that share no site, to ask everything again of each."""

from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.model import captured


def run(labels: Path, first: Path, second: Path) -> None:
    arrays = files.read_arrays(labels)
    if not all(arrays["site"]):
        raise InputError(
            f"{labels}: every labelled frame must name its site (frames.csv, column site); some name none."
        )
    chosen = captured.every_other_site(arrays["site"])
    for half, output in ((chosen, first), (~chosen, second)):
        files.write_arrays(output, **{name: array[half] for name, array in arrays.items()})


if __name__ == "__main__":
    command(run)

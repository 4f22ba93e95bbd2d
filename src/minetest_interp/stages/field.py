"""Test what the policy does around one tree on a plain."""

from pathlib import Path

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import field
from minetest_interp.claims.measured import write
from minetest_interp.cli import command
from minetest_interp.io import files


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    interval: dict,
    side: int,
    arrays: Path,
    estimates: Path,
    cells: Path | None = None,
) -> None:
    """The options of every measurement; what the policy does is in the cells."""
    found = files.read_arrays(cells) if cells is not None else None
    write(field.measure(found, side=side, level=Level(**interval)), arrays, estimates)


if __name__ == "__main__":
    command(run)

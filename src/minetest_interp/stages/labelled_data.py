"""Scale captured frames down to the labelled frames of both studies."""

from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.demo import scaled


def run(wooded: Path, open_country: Path, data: Path) -> None:
    print(f"{data}: {scaled.write_labelled(wooded, open_country, data)} labelled frames")


if __name__ == "__main__":
    command(run)

"""Test the claims about frames that differ in one thing: no trunk, a moved one, night, motion."""

from pathlib import Path

from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import pairs
from minetest_interp.claims.measured import write
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent

LABELLED = ("frames", "original", "trunk", "group", "role")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    interval: dict,
    similarity: float,
    side: int,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    measured = pairs.measure(
        loaded,
        table,
        files.read_arrays(labels, *LABELLED) if labels else None,
        steering=actions["steering"],
        side=side,
        similarity=similarity,
        bootstrap=Bootstrap(**interval),
    )
    write(measured, arrays, estimates)


if __name__ == "__main__":
    command(run)

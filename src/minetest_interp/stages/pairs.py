"""Test the claims about frames that differ in one thing: no trunk, a moved one, night, motion."""

from pathlib import Path

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import pairs
from minetest_interp.claims.measured import Measured, measure_each, read_labels, write
from minetest_interp.cli import command
from minetest_interp.model import agent

LABELLED = ("frames", "original", "share", "group", "role")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    interval: dict,
    similarity: float,
    about: list,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
    settings: dict | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)

    def measure(concept: str, readout: str, side: int) -> Measured:
        return pairs.measure(
            loaded,
            table,
            read_labels(labels, concept, *LABELLED),
            concept=concept,
            steering=readout,
            side=side,
            **(settings or {}),
            similarity=similarity,
            level=Level(**interval),
        )

    write(measure_each(about, measure), arrays, estimates)


if __name__ == "__main__":
    command(run)

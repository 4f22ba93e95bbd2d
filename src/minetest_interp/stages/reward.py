"""Test whether the value follows what the shaped reward pays."""

from pathlib import Path

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import reward
from minetest_interp.claims.measured import Measured, measure_each, read_labels, write
from minetest_interp.cli import command
from minetest_interp.model import agent

LABELLED = ("frames", "original", "share", "group", "role", "ray_trunks", "hud")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    settings: dict,
    interval: dict,
    similarity: float,
    about: list,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)

    def measure(concept: str, readout: str, side: int) -> Measured:
        return reward.measure(
            loaded,
            table,
            read_labels(labels, concept, *LABELLED),
            concept=concept,
            **settings,
            similarity=similarity,
            level=Level(**interval),
        )

    write(measure_each(about, measure), arrays, estimates)


if __name__ == "__main__":
    command(run)

"""Test what each layer holds of the labels, and whether the steering follows a concept in every group of frames."""

from pathlib import Path

from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import probes
from minetest_interp.claims.measured import Measured, measure_each, read_labels, write
from minetest_interp.cli import command
from minetest_interp.model import agent

LABELLED = ("frames", "original", "position", "group", "species", "biome", "distance", "ray_trunks")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    settings: dict,
    interval: dict,
    similarity: float,
    about: list,
    named: dict,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)

    def measure(concept: str, readout: str, side: int) -> Measured:
        return probes.measure(
            loaded,
            table,
            read_labels(labels, concept, *LABELLED),
            channels=named,
            concept=concept,
            steering=readout,
            side=side,
            **settings,
            similarity=similarity,
            bootstrap=Bootstrap(**interval),
        )

    write(measure_each(about, measure), arrays, estimates)


if __name__ == "__main__":
    command(run)

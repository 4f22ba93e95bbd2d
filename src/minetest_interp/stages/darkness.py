"""Test whether the policy turns towards what is dark, what is rough, or the concept beyond both."""

from pathlib import Path

from minetest_interp.analysis.intervals import Bootstrap
from minetest_interp.claims import darkness
from minetest_interp.claims.measured import Measured, measure_each, read_labels, write
from minetest_interp.cli import command
from minetest_interp.model import agent

LABELLED = ("frames", "original", "share", "position", "group")


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
        return darkness.measure(
            loaded,
            table,
            read_labels(labels, concept, *LABELLED),
            steering=readout,
            side=side,
            similarity=similarity,
            bootstrap=Bootstrap(**interval),
            **settings,
        )

    write(measure_each(about, measure), arrays, estimates)


if __name__ == "__main__":
    command(run)

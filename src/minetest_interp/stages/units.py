"""What single channels respond to: oriented gradients in the first layer, trunks in others; both against controls."""

from pathlib import Path

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import units
from minetest_interp.claims.measured import Measured, measure_each, read_labels, write
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent

LABELLED = ("frames", "original", "share", "group")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    settings: dict,
    interval: dict,
    similarity: float,
    about: list,
    named: dict,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
) -> None:
    loaded = agent.load(checkpoint_path, policy, actions).checkpoint.policy
    shown = files.read_arrays(stacks, *({"frames", "original", "colours"} & set(files.array_names(stacks))))

    def measure(concept: str, readout: str, side: int) -> Measured:
        return units.measure(
            loaded,
            shown,
            read_labels(labels, concept, *LABELLED),
            channels=named,
            **settings,
            similarity=similarity,
            level=Level(**interval),
        )

    write(measure_each(about, measure), arrays, estimates)


if __name__ == "__main__":
    command(run)

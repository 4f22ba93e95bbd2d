"""Test the claims about what the policy does on the study's frames and on labelled ones."""

from pathlib import Path

from minetest_interp.analysis.intervals import Level
from minetest_interp.claims import behaviour
from minetest_interp.claims.measured import Measured, measure_each, read_labels, write
from minetest_interp.cli import command
from minetest_interp.io import files
from minetest_interp.model import agent

LABELLED = ("frames", *behaviour.VIEWS, "position", "group", "light")


def run(
    checkpoint_path: Path,
    policy: dict,
    actions: dict,
    stacks: Path,
    night: list,
    interval: dict,
    similarity: float,
    about: list,
    arrays: Path,
    estimates: Path,
    labels: Path | None = None,
    settings: dict | None = None,
) -> None:
    (loaded, _, _), table = agent.load(checkpoint_path, policy, actions)
    covered = [view for view in behaviour.COVERED if view in files.array_names(stacks)]
    shown = files.read_arrays(stacks, "frames", *behaviour.VIEWS, *covered)

    def measure(concept: str, readout: str, side: int) -> Measured:
        return behaviour.measure(
            loaded,
            table,
            shown,
            read_labels(labels, concept, *LABELLED),
            steering=readout,
            side=side,
            night=night,
            **(settings or {}),
            similarity=similarity,
            level=Level(**interval),
        )

    write(measure_each(about, measure), arrays, estimates)


if __name__ == "__main__":
    command(run)
